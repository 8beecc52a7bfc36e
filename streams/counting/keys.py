"""Hashtags and countries as integers, so that settled panes are arrays; and the shard of a hashtag.

A key is `tag << 10 | country`. Countries of one tag are neighbours in sorted order, so the world's entries of a tag
are one slice of a sorted pane: nothing is kept twice for the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

COUNTRY_BITS = 10
WORLD = 0
"""Country code of the key for the whole world; no count has it."""
NOWHERE = 1
"""Country code of tweets without a country, which count for the world only."""
_FIRST = 2
COUNTRY_MASK = (1 << COUNTRY_BITS) - 1
WORLD_MASK = -1 << COUNTRY_BITS
"""Mask that turns a key into the world's key of its hashtag."""


@cache
def country_code(country: str) -> int:
    """Return the code of an ISO 3166-1 alpha-2 country, `*` (the world) or "" (none), in [0, 678).

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
    """Return the country of a code; the inverse of `country_code`."""
    if code < _FIRST:
        return "" if code == NOWHERE else "*"
    first, second = divmod(code - _FIRST, 26)
    return chr(65 + first) + chr(65 + second)


class Tags:
    """Numbers of hashtags, assigned in order and released when nothing counts them any more."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._names: dict[int, bytes] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, hashtag: str) -> int:
        """Return the number of a hashtag, and assign one if it has none."""
        return int(self.of([hashtag])[0])

    def of(self, hashtags: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the numbers (n,) of hashtags, and assign those that are missing, in their order."""
        return self.of_lines("".join([f"{hashtag}\n" for hashtag in hashtags]).encode(), len(hashtags))

    def of_lines(self, lines: bytes, n: int) -> npt.NDArray[np.int64]:
        """Return the numbers (n,) of n lines of UTF-8, one hashtag each; assign those that are missing, in order."""
        names = lines.split(b"\n")[:-1]
        assert len(names) == n, "each hashtag is followed by a line break"
        found = list(map(self._numbers.get, names))
        if None in found:
            new = dict.fromkeys([name for name, number in zip(names, found, strict=True) if number is None])
            numbers = range(self._next, self._next + len(new))
            self._numbers.update(zip(new, numbers, strict=True))
            self._names.update(zip(numbers, new, strict=True))
            self._next = numbers.stop
            found = list(map(self._numbers.get, names))
        return np.array(found, np.int64)

    def key(self, hashtag: str, country: str) -> int:
        """Return the key of a hashtag in a country, and assign a number if it has none."""
        return self.number(hashtag) << COUNTRY_BITS | country_code(country)

    def find(self, hashtag: str, country: str) -> int | None:
        """Return the key of a hashtag in a country; None if it has no number."""
        number = self._numbers.get(hashtag.encode())
        return None if number is None else number << COUNTRY_BITS | country_code(country)

    def name(self, key: int) -> str:
        """Return the hashtag of a key."""
        return self._names[key >> COUNTRY_BITS].decode()

    def names(self, keys: npt.NDArray[np.int64]) -> list[str]:
        """Return the hashtags of keys (n,)."""
        return self.lines_of(keys).decode().split("\n")[:-1]

    def lines_of(self, keys: npt.NDArray[np.int64]) -> bytes:
        """Return the hashtags of keys (n,) as n lines of UTF-8."""
        return b"\n".join([*map(self._names.__getitem__, (keys >> COUNTRY_BITS).tolist()), b""])

    def numbers(self) -> list[int]:
        """Return all assigned numbers."""
        return list(self._names)

    def forget(self, numbers: Iterable[int]) -> None:
        """Release numbers; the caller must have no key of them any more."""
        for number in numbers:
            del self._numbers[self._names.pop(number)]


def range_of(key: int) -> tuple[int, int]:
    """Return [first, end) of the keys that count for a key: for the world's key those of all countries.

    >>> range_of(5 << COUNTRY_BITS | 7), range_of(5 << COUNTRY_BITS)
    ((5127, 5128), (5120, 6144))
    """
    return key, key + (1 if key & COUNTRY_MASK else 1 << COUNTRY_BITS)


def ends_of(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the ends (n,) of `range_of` for keys (n,)."""
    return np.where(keys & COUNTRY_MASK, keys + 1, keys + (1 << COUNTRY_BITS))


def country_of(key: int) -> str:
    """Return the country of a key: an ISO code, `*` or ""."""
    return country_name(key & COUNTRY_MASK)


@dataclass(frozen=True, slots=True)
class Sharding:
    """Assignment of hashtags to shards, the same in every process."""

    shards: int

    def of(self, hashtag: str) -> int:
        """Return the CRC-32 of the normalised hashtag in UTF-8, modulo the number of shards."""
        return crc32(hashtag.encode()) % self.shards
