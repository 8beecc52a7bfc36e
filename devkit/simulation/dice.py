"""Random numbers of the simulation: named streams from one seed, so that a new stream does not change the others."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from math import exp
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

_FEW = 30.0


def stream(seed: int, *names: object) -> Random:
    """Return the random generator of a name: the same in every process, independent of other streams.

    >>> stream(7, "a").random() == stream(7, "a").random() != stream(7, "b").random()
    True
    """
    return Random(digits(seed, *names))


def digits(seed: int, *names: object) -> int:
    """Derive 128 bits from the names alone, for facts that must not depend on the order of events."""
    name = "/".join(map(str, (seed, *names)))
    return int.from_bytes(blake2b(name.encode(), digest_size=16).digest(), "big")


def poisson(rng: Random, mean: float) -> int:
    """Draw from a Poisson distribution; from a mean of 30 on by the normal approximation."""
    if mean >= _FEW:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    if mean <= 0:
        return 0
    left, n = rng.random(), 0
    floor = exp(-mean)
    while left > floor:
        left *= rng.random()
        n += 1
    return n


class Weighted(Generic[T]):
    """Items drawn with given weights."""

    def __init__(self, choices: Sequence[tuple[T, float]]) -> None:
        self._items = [item for item, _ in choices]
        self._sums = list(accumulate(weight for _, weight in choices))

    def draw(self, rng: Random) -> T:
        """Draw an item by weight."""
        return self._items[bisect(self._sums, rng.random() * self._sums[-1], 0, len(self._items) - 1)]


def zipf_sums(n: int, exponent: float) -> list[float]:
    """Compute the cumulated Zipf weights 1, 2^-s, 3^-s, ... of n ranks."""
    return list(accumulate((rank + 1) ** -exponent for rank in range(n)))
