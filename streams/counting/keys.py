"""Hashtags and countries as integers, so that settled panes are arrays.

A key is `tag << 10 | country`. Countries of one tag are neighbours in sorted order, so the world's entries of a tag
are one slice of a sorted pane: nothing is kept twice for the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

COUNTRY_BITS = 10
WORLD = 0
"""Country code of the key that stands for the tag in the whole world; no register has it."""
NOWHERE = 1
"""Country code of tweets without a country: they count for the world only."""
_FIRST = 2
COUNTRY_MASK = (1 << COUNTRY_BITS) - 1
WORLD_MASK = -1 << COUNTRY_BITS
"""Of a key: the world's of its hashtag."""


@cache
def country_code(country: str) -> int:
    """Code of an ISO 3166-1 alpha-2 country, `*` (the world) or "" (none), in [0, 678).

    >>> country_name(country_code("IN")), country_code("*"), country_code("")
    ('IN', 0, 1)
    """
    if country == "*":
        return WORLD
    if not country:
        return NOWHERE
    return _FIRST + (ord(country[0]) - 65) * 26 + (ord(country[1]) - 65)


@cache
def country_name(code: int) -> str:
    """The inverse of `country_code`."""
    if code < _FIRST:
        return "" if code == NOWHERE else "*"
    first, second = divmod(code - _FIRST, 26)
    return chr(65 + first) + chr(65 + second)


class Tags:
    """Numbers for hashtags, given out in order and taken back when nothing counts them any more."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, hashtag: str) -> int:
        """The number of a hashtag; it gets one if it has none."""
        number = self._numbers.get(hashtag)
        if number is None:
            number = self._numbers[hashtag] = self._next
            self._names[number] = hashtag
            self._next += 1
        return number

    def of(self, hashtags: Sequence[str]) -> npt.NDArray[np.int64]:
        """`number` of many: (n,)."""
        found = list(map(self._numbers.get, hashtags))
        if None in found:
            new = dict.fromkeys([name for name, number in zip(hashtags, found, strict=True) if number is None])
            numbers = range(self._next, self._next + len(new))
            self._numbers.update(zip(new, numbers, strict=True))
            self._names.update(zip(numbers, new, strict=True))
            self._next = numbers.stop
            found = list(map(self._numbers.get, hashtags))
        return np.array(found, np.int64)

    def key(self, hashtag: str, country: str) -> int:
        """The key of a hashtag in a country; the hashtag gets a number if it has none."""
        return self.number(hashtag) << COUNTRY_BITS | country_code(country)

    def find(self, hashtag: str, country: str) -> int | None:
        """The key, where the hashtag has a number."""
        number = self._numbers.get(hashtag)
        return None if number is None else number << COUNTRY_BITS | country_code(country)

    def name(self, key: int) -> str:
        """The hashtag of a key."""
        return self._names[key >> COUNTRY_BITS]

    def names(self, keys: npt.NDArray[np.int64]) -> list[str]:
        """`name` of many: (n,)."""
        return list(map(self._names.__getitem__, (keys >> COUNTRY_BITS).tolist()))

    def numbers(self) -> list[int]:
        """All numbers given out."""
        return list(self._names)

    def forget(self, numbers: Iterable[int]) -> None:
        """Take numbers back; the caller holds no key of theirs any more."""
        for number in numbers:
            del self._numbers[self._names.pop(number)]


def range_of(key: int) -> tuple[int, int]:
    """[first, end) of the keys that count for a key: for the world's those of all countries.

    >>> range_of(5 << COUNTRY_BITS | 7), range_of(5 << COUNTRY_BITS)
    ((5127, 5128), (5120, 6144))
    """
    return key, key + (1 if key & COUNTRY_MASK else 1 << COUNTRY_BITS)


def ends_of(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The ends of `range_of` of many: (n,)."""
    return np.where(keys & COUNTRY_MASK, keys + 1, keys + (1 << COUNTRY_BITS))


def country_of(key: int) -> str:
    """The country of a key: ISO code, `*` or ""."""
    return country_name(key & COUNTRY_MASK)
