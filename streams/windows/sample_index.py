"""The entries of a window's panes in one order, so that a tag's sample lies in one place for any number of panes.

A pane's entries are sorted by key and author, and so is the index, which names the pane and row of each entry. A new
pane is merged in, and entries of expired panes are dropped in the same pass, at a few nanoseconds an entry. Then the
sample of a key is the start of its run, and no entry behind the k-th author is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.keys import ends_of
from streams.counting.sketch import K, UInts

Int32s = npt.NDArray[np.int32]
_ALL_PANES = 1 << 31


@dataclass(frozen=True, slots=True, eq=False)
class SampleIndex:
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

    def __len__(self) -> int:
        return len(self.author)

    def spans(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return [first, end) runs (m,) of keys (m,); the world's key has the runs of all countries."""
        return np.searchsorted(self.keys, keys), np.searchsorted(self.keys, ends_of(keys))

    def merged(self, later: SampleIndex, oldest: int) -> SampleIndex:
        """Merge the entries of later panes, and drop those of panes below `oldest`."""
        return SampleIndex(
            *_merged(
                self.keys, self.bounds, self.author, self.order, self.pane, self.row,
                later.keys, later.bounds, later.author, later.order, later.pane, later.row, oldest,
            )
        )  # fmt: skip


EMPTY_INDEX = SampleIndex(
    np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64),
    np.zeros(0, np.int32), np.zeros(0, np.int32),
)  # fmt: skip


def index_of(number: int, keys: Ints, bounds: Ints, author: UInts, order: UInts) -> SampleIndex:
    """Index the entries (n,) of one pane under its number.

    Args:
        number: number of the pane.
        keys: (r,) hashtag and country, ascending.
        bounds: (r + 1,) key i has entries [bounds[i], bounds[i + 1]).
        author: (n,) hashes of the authors, ascending for each key.
        order: (n,) hashes of their tweets.
    """
    n = len(author)
    return SampleIndex(keys, bounds, author, order, np.full(n, number, np.int32), np.arange(n, dtype=np.int32))


