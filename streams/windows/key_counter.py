"""Tweets per key, added up by the batch: at firehose speed a dict's lookup for each register is what costs most.

A hash table of two arrays with linear probing (Knuth, The Art of Computer Programming 3, 6.4), compiled. A key that has
come down to 0 is as good as absent; its place is given back when the table is made anew.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_MASK, NOWHERE, WORLD_MASK

_FREE = -1
_FIRST_SIZE = 1 << 10
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 by the golden ratio: neighbouring keys lie far apart


class Tally:
    """Tweets per key, the world's included; 'no country' counts for the world only.

    >>> india, nowhere = 7 << COUNTRY_BITS | 300, 7 << COUNTRY_BITS | NOWHERE
    >>> tally = Tally()
    >>> tally.add(np.array([india, nowhere]), np.array([3, 2]))
    >>> tally.of(np.array([india, 7 << COUNTRY_BITS, nowhere])).tolist()
    [3, 5, 0]
    """

    __slots__ = ("_counts", "_keys", "_used")

    def __init__(self) -> None:
        self._keys = np.full(_FIRST_SIZE, _FREE, np.int64)
        self._counts = np.zeros(_FIRST_SIZE, np.int64)
        self._used = 0
        """Places that are taken, by keys that are at 0, too."""

    def __len__(self) -> int:
        """How many keys are not at 0."""
        return int(np.count_nonzero(self._counts))

    @property
    def places(self) -> int:
        """How many keys there is room for."""
        return len(self._keys)

    def add(self, keys: Ints, more: Ints) -> None:
        """Count `more` (n,) tweets, or fewer where negative, for keys (n,) and for their worlds'."""
        if 2 * (self._used + 2 * len(keys)) > len(self._keys):
            self._make_room(2 * len(keys))
        self._used += _add(self._keys, self._counts, keys, more)

    def of(self, keys: Ints) -> Ints:
        """(n,) tweets of keys (n,)."""
        return cast(Ints, _look_up(self._keys, self._counts, keys))

    def at_least(self, floor: int) -> Ints:
        """The keys with so many tweets or more, ascending; `floor` is above 0."""
        return np.sort(self._keys[self._counts >= floor])

    def to_dict(self) -> dict[int, int]:
        """By key, what is not 0."""
        keys = self.at_least(1)
        return dict(zip(keys.tolist(), self.of(keys).tolist(), strict=True))

    def _make_room(self, more: int) -> None:
        """Make the table anew, without the keys at 0, for so many more."""
        kept = self._counts != 0
        keys, counts = self._keys[kept], self._counts[kept]
        size = max(_FIRST_SIZE, 1 << (4 * (len(keys) + more) - 1).bit_length())
        self._keys, self._counts = np.full(size, _FREE, np.int64), np.zeros(size, np.int64)
        _put(self._keys, self._counts, keys, counts)
        self._used = len(keys)


@compiled
def _place(keys: Ints, key: int) -> np.int64:
    """Where a key lies, or would."""
    mask = len(keys) - 1
    mixed = np.uint64(key) * _MULTIPLIER
    at = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(mask))
    while keys[at] != _FREE and keys[at] != key:
        at = (at + 1) & mask
    return at


@compiled
def _count(keys: Ints, counts: Ints, key: int, more: int) -> int:
    at = _place(keys, key)
    counts[at] += more
    if keys[at] == key:
        return 0
    keys[at] = key
    return 1


@compiled
def _add(keys: Ints, counts: Ints, added: Ints, more: Ints) -> int:
    """How many places were taken."""
    taken = 0
    for i in range(len(added)):
        taken += _count(keys, counts, added[i] & WORLD_MASK, more[i])
        if added[i] & COUNTRY_MASK > NOWHERE:
            taken += _count(keys, counts, added[i], more[i])
    return taken


@compiled
def _put(keys: Ints, counts: Ints, put: Ints, these: Ints) -> None:
    for i in range(len(put)):
        at = _place(keys, put[i])
        keys[at], counts[at] = put[i], these[i]


@compiled
def _look_up(keys: Ints, counts: Ints, asked: Ints) -> Ints:
    found = np.zeros(len(asked), np.int64)
    for i in range(len(asked)):
        found[i] = counts[_place(keys, asked[i])]
    return found
