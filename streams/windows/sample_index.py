"""The entries of a window's panes in one order, so that a tag's sample lies in one place for any number of panes.

A pane's entries are sorted by key and author, and so is the index, which names the pane and row of each entry. A new
pane is merged in, and entries of expired panes are dropped in the same pass, at a few nanoseconds an entry. Then the
sample of a key is the start of its run. Entries behind the k-th author are only read for the smallest authors of each
stratum, and only where a key has so many authors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.compiled import compiled, inlined
from streams.counting.block_counts import Ints
from streams.counting.keys import ends_of
from streams.counting.sketch import MOST_ROWS, SPACE, K, Strata, UInts
from streams.counting.strata import LEAST, STRATA

Int32s = npt.NDArray[np.int32]
ALL_PANES = 1 << 31
"""Number above those of all panes."""
ALL_STRATA = -1
_SPACE = float(SPACE)


class _Rows(NamedTuple):
    """Entries by author."""

    author: UInts
    order: UInts
    stratum: Strata
    pane: Int32s
    row: Int32s


class SampleIndex(NamedTuple):
    """Entries (n,) sorted by (key, author), the earlier pane's first among equals.

    Panes are named by ascending numbers.
    """

    keys: Ints
    """(r,) hashtag and country, ascending."""
    bounds: Ints
    """(r + 1,) key i has entries [bounds[i], bounds[i + 1])."""
    present: npt.NDArray[np.uint8]
    """(r,) strata among the key's entries, as bits."""
    author: UInts
    """(n,) keyed hashes of the authors."""
    order: UInts
    """(n,) keyed hashes of the tweets: an author's smallest one represents the author."""
    stratum: Strata
    """(n,) strata of the authors."""
    pane: Int32s
    """(n,) number of the entry's pane."""
    row: Int32s
    """(n,) number of the entry in its pane."""

    @property
    def entries(self) -> _Rows:
        """Return the columns of the entries but for their keys."""
        return _Rows(self.author, self.order, self.stratum, self.pane, self.row)

    def spans(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return [first, end) runs (m,) of keys (m,); the world's key has the runs of all countries."""
        return np.searchsorted(self.keys, keys), np.searchsorted(self.keys, ends_of(keys))


def index_of(number: int, keys: Ints, bounds: Ints, author: UInts, order: UInts, stratum: Strata) -> SampleIndex:
    """Index the entries of one pane under its number; see `SampleIndex` for the columns."""
    n = len(author)
    return SampleIndex(
        keys, bounds, _present(bounds, stratum), author, order, stratum, np.full(n, number, np.int32),
        np.arange(n, dtype=np.int32),
    )  # fmt: skip


@compiled
def _present(bounds: Ints, stratum: Strata) -> npt.NDArray[np.uint8]:
    """Return the strata (r,) of runs, as bits."""
    present = np.zeros(len(bounds) - 1, np.uint8)
    for run in range(len(present)):
        for entry in range(bounds[run], bounds[run + 1]):
            present[run] |= 1 << stratum[entry]
    return present


_NO_HASHES, _NO_BYTES, _NO_NUMBERS = np.zeros(0, np.uint64), np.zeros(0, np.uint8), np.zeros(0, np.int32)
EMPTY_INDEX = SampleIndex(
    np.zeros(0, np.int64), np.zeros(1, np.int64), _NO_BYTES, _NO_HASHES, _NO_HASHES, _NO_BYTES, _NO_NUMBERS, _NO_NUMBERS
)


def merged(index: SampleIndex, later: SampleIndex, oldest: int) -> SampleIndex:
    """Merge an index with that of later panes, and drop the entries of panes below `oldest`."""
    keys, bounds, author, order, stratum, pane, row = _merged(index, later, oldest)
    return SampleIndex(keys, bounds, _present(bounds, stratum), author, order, stratum, pane, row)


def merge_indexes(indexes: Sequence[SampleIndex]) -> SampleIndex:
    """Merge the indexes of consecutive panes two by two, so that each entry is moved log2(panes) times."""
    level = list(indexes) or [EMPTY_INDEX]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [merged(left, right, 0) for left, right in pairs] + level[len(level) // 2 * 2 :]
    return level[0]


@compiled
def _merged(a: SampleIndex, b: SampleIndex, oldest: int) -> tuple[Ints, Ints, UInts, UInts, Strata, Int32s, Int32s]:
    rows, n = len(a.keys) + len(b.keys), len(a.author) + len(b.author)
    keys, bounds = np.empty(rows, np.int64), np.zeros(rows + 1, np.int64)
    author, order, stratum = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.uint8)
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
                author[at], order[at], stratum[at] = a.author[x], a.order[x], a.stratum[x]
                pane[at], row[at] = a.pane[x], a.row[x]
                x += 1
            else:
                author[at], order[at], stratum[at] = b.author[y], b.order[y], b.stratum[y]
                pane[at], row[at] = b.pane[y], b.row[y]
                y += 1
            if pane[at] >= oldest:
                at += 1
        if at > bounds[written]:
            written += 1
            bounds[written] = at
        i += has_a
        j += has_b
    return keys[:written], bounds[: written + 1], author[:at], order[:at], stratum[:at], pane[:at], row[:at]


class Drawn(NamedTuple):
    """Sampled entries (n,) of some keys, by key and author; no author twice."""

    group: Ints
    """(n,) number of the key."""
    author: UInts
    pane: Int32s
    row: Int32s
    weight: npt.NDArray[np.float64]
    """(n,) chance of an author of the smallest hashes, divided by the entry's own, in (0, 1].

    An author whose stratum is sampled more often stands for fewer (Horvitz and Thompson 1952). No part of a sample
    counts for more authors than were sampled.
    """
    is_further: npt.NDArray[np.bool_]
    """(n,) whether the author is sampled for its stratum alone."""


def draw(
    first_a: Ints, end_a: Ints, a: SampleIndex, first_b: Ints, end_b: Ints, b: SampleIndex, oldest: int, end: int
) -> Drawn:
    """Return the samples of some keys: see `smallest_rows`, with one entry for each author.

    An author has its smallest tweet, the earliest pane's among equals.

    Args:
        first_a: (m,) first run of each key in `a`; see `SampleIndex.spans`.
        end_a: (m,) end of its runs.
        a: index of the older panes.
        first_b: (m,) as `first_a`, in `b`.
        end_b: (m,)
        b: index of panes after those of `a`.
        oldest: number of the first pane that counts.
        end: number after that of the last pane that counts.
    """
    room = _room(MOST_ROWS), _room(LEAST)
    return Drawn(*_draw(first_a, end_a, a, a.entries, first_b, end_b, b, b.entries, oldest, end, *room))


@compiled
def _draw(
    first_a: Ints, end_a: Ints, a: SampleIndex, of_a: _Rows, first_b: Ints, end_b: Ints, b: SampleIndex, of_b: _Rows,
    oldest: int, end: int, whole: _Rows, part: _Rows,
) -> tuple[Ints, UInts, Int32s, Int32s, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:  # fmt: skip
    """Return the columns of `draw`; `whole` has room for a key's sample, `part` for that of one stratum."""
    rows = 0
    for i in range(len(first_a)):
        entries = a.bounds[end_a[i]] - a.bounds[first_a[i]] + b.bounds[end_b[i]] - b.bounds[first_b[i]]
        rows += min(entries, MOST_ROWS)
    group, author = np.empty(rows, np.int64), np.empty(rows, np.uint64)
    pane, row = np.empty(rows, np.int32), np.empty(rows, np.int32)
    weight, is_further = np.ones(rows), np.zeros(rows, np.bool_)
    at, beyond = 0, np.zeros(2, np.int64)
    for i in range(len(first_a)):
        n = _take(0, K, first_a[i], end_a[i], a.bounds, of_a, oldest, end, ALL_STRATA, whole)
        n = _take(n, K, first_b[i], end_b[i], b.bounds, of_b, oldest, end, ALL_STRATA, whole)
        if n == K:
            kth, upto = whole.author[K - 1], np.full(STRATA, whole.author[K - 1] / _SPACE)
            present = _union(a.present[first_a[i] : end_a[i]]) | _union(b.present[first_b[i] : end_b[i]])
            for stratum in range(STRATA):
                if not present >> stratum & 1 or np.sum(whole.stratum[:K] == stratum) >= LEAST:
                    continue  # there are no others, or none that are needed
                found = _take(0, LEAST, first_a[i], end_a[i], a.bounds, of_a, oldest, end, stratum, part)
                found = _take(found, LEAST, first_b[i], end_b[i], b.bounds, of_b, oldest, end, stratum, part)
                upto[stratum] = max(kth, part.author[LEAST - 1]) / _SPACE if found == LEAST else 1.0
                beyond[:] = np.searchsorted(part.author[:found], kth, "right"), found
                n = _take(n, MOST_ROWS, 0, 1, beyond, part, oldest, end, ALL_STRATA, whole)
            is_further[at + K : at + n] = True
            if n > K:
                weight[at : at + n] = (kth / _SPACE / upto)[whole.stratum[:n]]
        to = slice(at, at + n)
        group[to] = i
        author[to], pane[to], row[to] = whole.author[:n], whole.pane[:n], whole.row[:n]
        at += n
    return group[:at], author[:at], pane[:at], row[:at], weight[:at], is_further[:at]


@inlined
def _union(bits: npt.NDArray[np.uint8]) -> int:
    union = 0
    for some in bits:
        union |= some
    return union


def _room(rows: int) -> _Rows:
    return _Rows(
        np.empty(rows, np.uint64),
        np.empty(rows, np.uint64),
        np.empty(rows, np.uint8),
        np.empty(rows, np.int32),
        np.empty(rows, np.int32),
    )


@inlined
def _take(
    n: int, k: int, first: int, last: int, bounds: Ints, entries: _Rows, oldest: int, end: int, stratum: int, to: _Rows
) -> int:
    """Put the entries of a stratum, of runs [first, last) and panes [oldest, end), into a sample of n authors.

    Returns the new n, at most k. A run ascends, so it ends at the first author that is too great: most entries are
    never read.
    """
    author, order, of_stratum, pane, row = to
    authors, orders, strata, panes, rows = entries
    for run in range(first, last):
        for entry in range(bounds[run], bounds[run + 1]):
            if n == k and authors[entry] > author[k - 1]:
                break
            if panes[entry] < oldest or panes[entry] >= end or (stratum != ALL_STRATA and strata[entry] != stratum):
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
                    author[at], order[at], of_stratum[at] = author[at - 1], order[at - 1], of_stratum[at - 1]
                    pane[at], row[at] = pane[at - 1], row[at - 1]
            author[low], order[low], of_stratum[low] = authors[entry], orders[entry], strata[entry]
            pane[low], row[low] = panes[entry], rows[entry]
    return n
