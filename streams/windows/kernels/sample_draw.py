"""Draw the author samples of many keys from the entries of a window's panes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled, inlined
from streams.counting.block_counts import Ints
from streams.counting.sketch import UInts

Int32s = npt.NDArray[np.int32]


@compiled
def draw_samples(
    first_a: Ints, end_a: Ints, bounds_a: Ints, author_a: UInts, order_a: UInts, pane_a: Int32s, row_a: Int32s,
    first_b: Ints, end_b: Ints, bounds_b: Ints, author_b: UInts, order_b: UInts, pane_b: Int32s, row_b: Int32s,
    oldest: int, end: int, k: int,
) -> tuple[Ints, UInts, Int32s, Int32s]:  # fmt: skip
    """Return the k smallest authors of m keys, each with its smallest tweet, the earliest pane's among equals.

    Two indexes have the entries; see `SampleIndex`.

    Args:
        first_a: (m,) first run of each key in the index of the older panes.
        end_a: (m,) number after that of its last run.
        bounds_a: (r + 1,) run i has entries [bounds[i], bounds[i + 1]).
        author_a: (n,) keyed hashes of the authors, ascending in each run.
        order_a: (n,) keyed hashes of the tweets.
        pane_a: (n,) numbers of the panes.
        row_a: (n,) numbers of the entries in their panes.
        first_b: as `first_a`, in the index of the later panes; and so on.
        end_b: as `end_a`.
        bounds_b: as `bounds_a`.
        author_b: as `author_a`.
        order_b: as `order_a`.
        pane_b: as `pane_a`.
        row_b: as `row_a`.
        oldest: number of the first pane that counts.
        end: number after that of the last pane that counts.
        k: greatest number of authors for each key.

    Returns:
        Key, author, pane and row (s,) of each drawn entry, by key and author.
    """
    m = len(first_a)
    group, author = np.empty(m * k, np.int64), np.empty(m * k, np.uint64)
    pane, row, order = np.empty(m * k, np.int32), np.empty(m * k, np.int32), np.empty(k, np.uint64)
    at = 0
    for i in range(m):
        to = slice(at, at + k)
        n = _take(
            0, first_a[i], end_a[i], bounds_a, author_a, order_a, pane_a, row_a,
            oldest, end, author[to], order, pane[to], row[to],
        )  # fmt: skip
        n = _take(
            n, first_b[i], end_b[i], bounds_b, author_b, order_b, pane_b, row_b,
            oldest, end, author[to], order, pane[to], row[to],
        )  # fmt: skip
        group[at : at + n] = i
        at += n
    return group[:at], author[:at], pane[:at], row[:at]


@inlined
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
