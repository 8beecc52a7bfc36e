"""The entries of a window's panes in one order, so that a tag's sample lies in one place for any number of panes.

A pane's entries are sorted by key and author, and so is the index, which names the pane and row of each entry. A new
pane is merged in, and entries of expired panes are dropped in the same pass, at a few nanoseconds an entry. Then the
sample of a key is the start of its run, and no entry behind the k-th author is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.compiled import compiled, inlined
from streams.counting.block_counts import Ints
from streams.counting.keys import ends_of
from streams.counting.sketch import K, UInts

Int32s = npt.NDArray[np.int32]
ALL_PANES = 1 << 31
"""Number above those of all panes."""


class SampleIndex(NamedTuple):
    """Entries (n,) sorted by (key, author), the earlier pane's first among equals.

    Panes are named by ascending numbers.
    """

    keys: Ints
    """(r,) hashtag and country, ascending."""
    bounds: Ints
    """(r + 1,) key i has entries [bounds[i], bounds[i + 1])."""
    author: UInts
    """(n,) keyed hashes of the authors."""
    order: UInts
    """(n,) keyed hashes of the tweets: an author's smallest one represents the author."""
    pane: Int32s
    """(n,) number of the entry's pane."""
    row: Int32s
    """(n,) number of the entry in its pane."""

    def spans(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return [first, end) runs (m,) of keys (m,); the world's key has the runs of all countries."""
        return np.searchsorted(self.keys, keys), np.searchsorted(self.keys, ends_of(keys))


def index_of(number: int, keys: Ints, bounds: Ints, author: UInts, order: UInts) -> SampleIndex:
    """Index the entries of one pane under its number; see `SampleIndex` for the columns."""
    n = len(author)
    return SampleIndex(keys, bounds, author, order, np.full(n, number, np.int32), np.arange(n, dtype=np.int32))


EMPTY_INDEX = index_of(0, np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64))


def merged(index: SampleIndex, later: SampleIndex, oldest: int) -> SampleIndex:
    """Merge an index with that of later panes, and drop the entries of panes below `oldest`."""
    return SampleIndex(*_merged(index, later, oldest))


def merge_indexes(indexes: Sequence[SampleIndex]) -> SampleIndex:
    """Merge the indexes of consecutive panes two by two, so that each entry is moved log2(panes) times."""
    level = list(indexes) or [EMPTY_INDEX]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [merged(left, right, 0) for left, right in pairs] + level[len(level) // 2 * 2 :]
    return level[0]


@compiled
def _merged(a: SampleIndex, b: SampleIndex, oldest: int) -> tuple[Ints, Ints, UInts, UInts, Int32s, Int32s]:
    rows, n = len(a.keys) + len(b.keys), len(a.author) + len(b.author)
    keys, bounds = np.empty(rows, np.int64), np.zeros(rows + 1, np.int64)
    author, order = np.empty(n, np.uint64), np.empty(n, np.uint64)
    pane, row = np.empty(n, np.int32), np.empty(n, np.int32)
    i = j = at = written = 0
    while i < len(a.keys) or j < len(b.keys):
        has_a = i < len(a.keys) and (j == len(b.keys) or a.keys[i] <= b.keys[j])
        has_b = j < len(b.keys) and (i == len(a.keys) or b.keys[j] <= a.keys[i])
        keys[written] = a.keys[i] if has_a else b.keys[j]
        x, end_x = (a.bounds[i], a.bounds[i + 1]) if has_a else (0, 0)
        y, end_y = (b.bounds[j], b.bounds[j + 1]) if has_b else (0, 0)
        while x < end_x or y < end_y:
            if y == end_y or (x < end_x and a.author[x] <= b.author[y]):
                author[at], order[at], pane[at], row[at] = a.author[x], a.order[x], a.pane[x], a.row[x]
                x += 1
            else:
                author[at], order[at], pane[at], row[at] = b.author[y], b.order[y], b.pane[y], b.row[y]
                y += 1
            if pane[at] >= oldest:
                at += 1
        if at > bounds[written]:
            written += 1
            bounds[written] = at
        i += has_a
        j += has_b
    return keys[:written], bounds[: written + 1], author[:at], order[:at], pane[:at], row[:at]


@compiled
def draw(
    first_a: Ints, end_a: Ints, a: SampleIndex, first_b: Ints, end_b: Ints, b: SampleIndex, oldest: int, end: int
) -> tuple[Ints, UInts, Int32s, Int32s]:
    """Return the K smallest authors of some keys, each with its smallest tweet, the earliest pane's among equals.

    Args:
        first_a: (m,) first run of each key in `a`; see `SampleIndex.spans`.
        end_a: (m,) end of its runs.
        a: index of the older panes.
        first_b: (m,) as `first_a`, in `b`.
        end_b: (m,)
        b: index of panes after those of `a`.
        oldest: number of the first pane that counts.
        end: number after that of the last pane that counts.

    Returns:
        Number of the key, author, pane and row of each entry, by key and author.
    """
    m, k = len(first_a), K
    group, author = np.empty(m * k, np.int64), np.empty(m * k, np.uint64)
    pane, row, order = np.empty(m * k, np.int32), np.empty(m * k, np.int32), np.empty(k, np.uint64)
    at = 0
    for i in range(m):
        to = slice(at, at + k)
        n = _take(0, first_a[i], end_a[i], a, oldest, end, author[to], order, pane[to], row[to])
        n = _take(n, first_b[i], end_b[i], b, oldest, end, author[to], order, pane[to], row[to])
        group[at : at + n] = i
        at += n
    return group[:at], author[:at], pane[:at], row[:at]


@inlined
def _take(
    n: int, first: int, last: int, index: SampleIndex, oldest: int, end: int,
    author: UInts, order: UInts, pane: Int32s, row: Int32s,
) -> int:  # fmt: skip
    """Insert the entries of runs [first, last) and panes [oldest, end) into a sample of n; return the new number.

    A run ascends, so it ends at the first author that is too great: most entries are never read.
    """
    k = len(author)
    _, bounds, authors, orders, panes, rows = index
    for run in range(first, last):
        for entry in range(bounds[run], bounds[run + 1]):
            if n == k and authors[entry] > author[k - 1]:
                break
            if panes[entry] < oldest or panes[entry] >= end:
                continue
            low, high = 0, n
            if n and authors[entry] > author[n - 1]:  # nearly always: most keys have one run
                low = n
            while low < high:
                middle = (low + high) // 2
                if author[middle] < authors[entry]:
                    low = middle + 1
                else:
                    high = middle
            if low < n and author[low] == authors[entry]:
                if orders[entry] > order[low] or (orders[entry] == order[low] and panes[entry] >= pane[low]):
                    continue
            else:
                n = min(n + 1, k)
                for at in range(n - 1, low, -1):
                    author[at], order[at], pane[at], row[at] = author[at - 1], order[at - 1], pane[at - 1], row[at - 1]
            author[low], order[low], pane[low], row[low] = authors[entry], orders[entry], panes[entry], rows[entry]
    return n
