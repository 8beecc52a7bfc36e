"""The entries of a window's panes in one order, so that a tag's sample lies in one place for any number of panes.

A pane's entries are sorted by key and author, and so is the index, which names the pane and row of each entry. A new
pane is merged in, and entries of expired panes are dropped in the same pass, at a few nanoseconds an entry. Then the
sample of a key is the start of its run, and no entry behind the k-th author is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streams.counting.block_counts import Ints
from streams.counting.keys import ends_of
from streams.counting.sketch import K, UInts
from streams.windows.kernels.entry_merge import merge_entries
from streams.windows.kernels.sample_draw import Int32s, draw_samples

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
            *merge_entries(
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


def draw(
    asked: Ints, index: SampleIndex, later: SampleIndex, oldest: int, end: int | None = None, k: int = K
) -> tuple[Ints, UInts, Int32s, Int32s]:
    """Return the k smallest authors of some keys, each with its smallest tweet, the earliest pane's among equals.

    Args:
        asked: (m,) keys.
        index: index of the older panes.
        later: index of panes after those of `index`.
        oldest: number of the first pane that counts.
        end: number after that of the last pane that counts; None: all later panes count.
        k: greatest number of authors for each key.

    Returns:
        Index in `asked`, author, pane and row of each entry, by key and author.
    """
    group, author, pane, row = draw_samples(
        *index.spans(asked), index.bounds, index.author, index.order, index.pane, index.row,
        *later.spans(asked), later.bounds, later.author, later.order, later.pane, later.row,
        oldest, _ALL_PANES if end is None else end, k,
    )  # fmt: skip
    return group, author, pane, row
