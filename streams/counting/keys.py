"""Hashtags and countries as integers, so that settled panes are arrays; and the shard of a hashtag.

A key is `tag << 10 | country`. Countries of one tag are neighbours in sorted order, so the world's entries of a tag
are one slice of a sorted pane: nothing is kept twice for the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

from streams.counting.kernels.lines import Bytes, Ints, write_lines
from streams.counting.kernels.names import NEXT, ROWS, find_line, new_table, number_lines

COUNTRY_BITS = 10
_FIRST_ROWS, _FIRST_BYTES = 512, 4096
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


def are_scopes(codes: npt.NDArray[np.uint16]) -> bool:
    """Return whether a retraction may have each of these codes (n,): of a count, or `WORLD`."""
    return bool((codes < _COUNTRIES).all())


class Tags:
    """Numbers of hashtags, assigned in order and released when nothing counts them any more."""

    def __init__(self) -> None:
        self._table = new_table(_FIRST_ROWS, _FIRST_BYTES, 1)
        self._released = 0
        """Rows that are not alive."""
        self._asked: dict[int, str] = {}
        """Names that were asked for one by one: the same busy hashtags are, at every tick."""

    def __len__(self) -> int:
        return self._rows - self._released

    @property
    def _rows(self) -> int:
        return int(self._table.state[ROWS])

    def of(self, hashtags: Sequence[str]) -> Ints:
        """Return the numbers (n,) of hashtags, and assign those that are missing, in their order."""
        return self.of_lines("".join([f"{hashtag}\n" for hashtag in hashtags]).encode(*_UTF_8), len(hashtags))

    def of_lines(self, lines: bytes, n: int) -> Ints:
        """Return the numbers (n,) of n lines of UTF-8, one hashtag each; assign those that are missing, in order.

        Raises:
            ValueError: the lines are not n, or the last has no line break.
        """
        if lines.count(b"\n") != n or lines[-1:] not in (b"\n", b""):
            raise ValueError(f"the hashtags are not {n} lines, each with its line break")
        numbers, view = np.empty(n, np.int64), np.frombuffer(lines, np.uint8)
        at, done = number_lines(view, 0, numbers, 0, self._table)
        while done < n:
            self._rebuild(lines.index(b"\n", at) + 1 - at)
            at, done = number_lines(view, at, numbers, done, self._table)
        return numbers

    def key(self, hashtag: str, country: str) -> int:
        """Return the key of a hashtag in a country, and assign a number if it has none."""
        return int(self.of([hashtag])[0]) << COUNTRY_BITS | country_code(country)

    def find(self, hashtag: str, country: str) -> int | None:
        """Return the key of a hashtag in a country; None if it has no number."""
        number = int(find_line(np.frombuffer(f"{hashtag}\n".encode(*_UTF_8), np.uint8), self._table))
        return number << COUNTRY_BITS | country_code(country) if number else None

    def name(self, key: int) -> str:
        """Return the hashtag of a key."""
        number = key >> COUNTRY_BITS
        name = self._asked.get(number)
        if name is None:
            if len(self._asked) == _MOST_ASKED:
                self._asked.clear()
            name = self._asked[number] = self.names(np.array([key], np.int64))[0]
        return name

    def names(self, keys: Ints) -> list[str]:
        """Return the hashtags of keys (n,)."""
        return self.lines_of(keys).decode(*_UTF_8).split("\n")[:-1]

    def lines_of(self, keys: Ints) -> bytes:
        """Return the hashtags of keys (n,) as n lines of UTF-8.

        Raises:
            KeyError: a number was released, or never assigned.
        """
        lines: bytes = write_lines(*self.spans(keys >> COUNTRY_BITS))[0].tobytes()
        return lines

    def spans(self, numbers: Ints) -> tuple[Bytes, Ints, Ints]:
        """Return an arena (a,), and the byte ranges (n,), (n,) of names (n,) in it, valid until the next change.

        Raises:
            KeyError: a number was released, or never assigned.
        """
        return self._spans(self._rows_of(numbers))

    def _spans(self, rows: Ints) -> tuple[Bytes, Ints, Ints]:
        arena, ends, *_ = self._table
        return arena, ends[rows], ends[rows + 1] - 1

    @property
    def size_bytes(self) -> int:
        """Bytes of all names, those included that were released and remain in the table."""
        return int(self._table.ends[self._rows])

    def release_all_but(self, used: Ints) -> list[int]:
        """Release all numbers but some (n,), ascending, and return them; there must be no key of them any more."""
        numbers, alive = self._table.numbers[: self._rows], self._table.alive[: self._rows]
        unused = np.flatnonzero((np.append(-1, used)[np.searchsorted(used, numbers, "right")] != numbers) & (alive > 0))
        alive[unused] = 0
        released: list[int] = numbers[unused].tolist()
        self._released += len(released)
        self._asked.clear()
        if 2 * self._released > self._rows:
            self._rebuild()
        return released

    def _rows_of(self, numbers: Ints) -> Ints:
        held, alive, rows = self._table.numbers, self._table.alive, self._rows
        is_whole = rows == self._table.state[NEXT] - 1  # no row was dropped
        places: Ints = numbers - 1 if is_whole else np.searchsorted(held[:rows], numbers)
        if not ((held.take(places, mode="clip") == numbers) & (alive.take(places, mode="clip") > 0)).all():
            raise KeyError("a hashtag's number was never assigned, or was released")
        return places

    def _rebuild(self, more: int = 0) -> None:
        """Drop the rows that were released; make room for more, and for a name of `more` bytes."""
        kept, following = np.flatnonzero(self._table.alive[: self._rows]), int(self._table.state[NEXT])
        numbers, lines = self._table.numbers[kept], write_lines(*self._spans(kept))[0].tobytes()
        room = max(_FIRST_BYTES, 2 * (len(lines) + more))
        self._table = new_table(max(_FIRST_ROWS, 1 << (2 * len(kept)).bit_length()), room, following - len(kept))
        self._released = 0
        self.of_lines(lines, len(kept))
        self._table.numbers[: len(kept)] = numbers


def range_of(key: int) -> tuple[int, int]:
    """Return [first, end) of the keys that count for a key: for the world's key those of all countries.

    >>> range_of(5 << COUNTRY_BITS | 7), range_of(5 << COUNTRY_BITS)
    ((5127, 5128), (5120, 6144))
    """
    return key, key + (1 if key & COUNTRY_MASK else 1 << COUNTRY_BITS)


def ends_of(keys: Ints) -> Ints:
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

    def of_lines(self, lines: bytes) -> Ints:
        """Return the shards (n,) of n lines of UTF-8, one hashtag each."""
        return np.array([crc32(line) for line in lines.split(b"\n")[:-1]], np.int64) % self.shards
