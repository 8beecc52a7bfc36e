"""What a pane gives up so that memory has a bound: of a pane with too many hashtags the ones that were hardly used.

Somebody who tweets ten million different hashtags must not be able to fill a judge's memory. So a settled pane keeps at
most so many tags of a shard. What goes is decided by the pane's content alone, hence the same in every replay and after
every restart: the tags with the fewest tweets, among equals those with the smallest keyed hash; never one with `floor`
tweets or more, however many these are. A tag goes with all its countries. The hash is the tag's own in every pane, so
that of equally small tags the same ones stay, and stay exact.

What was given up is counted and goes on with the pane. A tag's count in a window is then a lower bound: it misses at
most `GivenUp.most` for each of the window's panes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import NOTHING, GivenUp, Ints
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.sketch import KeyedHash
from streams.windows.open_pane import Sum
from streams.windows.pane import Pane

_NO_LIMIT = 1 << 62
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """Rows that stay, with their entries: `rows` (r,) and `entries` (n,) are masks, `bounds` those of what stays."""

    rows: Mask
    entries: Mask
    bounds: Ints


class Tail:
    """Cuts panes of one shard."""

    def __init__(self, tags: Tags, hashes: KeyedHash) -> None:
        self.floor = 1
        """Tags with so many tweets in a pane are never given up."""
        self.most_tags = _NO_LIMIT
        """Past so many tags a pane gives up the smallest."""
        self._tags = tags
        self._hashes = hashes

    def cut_sum(self, total: Sum) -> tuple[Sum, GivenUp]:
        """What a pane that has just settled keeps, and what it gave up."""
        kept, given_up = self._cut(total.keys, total.counts, total.bounds)
        if kept is None:
            return total, given_up
        rows, entries = kept.rows, kept.entries
        return Sum(
            total.keys[rows], total.counts[rows], kept.bounds,
            total.entries[entries], total.author[entries], total.order[entries],
        ), given_up  # fmt: skip

    def cut_pane(self, pane: Pane) -> Pane:
        """The same of settled panes that were merged."""
        kept, given_up = self._cut(pane.keys, pane.counts, pane.bounds)
        if kept is None:
            return pane
        return replace(
            pane.with_entries(kept.entries),
            keys=pane.keys[kept.rows],
            counts=pane.counts[kept.rows],
            displays=pane.displays[kept.rows],
            bounds=kept.bounds,
            given_up=pane.given_up + given_up,
        )

    def _cut(self, keys: Ints, counts: Ints, bounds: Ints) -> tuple[_Kept | None, GivenUp]:
        if len(keys) <= self.most_tags:
            return None, NOTHING
        begins = np.diff(keys >> COUNTRY_BITS, prepend=-1) != 0
        starts = np.flatnonzero(begins)
        tweets = np.add.reduceat(counts, starts)
        small = np.flatnonzero(tweets < self.floor)
        surplus = min(len(starts) - self.most_tags, len(small))
        if surplus <= 0:
            return None, NOTHING
        # All that are smaller than the one at the cut, and of those that are as small as it the first by hash.
        last = int(np.partition(tweets[small], surplus - 1)[surplus - 1])
        gone = small[tweets[small] < last]
        equal = small[tweets[small] == last]
        names = self._tags.names(keys[starts[equal]])
        gone = np.concatenate((gone, equal[np.argsort(self._hashes.names(names))[: surplus - len(gone)]]))
        stays = np.ones(len(starts), bool)
        stays[gone] = False
        rows = stays[np.cumsum(begins) - 1]
        sizes = np.diff(bounds)
        kept = _Kept(rows, np.repeat(rows, sizes), np.concatenate(([0], np.cumsum(sizes[rows]))))
        return kept, GivenUp(tags=surplus, tweets=int(tweets[gone].sum()), most=last)
