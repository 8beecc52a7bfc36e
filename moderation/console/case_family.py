"""Look-alikes among the hashtags that the decisions name, indexed by skeleton; a change costs the changed ones only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from moderation.domain.appeals.automated_decisions import AutomatedFold
from streams.policy.look_alikes import skeleton

MOST_FORGOTTEN = 100_000
"""Hashtags that the logs no longer name, above which the index is rebuilt; those that only people named count, too."""


class Relative(NamedTuple):
    """Look-alike of a hashtag, with its case if one is open."""

    hashtag: str
    display: str
    case: str = ""
    """Id of its open case; "" for none."""


class FamilyIndex:
    """Hashtags by skeleton. The skeleton of each is computed once."""

    def __init__(self) -> None:
        self._automated: AutomatedFold | None = None
        self._sequence = 0
        self._known: set[str] = set()
        self._families: defaultdict[str, set[str]] = defaultdict(set)

    def look_alikes_of(
        self, hashtag: str, automated: AutomatedFold, named: Mapping[str, str] = MappingProxyType({})
    ) -> list[Relative]:
        """Return the look-alikes of a hashtag (normalised) among those that decisions name, in alphabetical order.

        Args:
            hashtag: normalised hashtag.
            automated: automated decisions.
            named: further hashtags with their spelling, such as those of people's decisions.
        """
        self._follow(automated)
        self._add(named)
        form = skeleton(hashtag)
        look_alikes = sorted(self._families[form] - {hashtag}) if form and form in self._families else []
        spellings = (next((decision.display for decision in automated.latest_of_tag(tag)), "") for tag in look_alikes)
        return [
            Relative(tag, display or named.get(tag) or tag) for tag, display in zip(look_alikes, spellings, strict=True)
        ]

    def _follow(self, automated: AutomatedFold) -> None:
        if automated is not self._automated or len(self._known) > len(automated.hashtags()) + MOST_FORGOTTEN:
            self._automated, self._sequence = automated, 0
            self._known.clear()
            self._families.clear()
        self._sequence, changed = automated.changes.since(self._sequence)
        self._add(automated.hashtags() if changed is None else changed)

    def _add(self, hashtags: Iterable[str]) -> None:
        for hashtag in {*hashtags} - self._known:
            self._families[skeleton(hashtag)].add(hashtag)
            self._known.add(hashtag)