def merge_indexes(indexes: Sequence[SampleIndex]) -> SampleIndex:
    """Merge the indexes of consecutive panes two by two, so that each entry is moved log2(panes) times."""
    level = list(indexes) or [EMPTY_INDEX]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [one.merged(other, 0) for one, other in pairs] + level[len(level) // 2 * 2 :]
    return level[0]


def smallest_entries(
    asked: Ints, index: SampleIndex, later: SampleIndex, oldest: int, end: int | None = None, k: int = K
) -> tuple[Ints, Int32s, Int32s]:
    """Return the k smallest authors of some keys, each with its smallest tweet, the first among equals.

    Args:
        asked: (m,) keys.
        index: index of the older panes.
        later: index of panes after those of `index`.
        oldest: number of the first pane that counts.
        end: number after that of the last pane that counts; None: all later panes count.
        k: greatest number of authors for each key.

    Returns:
        (m,) number of entries of each key, at most k; then pane and row of each entry, by key and author.
    """
    found = np.zeros(len(asked), np.int64)
    pane, row = np.empty((len(asked), k), np.int32), np.empty((len(asked), k), np.int32)
    _smallest(
        *index.spans(asked), index.bounds, index.author, index.order, index.pane, index.row,
        *later.spans(asked), later.bounds, later.author, later.order, later.pane, later.row,
        oldest, _ALL_PANES if end is None else end, found, pane, row,
    )  # fmt: skip
    filled = np.arange(k) < found[:, None]
    return found, pane[filled], row[filled]


@compiled
def _smallest(
    first_a: Ints, end_a: Ints, bounds_a: Ints, author_a: UInts, order_a: UInts, pane_a: Int32s, row_a: Int32s,
    first_b: Ints, end_b: Ints, bounds_b: Ints, author_b: UInts, order_b: UInts, pane_b: Int32s, row_b: Int32s,
    oldest: int, end: int, found: Ints, pane: Int32s, row: Int32s,
) -> None:  # fmt: skip
    """Fill `found` (m,), `pane` and `row` (m, k) in place."""
    k = pane.shape[1]
    author, order = np.empty(k, np.uint64), np.empty(k, np.uint64)
    for i in range(len(found)):
        n = _take(
            0, first_a[i], end_a[i], bounds_a, author_a, order_a, pane_a, row_a,
            oldest, end, author, order, pane[i], row[i],
        )  # fmt: skip
        found[i] = _take(
            n, first_b[i], end_b[i], bounds_b, author_b, order_b, pane_b, row_b,
            oldest, end, author, order, pane[i], row[i],
        )  # fmt: skip


@compiled
def _take(
    n: int, first: int, last: int, bounds: Ints, authors: UInts, orders: UInts, panes: Int32s, rows: Int32s,
    oldest: int, end: int, author: UInts, order: UInts, pane: Int32s, row: Int32s,
) -> int:  # fmt: skip
    """Insert the entries of runs [first, last) and panes [oldest, end) into a sample of n; return the new number.

    A run ascends, so it ends at the first author that is too great: most entries are never read.
    """
    k = len(author)
    for run in range(first, last):
        for entry in range(bounds[run], bounds[run + 1]):
            if n == k and authors[entry] > author[k - 1]:
                break
            if panes[entry] < oldest or panes[entry] >= end:
                continue
            low, high = 0, n
            while low < high:
                middle = (low + high) // 2
                if author[middle] < authors[entry]:
                    low = middle + 1
                else:
                    high = middle
            if low < n and author[low] == authors[entry]:
                if orders[entry] >= order[low]:
                    continue
            else:
                n = min(n + 1, k)
                for at in range(n - 1, low, -1):
                    author[at], order[at], pane[at], row[at] = author[at - 1], order[at - 1], pane[at - 1], row[at - 1]
            author[low], order[low], pane[low], row[low] = authors[entry], orders[entry], panes[entry], rows[entry]
    return n


@compiled
def _merged(
    keys_a: Ints, bounds_a: Ints, author_a: UInts, order_a: UInts, pane_a: Int32s, row_a: Int32s,
    keys_b: Ints, bounds_b: Ints, author_b: UInts, order_b: UInts, pane_b: Int32s, row_b: Int32s, oldest: int,
) -> tuple[Ints, Ints, UInts, UInts, Int32s, Int32s]:  # fmt: skip
    """Return the columns of `SampleIndex.merged`; the panes of b are the later ones."""
    rows, n = len(keys_a) + len(keys_b), len(author_a) + len(author_b)
    keys, bounds = np.empty(rows, np.int64), np.zeros(rows + 1, np.int64)
    author, order = np.empty(n, np.uint64), np.empty(n, np.uint64)
    pane, row = np.empty(n, np.int32), np.empty(n, np.int32)
    i = j = at = written = 0
    while i < len(keys_a) or j < len(keys_b):
        has_a = i < len(keys_a) and (j == len(keys_b) or keys_a[i] <= keys_b[j])
        has_b = j < len(keys_b) and (i == len(keys_a) or keys_b[j] <= keys_a[i])
        keys[written] = keys_a[i] if has_a else keys_b[j]
        x, end_x = (bounds_a[i], bounds_a[i + 1]) if has_a else (0, 0)
        y, end_y = (bounds_b[j], bounds_b[j + 1]) if has_b else (0, 0)
        while x < end_x or y < end_y:
            if y == end_y or (x < end_x and author_a[x] <= author_b[y]):
                author[at], order[at], pane[at], row[at] = author_a[x], order_a[x], pane_a[x], row_a[x]
                x += 1
            else:
                author[at], order[at], pane[at], row[at] = author_b[y], order_b[y], pane_b[y], row_b[y]
                y += 1
            if pane[at] >= oldest:
                at += 1
        if at > bounds[written]:
            written += 1
            bounds[written] = at
        i += has_a
        j += has_b
    return keys[:written], bounds[: written + 1], author[:at], order[:at], pane[:at], row[:at]
