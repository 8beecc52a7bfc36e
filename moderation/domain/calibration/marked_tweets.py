"""Markings of people in cases as labels. Pure.

A tweet that a person marked as an attack is harmful; one marked as counter-speech, news, reclaimed use or off the topic
is not. A decision on a case labels no tweet: most tweets under a harmful hashtag are clean. It adds one thing to the
tweets that were marked as attacks: if people hid the hashtag for some categories, the attack is harmful in these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.markings import Mark, MarkingFold
from moderation.domain.texts.case_texts import sample_places
from moderation.domain.texts.shown_text import NO_POSITION
from streams.log.decisions import SampledAt

IS_HARMFUL: dict[Mark, bool] = {
    "attack": True,
    "counter_speech": False,
    "news": False,
    "reclaimed": False,
    "unrelated": False,
}


@dataclass(frozen=True, slots=True)
class MarkedTweet:
    """Marking of a tweet by a person, as a label without scores."""

    tweet: str
    place: SampledAt
    """Position in the source topic; -1 where no case names it any more."""
    hashtag: str
    actor: str
    harmful: bool
    categories: dict[str, bool]
    at_ms: int


def marked_tweets(markings: MarkingFold, cases: Mapping[str, HashtagCase], names: tuple[str, ...]) -> list[MarkedTweet]:
    """Return the labels that the markings give.

    Args:
        markings: markings of all people.
        cases: cases by id, which have the positions of sampled tweets.
        names: categories of the model.
    """
    marked: list[MarkedTweet] = []
    for case, marks in markings.by_case():
        hashtag_case = cases.get(case)
        places = _places(hashtag_case)
        hidden = _hidden_categories(hashtag_case)
        for marking in marks:
            if (harmful := IS_HARMFUL.get(marking.mark)) is None:
                continue
            categories = {name: True for name in names if name in hidden} if harmful else dict.fromkeys(names, False)
            place = places.get(marking.tweet, NO_POSITION)
            marked.append(
                MarkedTweet(marking.tweet, place, marking.hashtag, marking.actor, harmful, categories, marking.at_ms)
            )
    return marked


def unmarked_counts(markings: MarkingFold, cases: Mapping[str, HashtagCase], person: str) -> dict[str, int]:
    """Count the sampled tweets of each case that a person has not marked."""
    counts = {}
    for case in cases.values():
        own = markings.of_person(case.id, person)
        if remaining := len(_places(case).keys() - own.keys()):
            counts[case.id] = remaining
    return counts


def sampled_places(cases: Iterable[HashtagCase]) -> dict[str, tuple[str, SampledAt]]:
    """Return hashtag and position of every tweet that a case has sampled, by id."""
    return {tweet: (case.hashtag, at) for case in cases for tweet, at in _places(case).items()}


def _places(case: HashtagCase | None) -> dict[str, SampledAt]:
    """Return the positions of a case's sampled tweets, those of the highest scores included."""
    places: dict[str, SampledAt] = {}
    for part in case.items if case is not None else ():
        evidence = part.item.evidence
        if evidence is not None:
            places |= dict(zip(evidence.highest, evidence.highest_at, strict=False)) | sample_places(evidence)
    return places


def _hidden_categories(case: HashtagCase | None) -> set[str]:
    """Return the categories for which people decided to hide the hashtag."""
    if case is None:
        return set()
    covered = {
        part.item for decision in case.progress.decisions if decision.verdict == "hide" for part in decision.covers
    }
    return {part.item.category for part in case.items if part.item.id in covered} - {""}
