"""Background hashtags: a Zipf vocabulary for each country, and a long tail of hashtags that are used once."""

from __future__ import annotations

from bisect import bisect
from random import Random

from devkit.simulation.dice import stream, zipf_sums
from devkit.simulation.texts import NameParts, TagNames


class TagVocabulary:
    """Background hashtags of a country, the most frequent first.

    Args:
        size: maximum number of hashtags; there may be fewer names.
        exponent: exponent of Zipf's law, about 1 for hashtags.
    """

    def __init__(self, seed: int, country: str, names: TagNames, size: int, exponent: float) -> None:
        everywhere = names.organic[""]
        assert isinstance(everywhere, list)
        own = names.organic.get(country)
        pool = list(everywhere)
        if isinstance(own, NameParts):
            pool += own.whole + [first + second for first in own.first for second in own.second]
        rng = stream(seed, "vocabulary", country)
        rng.shuffle(pool)
        self.tags = pool[:size]
        self._sums = zipf_sums(len(self.tags), exponent)

    def draw(self, rng: Random) -> str:
        """Draw a hashtag by frequency."""
        return self.tags[bisect(self._sums, rng.random() * self._sums[-1], 0, len(self.tags) - 1)]


class OneUseTags:
    """Hashtags that are used only once."""

    def __init__(self, parts: NameParts) -> None:
        self._parts = parts
        self._given = 0

    def draw(self, rng: Random) -> str:
        """Make a new hashtag."""
        self._given += 1
        first, second = self._parts.first, self._parts.second
        return f"{first[int(rng.random() * len(first))]}{second[int(rng.random() * len(second))]}{self._given}"
