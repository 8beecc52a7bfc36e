"""Look-alikes among the hashtags that the decisions name, indexed by skeleton; a change costs the changed ones only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from weakref import WeakKeyDictionary

from moderation.review.automated import AutomatedFold
from streams.policy.look_alikes import skeleton

_indexes: WeakKeyDictionary[AutomatedFold, FamilyIndex] = WeakKeyDictionary()


class Relative(NamedTuple):
    """Look-alike of a hashtag, with its case if one is open."""

    hashtag: str
    display: str
    case: str = ""
    """Id of its open case; "" for none."""


class FamilyIndex:
    """Hashtags by skeleton. A hashtag that is forgotten by the decisions stays: its page still says what is known."""

    def __init__(self) -> None:
        self._sequence = 0
        self._known: set[str] = set()
        self._families: defaultdict[str, set[str]] = defaultdict(set)

    def follow(self, automated: AutomatedFold) -> None:
        """Add the hashtags that are new since the last call."""
        self._sequence, changed = automated.changes.since(self._sequence)
        self.add(automated.hashtags() if changed is None else changed)

    def add(self, hashtags: Iterable[str]) -> None:
        """Add hashtags (normalised); the skeleton of each is computed once."""
        for hashtag in {*hashtags} - self._known:
            self._families[skeleton(hashtag)].add(hashtag)
            self._known.add(hashtag)

    def look_alikes(self, hashtag: str) -> list[str]:
        """Return the other known hashtags that look like one, in alphabetical order."""
        form = skeleton(hashtag)
        return sorted(self._families[form] - {hashtag}) if form in self._families and form else []


def look_alikes_of(
    hashtag: str, automated: AutomatedFold, named: Mapping[str, str] = MappingProxyType({})
) -> list[Relative]:
    """Return the look-alikes of a hashtag (normalised) among those that decisions name.

    Args:
        hashtag: normalised hashtag.
        automated: automated decisions.
        named: further hashtags with their spelling, such as those of people's decisions.
    """
    index = _indexes.setdefault(automated, FamilyIndex())
    index.follow(automated)
    index.add(named)
    return [
        Relative(one, next((d.display for d in automated.latest_of_tag(one)), "") or named.get(one) or one)
        for one in index.look_alikes(hashtag)
    ]
