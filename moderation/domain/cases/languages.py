"""Languages of a case that the model does not read, so that a person who reads them can take it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from moderation.domain.appeals.items import BLIND_KINDS, NOT_ASSESSED
from moderation.domain.cases.case import HashtagCase
from streams.languages import UNNAMED, in_order, language_name
from streams.log.decisions import Evidence, unread_of

LEAST_SHARE = 0.1
"""Share of the sampled authors from which a language is named; the largest of a `not_assessed` case always is."""


class UnreadLanguage(NamedTuple):
    """Language that the model does not read, and its share of the sampled authors, in [0, 1]."""

    language: str
    """BCP 47 tag, or `other`."""
    share: float

    @property
    def words(self) -> str:
        """Name and share.

        >>> UnreadLanguage("ta", 0.807).words
        'Tamil 81%'
        """
        return f"{language_name(self.language)} {self.share:.0%}"

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain JSON."""
        return {"language": self.language, "name": language_name(self.language), "share": self.share}


def unread_languages(case: HashtagCase) -> tuple[UnreadLanguage, ...]:
    """List the languages that the model does not read, of the item that reaches most; the largest share first."""
    items = [part.item for part in case.open_items or case.items if part.item.kind not in BLIND_KINDS]
    widest = max(items, key=lambda item: (item.kind == NOT_ASSESSED, item.reach, item.id), default=None)
    return () if widest is None else languages_of(widest.evidence, largest=widest.kind == NOT_ASSESSED)


def languages_of(evidence: Evidence | None, *, largest: bool = False) -> tuple[UnreadLanguage, ...]:
    """List the languages with at least `LEAST_SHARE` of the sampled authors; `largest`: the largest in any case."""
    unread = {} if evidence is None else unread_of(evidence)
    if evidence is None or not unread:
        return ()
    sampled = evidence.scored + sum(unread.values())
    ordered = sorted(in_order(unread).items(), key=lambda tag_count: -tag_count[1])
    languages = [UnreadLanguage(tag, round(count / sampled, 2)) for tag, count in ordered]
    large = tuple(language for language in languages if language.share >= LEAST_SHARE)
    return large or tuple(languages[: int(largest)])


def reader_words(languages: Sequence[Mapping[str, Any]]) -> str:
    """Name the language that a person needs for a case, from the languages in its JSON.

    >>> reader_words([{"language": "ta", "name": "Tamil"}]), reader_words([{"language": "other", "name": "other"}])
    ('Tamil', 'them')
    """
    first = languages[0] if languages else None
    return "them" if first is None or first["language"] in UNNAMED else str(first["name"])


def is_in_language(case: Mapping[str, Any], language: str) -> bool:
    """Return whether the JSON of a case names a language that the model does not read."""
    return any(unread["language"] == language for unread in case.get("languages", ()))
