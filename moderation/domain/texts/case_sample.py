"""Sample of a case as a person may see it before a text is opened: ids, languages and markings, no text. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.markings import MarkingFold
from moderation.domain.texts.case_texts import item_to_read, sample_places
from moderation.domain.texts.shown_text import sample_words, tag_address, tweet_address
from streams.orders.speakers import same_person
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class CaseSample:
    """Sampled tweets of one item of a case, for one person."""

    case: HashtagCase
    hidden: bool
    person: str
    opened: Collection[str]
    """Tweets that the person has opened in this case within the shift."""
    markings: MarkingFold
    item: str | None = None
    """Id of the item; None: the one that reaches most."""

    def as_dict(self, settings: Settings) -> dict[str, Any]:
        """Build the JSON of the sample.

        Raises:
            CallerMistake: no item of the case has sampled tweets, or the case has no such item.
        """
        chosen = item_to_read(self.case, self.item, hidden=self.hidden)
        assert chosen.evidence is not None
        own = self.markings.of_person(self.case.id, self.person)
        shows_others = may_see_markings(self.case, self.person, hidden=self.hidden)
        others = self.markings.of_others(self.case.id, self.person) if shows_others else {}
        return {
            "case": self.case.id,
            "hashtag": self.case.hashtag,
            "item": "" if self.hidden else chosen.id,  # the id is a statement's reference, if it was suppressed
            "country": chosen.country,
            "blinded": self.hidden,
            "url": tag_address(settings.tag_url, self.case.hashtag),
            "sample": sample_words(chosen.evidence),
            "items": [
                {
                    "id": tweet,
                    "lang": at.lang,
                    "url": tweet_address(settings.tweet_url, tweet),
                    "opened": tweet in self.opened,
                    "mark": own.get(tweet),
                    "others": [{"actor": marking.actor, "mark": marking.mark} for marking in others.get(tweet, [])]
                    if shows_others
                    else None,
                }
                for tweet, at in sample_places(chosen.evidence).items()
            ],
        }


def sampled_tweets(case: HashtagCase, *, hidden: bool) -> frozenset[str]:
    """Return the ids of the tweets that a person may mark: those of the second look, or of every item of the case."""
    items = [case.look] if hidden and case.look is not None else case.items
    return frozenset(tweet for part in items if part.item.evidence is not None for tweet in part.item.evidence.sampled)


def may_see_markings(case: HashtagCase, actor: str, *, hidden: bool) -> bool:
    """Return whether an actor may see the markings of others.

    They may once they have given a first answer, or the case is decided; never in a blind second look.
    """
    answered = any(same_person(answer.actor, actor) for answer in case.progress.answers)
    return not hidden and (answered or bool(case.progress.decisions) or not case.is_open)
