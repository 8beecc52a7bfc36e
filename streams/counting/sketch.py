"""Bottom-k sketches: distinct authors, and a fair sample of them, in k entries.

The k authors with the smallest keyed hashes are a uniform sample of all authors, independent of their volume. The k-th
hash estimates their number (Bar-Yossef et al. 2002, "Counting distinct elements in a data stream"). The unbiased (k-1)
form is by Beyer et al. 2007, "On synopses for distinct-value estimation". Sketches merge by union, so the order in
which tweets arrive does not matter.

Besides, a sketch has the smallest authors of each stratum (`streams.counting.strata`), so that accounts created
together cannot fill it. The number of authors is estimated from the k smallest of all strata alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.counting.kernels.hashes import siphash
from streams.counting.strata import LEAST, STRATA

K = 64
MOST_ROWS = K + STRATA * LEAST
"""Upper bound on the rows of a sketch."""
SPACE = 2**64

UInts = npt.NDArray[np.uint64]
Strata = npt.NDArray[np.uint8]


class KeyedHash:
    """Keyed 64-bit hashes of author and tweet ids: the key is needed to choose accounts that are always sampled."""

    def __init__(self, key: bytes) -> None:
        self._secret = np.frombuffer(blake2b(b"authors", digest_size=16, key=key[:64]).digest(), "<u8")
        self._salt = int.from_bytes(blake2b(b"tweet order", digest_size=8, key=key[:64]).digest(), "little")
        self._key = key[:64]

    def authors(self, author_ids: Sequence[int] | npt.NDArray[np.int64]) -> UInts:
        """Hash ids in [0, 2**64) as 8 bytes with SipHash-2-4 (Aumasson and Bernstein 2012): (n,) hashes."""
        hashes: UInts = siphash(np.array(author_ids, np.uint64), self._secret)
        return hashes

    def names(self, names: Sequence[str]) -> UInts:
        """Hash hashtags with blake2b: (n,) hashes."""
        key = self._key
        digests = [
            blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, key=key, person=b"hashtags").digest()
            for name in names
        ]
        return np.frombuffer(b"".join(digests), "<u8")

    def orders(self, tweet_ids: npt.NDArray[np.int64]) -> UInts:
        """Mix ids (n,) with the key: (n,) hashes (the finaliser of splitmix64, Steele et al. 2014)."""
        mixed = tweet_ids.astype(np.uint64) ^ np.uint64(self._salt)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def estimate_authors(distinct: int, kth_smallest: int, k: int = K) -> int:
    """Estimate distinct authors from a sketch: exact below k, else round((k - 1) * 2**64 / k-th smallest hash).

    >>> estimate_authors(10, 0)
    10
    >>> estimate_authors(64, 2**63)
    126
    """
    if distinct < k:
        return distinct
    return round((k - 1) * SPACE / max(kth_smallest, 1))


def smallest_rows(
    group: npt.NDArray[np.int64],
    author: UInts,
    order: UInts,
    stratum: Strata,
    k: int = K,
    least: int = LEAST,
    origin: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.int64]:
    """Return the rows of many sketches: the k smallest authors, and the `least` smallest ones of each stratum.

    Each author has its smallest tweet; where its rows are of several strata, that of each stratum that it stands for.
    So a sketch of sketches is that of all rows.

    Args:
        group: (n,) sketch of each row, any integers.
        author: (n,) author hashes.
        order: (n,) tweet hashes.
        stratum: (n,) strata of the authors.
        k: number of authors that a sketch keeps of all strata.
        least: number of authors that it keeps of each stratum.
        origin: (n,) of records with the same tweet the smallest origin counts; None: the first row.

    Returns:
        Row numbers that stay, sorted by (group, author).
    """
    if not len(group):
        return np.zeros(0, dtype=np.int64)
    ranked = _ranked(group, author, order, origin)
    by_group, by_author = group[ranked], author[ranked]
    is_first = _differs(by_group) | _differs(by_author)
    firsts = np.flatnonzero(is_first)
    rank = _ranks(by_group[firsts])
    stays = np.zeros(len(ranked), bool)
    stays[firsts[rank < k]] = True
    # In other sketches the authors of a stratum are among the k smallest of all.
    is_mixed = ~is_first & _differs(stratum[ranked])
    dense = np.unique(np.concatenate((by_group[firsts[rank == k]], by_group[is_mixed])))
    if len(dense):
        some = np.flatnonzero(np.isin(by_group, dense))
        code = np.searchsorted(dense, by_group[some]) * STRATA + stratum[ranked[some]]
        order_of = np.argsort(code, kind="stable")
        some, code = some[order_of], code[order_of]
        firsts = np.flatnonzero(_differs(code) | _differs(by_author[some]))
        stays[some[firsts[_ranks(code[firsts]) < least]]] = True
    kept: npt.NDArray[np.int64] = ranked[stays]
    return kept


def _differs(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Mark (n,) the values that differ from the one before; the first one does."""
    differs = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs


def _ranks(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (n,) the place of each row among those of its group; groups lie together."""
    starts = np.flatnonzero(_differs(group))
    ranks: npt.NDArray[np.int64] = np.arange(len(group)) - np.repeat(starts, np.diff(starts, append=len(group)))
    return ranks


def _ranked(
    group: npt.NDArray[np.int64], author: UInts, order: UInts, origin: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """Return row numbers sorted by (group, author, order, origin, row).

    One column orders nearly all rows; its ties are sorted by all columns. The same tweet can occur in two panes, and
    then its first row counts.
    """
    lowest = int(group.min())
    bits = (int(group.max()) - lowest).bit_length()
    if bits > 32:
        return np.lexsort((order, author, group) if origin is None else (origin, order, author, group))
    code = (group - lowest).astype(np.uint64) << np.uint64(64 - bits) if bits else np.zeros(len(group), np.uint64)
    code |= author >> np.uint64(bits)
    ranked = np.argsort(code)
    code = code[ranked]
    same = np.zeros(len(code) + 1, bool)
    same[1:-1] = code[1:] == code[:-1]
    tied = np.flatnonzero(same[1:] | same[:-1])
    if len(tied):
        rows = ranked[tied]
        places = rows if origin is None else origin[rows]
        ranked[tied] = rows[np.lexsort((rows, places, order[rows], author[rows], group[rows]))]
    return ranked
