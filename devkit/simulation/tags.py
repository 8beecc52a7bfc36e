"""Everyday hashtags: a Zipf vocabulary for each country, and a long tail of tags that are used once."""

from __future__ import annotations

from bisect import bisect
from random import Random

from devkit.simulation.dice import stream, zipf_sums
from devkit.simulation.texts import Names, Parts


class Vocabulary:
    """A country's everyday hashtags, the first ones used most.

    Args:
        size: at most so many; fewer if the names do not make more.
        exponent: of Zipf's law, about 1 for hashtags.
    """

    def __init__(self, seed: int, country: str, names: Names, size: int, exponent: float) -> None:
        everywhere = names.organic[""]
        assert isinstance(everywhere, list)
        own = names.organic.get(country)
        pool = list(everywhere)
        if isinstance(own, Parts):
            pool += own.whole + [first + second for first in own.first for second in own.second]
        rng = stream(seed, "vocabulary", country)
        rng.shuffle(pool)
        self.tags = pool[:size]
        self._sums = zipf_sums(len(self.tags), exponent)

    def draw(self, rng: Random) -> str:
        """One of them."""
        return self.tags[bisect(self._sums, rng.random() * self._sums[-1], 0, len(self.tags) - 1)]


class OneUse:
    """Hashtags that nobody has used before."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._given = 0

    def draw(self, rng: Random) -> str:
        """A new one."""
        self._given += 1
        first, second = self._parts.first, self._parts.second
        return f"{first[int(rng.random() * len(first))]}{second[int(rng.random() * len(second))]}{self._given}"
