"""Bottom-k sketches: distinct authors, and a fair sample of them, in k entries.

The k authors with the smallest keyed hashes are a uniform sample of all authors, whatever each one's volume, and
the k-th hash says how many there are (Bar-Yossef et al. 2002, "Counting distinct elements in a data stream";
the unbiased (k-1) form: Beyer et al. 2007, "On synopses for distinct-value estimation"). Sketches merge by union,
so the order in which tweets arrive does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from streams.counting.registers import Entry

K = 64
SPACE = 2**64
_MASK = SPACE - 1
_CACHE_LIMIT = 500_000

UInts = npt.NDArray[np.uint64]


class KeyedHash:
    """Keyed 64-bit hashes of author and tweet ids: without the key nobody can pick accounts that are always sampled."""

    def __init__(self, key: bytes) -> None:
        self._base = blake2b(digest_size=8, key=key[:64])
        self._salt = int.from_bytes(blake2b(b"tweet order", digest_size=8, key=key[:64]).digest(), "little")
        self._authors: dict[int, int] = {}

    def author(self, author_id: int) -> int:
        """blake2b of the id, in [0, 2**64)."""
        found = self._authors.get(author_id)
        if found is None:
            hasher = self._base.copy()
            hasher.update(b"%d" % author_id)
            found = int.from_bytes(hasher.digest(), "little")
            if len(self._authors) >= _CACHE_LIMIT:
                self._authors.clear()
            self._authors[author_id] = found
        return found

    def order(self, tweet_id: int) -> int:
        """A keyed mix of the id (the finaliser of splitmix64, Steele et al. 2014), in [0, 2**64)."""
        mixed = (tweet_id ^ self._salt) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def orders(self, tweet_ids: npt.NDArray[np.int64]) -> UInts:
        """`order` of many: (n,) ids to (n,) hashes."""
        mixed = tweet_ids.astype(np.uint64) ^ np.uint64(self._salt)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def estimate_authors(distinct: int, kth_smallest: int, k: int = K) -> int:
    """Distinct authors from a sketch: exact below k, else round((k - 1) * 2**64 / k-th smallest hash).

    >>> estimate_authors(10, 0)
    10
    >>> estimate_authors(64, 2**63)
    126
    """
    if distinct < k:
        return distinct
    return round((k - 1) * SPACE / max(kth_smallest, 1))


def smallest(entries: Iterable[Entry], hashes: KeyedHash, k: int = K) -> list[Entry]:
    """At most k entries: the smallest authors, each with its smallest tweet."""
    best: dict[int, Entry] = {}
    for entry in entries:
        known = best.setdefault(entry.author, entry)
        if known.tweet != entry.tweet and hashes.order(entry.tweet) < hashes.order(known.tweet):
            best[entry.author] = entry
    if len(best) <= k:
        return list(best.values())
    return [best[author] for author in sorted(best)[:k]]


def smallest_rows(group: npt.NDArray[np.int64], author: UInts, order: UInts, k: int = K) -> npt.NDArray[np.int64]:
    """The same for many sketches at once.

    Args:
        group: (n,) which sketch a row belongs to, any integers.
        author: (n,) author hashes.
        order: (n,) tweet hashes.
    Returns:
        Row numbers that stay, sorted by (group, author).
    """
    if not len(group):
        return np.zeros(0, dtype=np.int64)
    ranked = np.lexsort((order, author, group))
    by_group, by_author = group[ranked], author[ranked]
    first = np.empty(len(ranked), dtype=bool)
    first[0] = True
    first[1:] = (by_group[1:] != by_group[:-1]) | (by_author[1:] != by_author[:-1])
    ranked = ranked[first]
    by_group = by_group[first]
    starts = np.flatnonzero(np.concatenate(([True], by_group[1:] != by_group[:-1])))
    sizes = np.diff(np.append(starts, len(by_group)))
    rank = np.arange(len(by_group)) - np.repeat(starts, sizes)
    kept: npt.NDArray[np.int64] = ranked[rank < k]
    return kept
