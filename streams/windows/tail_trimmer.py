"""Tail trimming: a bound on the hashtags of a settled pane, which drops the ones with the fewest tweets.

An attacker who tweets ten million different hashtags must not fill a judge's memory. So a settled pane keeps a limited
number of tags. The pane's content alone decides which tags are dropped, so it is the same in every replay and recovery:
the tags with the fewest tweets, among equals those with the smallest keyed hash, never one with `floor` tweets or more.
A tag is dropped in all its countries. Its hash is the same in every pane, so among equally small tags the same ones
stay, and stay exact.

The dropped tweets are counted in the pane. A tag's count in a window is then a lower bound: it misses at most
`Trimmed.most` tweets for each pane of the window.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from streams.counting.block_counts import NOTHING_TRIMMED, Trimmed
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.counting.sketch import KeyedHash
from streams.windows.open_pane import PaneSum
from streams.windows.pane import Pane

_NO_LIMIT = 1 << 62
_Rows = TypeVar("_Rows", PaneSum, Pane)


class TailTrimmer:
    """Trims the panes of one shard."""

    def __init__(self, tags: Tags, hashes: KeyedHash) -> None:
        self.floor = 1
        """Tweets in a pane from which a tag is never dropped."""
        self.most_tags = _NO_LIMIT
        """Tags of a pane above which the smallest are dropped."""
        self._tags = tags
        self._hashes = hashes

    def cut_pane(self, pane: Pane) -> Pane:
        """Trim a pane that was merged from settled ones, and count in it what was dropped."""
        kept, trimmed = self.cut(pane)
        return replace(kept, trimmed=pane.trimmed + trimmed)

    def cut(self, whole: _Rows) -> tuple[_Rows, Trimmed]:
        """Trim a pane, or the sum of one that has just settled, and return what was dropped."""
        keys, counts = whole.keys, whole.counts
        if len(keys) <= self.most_tags:
            return whole, NOTHING_TRIMMED
        begins = np.diff(keys >> COUNTRY_BITS, prepend=-1) != 0
        starts = np.flatnonzero(begins)
        tweets = np.add.reduceat(counts, starts)
        small = np.flatnonzero(tweets < self.floor)
        surplus = min(len(starts) - self.most_tags, len(small))
        if surplus <= 0:
            return whole, NOTHING_TRIMMED
        # All tags smaller than the one at the cut are dropped, and of those equal to it the first by hash.
        last = int(np.partition(tweets[small], surplus - 1)[surplus - 1])
        dropped = small[tweets[small] < last]
        equal = small[tweets[small] == last]
        names = self._tags.names(keys[starts[equal]])
        by_hash = np.argsort(self._hashes.names(names))
        dropped = np.concatenate((dropped, equal[by_hash[: surplus - len(dropped)]]))
        stays = np.ones(len(starts), bool)
        stays[dropped] = False
        kept = whole.with_rows(stays[np.cumsum(begins) - 1])
        return kept, Trimmed(tags=surplus, tweets=int(tweets[dropped].sum()), most=last)
