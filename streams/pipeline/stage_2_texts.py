"""Texts of settled panes, kept a while for stage 2: what a judge knows holds none.

In memory only, for no longer than the longest of the windows that move with every pane, and bounded: what is not here
any more cannot be read by stage 2, and stage 1 stands.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import COUNTRY_BITS
from streams.judging.shard_judge import TickJob
from streams.judging.two_stage_share import SUBSAMPLE
from streams.judging.window_store import SHORT_MS

KEPT_PANES = SHORT_MS // PANE_MS
_ROOM_BYTES = 100
"""What a text takes beside itself."""


class RecentTexts:
    """The texts of one shard by tweet.

    Args:
        most_bytes: past it the oldest pane is dropped.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._panes: deque[tuple[int, dict[int, bytes], int]] = deque()
        """Pane, its texts, and their bytes."""
        self._bytes = 0

    def keep(self, job: TickJob) -> None:
        """The texts of a pane that has settled: those that may be among the first of a tag's sample."""
        total, pane, number = job.closed.sum, job.closed.pane, job.closed.number
        while self._panes and self._panes[0][0] <= number - KEPT_PANES:
            self._drop_oldest()
        sizes = np.diff(total.bounds)
        worth = np.isin(total.keys >> COUNTRY_BITS, np.fromiter(job.worth, np.int64, len(job.worth)))
        rank = np.arange(len(total.entries)) - np.repeat(total.bounds[:-1], sizes)
        entries = total.entries[np.repeat(worth, sizes) & (rank < SUBSAMPLE)]
        if not len(entries):
            return
        texts = pane.texts(entries).split(b"\n")[:-1]
        kept = dict(zip(pane.entries["tweet"][entries].tolist(), texts, strict=True))
        size = sum(map(len, kept.values())) + _ROOM_BYTES * len(kept)
        self._panes.append((number, kept, size))
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._panes) > 1:
            self._drop_oldest()

    def forget_before(self, pane: int) -> None:
        """Another model has scored these."""
        while self._panes and self._panes[0][0] < pane:
            self._drop_oldest()

    def find(self, tweet: int) -> bytes | None:
        """The text of a tweet, if it is still here."""
        return next((kept[tweet] for _, kept, _ in reversed(self._panes) if tweet in kept), None)

    def _drop_oldest(self) -> None:
        self._bytes -= self._panes.popleft()[2]
