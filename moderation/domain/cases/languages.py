"""Languages of a case that the model does not read, so that a person who reads them can take it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.domain.appeals.items import BLIND_KINDS, NOT_ASSESSED
from moderation.domain.cases.answers import UnreadLanguageAnswer, unread_language
from moderation.domain.cases.case import HashtagCase
from streams.languages import UNNAMED, in_order
from streams.log.decisions import Evidence, unread_of

LEAST_SHARE = 0.1
"""Share of the sampled authors from which a language is named; the largest of a `not_assessed` case always is."""


def unread_languages(case: HashtagCase) -> tuple[UnreadLanguageAnswer, ...]:
    """List the languages that the model does not read, of the item that reaches most; the largest share first."""
    items = [part.item for part in case.open_items or case.items if part.item.kind not in BLIND_KINDS]
    widest = max(items, key=lambda item: (item.kind == NOT_ASSESSED, item.reach, item.id), default=None)
    return () if widest is None else languages_of(widest.evidence, largest=widest.kind == NOT_ASSESSED)


def languages_of(evidence: Evidence | None, *, largest: bool = False) -> tuple[UnreadLanguageAnswer, ...]:
    """List the languages with at least `LEAST_SHARE` of the sampled authors; `largest`: the largest in any case."""
    unread = {} if evidence is None else unread_of(evidence)
    if evidence is None or not unread:
        return ()
    sampled = evidence.scored + sum(unread.values())
    ordered = sorted(in_order(unread).items(), key=lambda tag_count: -tag_count[1])
    languages = [unread_language(tag, round(count / sampled, 2)) for tag, count in ordered]
    large = tuple(language for language in languages if language.share >= LEAST_SHARE)
    return large or tuple(languages[: int(largest)])


def reader_words(languages: Sequence[UnreadLanguageAnswer] | None) -> str:
    """Name the language that a person needs for a case, from the languages of its answer.

    >>> reader_words([unread_language("ta", 0.8)]), reader_words([unread_language("other", 0.8)])
    ('Tamil', 'them')
    """
    return "them" if not languages or languages[0].language in UNNAMED else languages[0].name
