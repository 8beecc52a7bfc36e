"""Tweets per key, added by the batch: at firehose speed the dict lookup of each count costs most.

The counter is a hash table of two arrays with linear probing (Knuth, The Art of Computer Programming 3, 6.4), compiled.
A key whose count has fallen to 0 counts as absent; its slot is released when the table is rebuilt.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from models.compiled import compiled, inlined
from streams.counting.block_counts import Ints
from streams.counting.kernels.hashes import GOLDEN
from streams.counting.keys import COUNTRY_MASK, NOWHERE, WORLD_MASK

_FREE = -1
_FIRST_SIZE = 1 << 10


class KeyCounter:
    """Tweets per key, the world's keys included; tweets without a country count for the world only.

    >>> india, nowhere = 7 << COUNTRY_BITS | 300, 7 << COUNTRY_BITS | NOWHERE
    >>> counter = KeyCounter()
    >>> counter.add(np.array([india, nowhere]), np.array([3, 2]))
    >>> counter.of(np.array([india, 7 << COUNTRY_BITS, nowhere])).tolist()
    [3, 5, 0]
    """

    __slots__ = ("_counts", "_keys", "_used")

    def __init__(self) -> None:
        self._keys = np.full(_FIRST_SIZE, _FREE, np.int64)
        self._counts = np.zeros(_FIRST_SIZE, np.int64)
        self._used = 0
        """Slots in use, also by keys with a count of 0."""

    def add(self, keys: Ints, more: Ints) -> None:
        """Add `more` (n,) tweets, which may be negative, to keys (n,) and to their worlds' keys."""
        if 2 * (self._used + 2 * len(keys)) > len(self._keys):
            self._make_room(2 * len(keys))
        self._used += _add(self._keys, self._counts, keys, more, True)

    def of(self, keys: Ints) -> Ints:
        """Return the tweets (n,) of keys (n,)."""
        return cast(Ints, _look_up(self._keys, self._counts, keys))

    def at_least(self, floor: int) -> Ints:
        """Return the keys with at least `floor` tweets, ascending; `floor` is above 0."""
        return np.sort(self._keys[self._counts >= floor])

    def over(self, keys: Ints, floor: int, more: KeyCounter) -> Ints:
        """Return those of keys (n,) and of their worlds' keys that have `floor` tweets, ascending; `more` adds tweets.

        A key counts only where its world's key has `floor` tweets too.
        """
        return np.unique(_over(self._keys, self._counts, more._keys, more._counts, keys, floor))

    def _make_room(self, more: int) -> None:
        """Rebuild the table without the keys at 0, with room for `more` keys."""
        kept = self._counts != 0
        keys, counts = self._keys[kept], self._counts[kept]
        size = max(_FIRST_SIZE, 1 << (4 * (len(keys) + more) - 1).bit_length())
        self._keys, self._counts = np.full(size, _FREE, np.int64), np.zeros(size, np.int64)
        self._used = _add(self._keys, self._counts, keys, counts, False)


@inlined
def _place(keys: Ints, key: int) -> np.int64:
    """Return the slot of a key, or the free slot for it."""
    mask = len(keys) - 1
    mixed = np.uint64(key) * GOLDEN
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
def _add(keys: Ints, counts: Ints, added: Ints, more: Ints, with_worlds: bool) -> int:
    """Add counts to keys as they are, or as `KeyCounter.add` does; return the number of slots taken."""
    taken = 0
    for i in range(len(added)):
        if with_worlds:
            taken += _count(keys, counts, added[i] & WORLD_MASK, more[i])
        if not with_worlds or added[i] & COUNTRY_MASK > NOWHERE:
            taken += _count(keys, counts, added[i], more[i])
    return taken


@compiled
def _over(keys_a: Ints, counts_a: Ints, keys_b: Ints, counts_b: Ints, asked: Ints, floor: int) -> Ints:
    """Return the keys of `KeyCounter.over`, some of them repeatedly."""
    keys_over = np.empty(2 * len(asked), np.int64)
    n = 0
    for key in asked:
        world = key & WORLD_MASK
        if counts_a[_place(keys_a, world)] + counts_b[_place(keys_b, world)] < floor:
            continue
        keys_over[n] = world
        n += 1
        if key & COUNTRY_MASK > NOWHERE and counts_a[_place(keys_a, key)] + counts_b[_place(keys_b, key)] >= floor:
            keys_over[n] = key
            n += 1
    return keys_over[:n]


@compiled
def _look_up(keys: Ints, counts: Ints, asked: Ints) -> Ints:
    asked_counts = np.zeros(len(asked), np.int64)
    for i in range(len(asked)):
        asked_counts[i] = counts[_place(keys, asked[i])]
    return asked_counts
