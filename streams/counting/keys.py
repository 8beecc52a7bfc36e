"""Hashtags and countries as integers, so that settled panes are arrays; and the shard of a hashtag.

A key is `tag << 10 | country`. Countries of one tag are neighbours in sorted order, so the world's entries of a tag
are one slice of a sorted pane: nothing is kept twice for the world.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from streams.counting.kernels.lines import write_lines
from streams.counting.kernels.names import (
    DONE,
    POSITION,
    ROWS,
    compact,
    find_line,
    find_rows,
    number_lines,
    refill_slots,
)

COUNTRY_BITS = 10
_FIRST_ROWS = 512
_MOST_ASKED = 10_000
_UTF_8 = ("utf-8", "surrogatepass")
WORLD = 0
"""Country code of the key for the whole world; no count has it."""
NOWHERE = 1
"""Country code of tweets without a country, which count for the world only."""
_FIRST = 2
_COUNTRIES = _FIRST + 26 * 26
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


def are_countries(codes: npt.NDArray[np.uint16]) -> bool:
    """Return whether a count may have each of these codes (n,): of a country, or `NOWHERE`."""
    return bool(((codes >= NOWHERE) & (codes < _COUNTRIES)).all())


class Tags:
    """Numbers of hashtags, assigned in order and released when nothing counts them any more.

    See `streams.counting.kernels.names` for the table.
    """

    def __init__(self) -> None:
        self._arena = np.empty(_FIRST_ROWS * 8, np.uint8)
        self._ends = np.zeros(_FIRST_ROWS + 1, np.int64)
        self._numbers = np.empty(_FIRST_ROWS, np.int64)
        self._alive = np.zeros(_FIRST_ROWS, np.uint8)
        self._slots = np.zeros(4 * _FIRST_ROWS, np.uint64)
        self._secret = np.frombuffer(bytearray(os.urandom(16)), np.uint64)
        self._state = np.array([0, 1, 0, 0], np.int64)
        self._released = 0
        """Rows that are not alive."""
        self._asked: dict[int, str] = {}
        """Names that were asked for one by one: the same busy hashtags are, at every tick."""

    def __len__(self) -> int:
        return int(self._state[ROWS]) - self._released

    def number(self, hashtag: str) -> int:
        """Return the number of a hashtag, and assign one if it has none."""
        return int(self.of([hashtag])[0])

    def of(self, hashtags: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the numbers (n,) of hashtags, and assign those that are missing, in their order."""
        return self.of_lines("".join([f"{hashtag}\n" for hashtag in hashtags]).encode(*_UTF_8), len(hashtags))

    def of_lines(self, lines: bytes, n: int) -> npt.NDArray[np.int64]:
        """Return the numbers (n,) of n lines of UTF-8, one hashtag each; assign those that are missing, in order.

        Raises:
            ValueError: the lines are not n, or the last has no line break.
        """
        if lines.count(b"\n") != n or lines[-1:] not in (b"\n", b""):
            raise ValueError(f"the hashtags are not {n} lines, each with its line break")
        found = np.empty(n, np.int64)
        self._state[POSITION] = self._state[DONE] = 0
        view = np.frombuffer(lines, np.uint8)
        while True:
            number_lines(
                view, found, self._arena, self._ends, self._numbers, self._alive, self._slots, self._secret,
                self._state,
            )  # fmt: skip
            if self._state[DONE] == n:
                return found
            line = lines.index(b"\n", int(self._state[POSITION])) + 1 - int(self._state[POSITION])
            self._make_room(line)

    def key(self, hashtag: str, country: str) -> int:
        """Return the key of a hashtag in a country, and assign a number if it has none."""
        return self.number(hashtag) << COUNTRY_BITS | country_code(country)

    def find(self, hashtag: str, country: str) -> int | None:
        """Return the key of a hashtag in a country; None if it has no number."""
        line = np.frombuffer(f"{hashtag}\n".encode(*_UTF_8), np.uint8)
        row = find_line(line, self._arena, self._ends, self._alive, self._slots, self._secret)
        return None if row < 0 else int(self._numbers[row]) << COUNTRY_BITS | country_code(country)

    def name(self, key: int) -> str:
        """Return the hashtag of a key."""
        number = key >> COUNTRY_BITS
        name = self._asked.get(number)
        if name is None:
            if len(self._asked) == _MOST_ASKED:
                self._asked.clear()
            name = self._asked[number] = self.names(np.array([key], np.int64))[0]
        return name

    def names(self, keys: npt.NDArray[np.int64]) -> list[str]:
        """Return the hashtags of keys (n,)."""
        return self.lines_of(keys).decode(*_UTF_8).split("\n")[:-1]

    def lines_of(self, keys: npt.NDArray[np.int64]) -> bytes:
        """Return the hashtags of keys (n,) as n lines of UTF-8.

        Raises:
            KeyError: a number was released, or never assigned.
        """
        lines: bytes = write_lines(*self.spans(np.ascontiguousarray(keys) >> COUNTRY_BITS))[0].tobytes()
        return lines

    def spans(
        self, numbers: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return an arena (a,), and the byte ranges (n,), (n,) of names (n,) in it, valid until the next change.

        Raises:
            KeyError: a number was released, or never assigned.
        """
        rows = self._rows_of(numbers)
        return self._arena, self._ends[rows], self._ends[rows + 1] - 1

    @property
    def size_bytes(self) -> int:
        """Bytes of all names, those included that were released and remain in the table."""
        return int(self._ends[self._state[ROWS]])

    def numbers(self) -> list[int]:
        """Return all assigned numbers, ascending."""
        rows = slice(int(self._state[ROWS]))
        numbers: list[int] = self._numbers[rows][self._alive[rows] > 0].tolist()
        return numbers

    def unused(self, used: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the assigned numbers, ascending, that are none of some numbers (n,), ascending."""
        rows = slice(int(self._state[ROWS]))
        numbers = self._numbers[rows][self._alive[rows] > 0]
        found: npt.NDArray[np.int64] = numbers[np.append(-1, used)[np.searchsorted(used, numbers, "right")] != numbers]
        return found

    def forget(self, numbers: Iterable[int]) -> None:
        """Release numbers; the caller must have no key of them any more."""
        self._alive[self._rows_of(np.array([*numbers], np.int64))] = 0
        self._asked.clear()
        rows = int(self._state[ROWS])
        self._released = rows - int(np.count_nonzero(self._alive[:rows]))
        if 2 * self._released > rows:
            self._rebuild()

    def _rows_of(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        rows: npt.NDArray[np.int64] = find_rows(numbers, self._numbers, self._state[ROWS])
        if not ((self._numbers[rows] == numbers) & (self._alive[rows] > 0)).all():
            raise KeyError("a hashtag's number was never assigned, or was released")
        return rows

    def _make_room(self, size: int) -> None:
        """Make room for a name of `size` bytes at least."""
        rows = int(self._state[ROWS])
        if rows == len(self._numbers):
            self._rebuild()
        used = int(self._ends[self._state[ROWS]]) + size
        if used > len(self._arena):
            self._arena = _resized(self._arena, 2 * used)

    def _rebuild(self) -> None:
        """Drop the rows that were released, and make room for as many rows again as remain."""
        moved = np.cumsum(self._alive[: self._state[ROWS]], dtype=np.int64)
        moved *= self._alive[: self._state[ROWS]]
        compact(self._arena, self._ends, self._numbers, self._alive, self._state)
        self._released, kept = 0, int(self._state[ROWS])
        rows, used = max(_FIRST_ROWS, 2 * kept), int(self._ends[kept])
        self._ends, self._numbers = _resized(self._ends, rows + 1), _resized(self._numbers, rows)
        self._alive = _resized(self._alive, rows)
        if len(self._arena) > 4 * used:
            self._arena = _resized(self._arena, max(8 * _FIRST_ROWS, 2 * used))
        slots = np.zeros(1 << (2 * rows - 1).bit_length(), np.uint64)
        refill_slots(self._slots, slots, moved)
        self._slots = slots


def _resized(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Copy the first values of an array to one of another length; what follows them is undefined."""
    copied = min(size, len(array))
    resized = np.empty(size, array.dtype)
    resized[:copied] = array[:copied]
    return resized


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
