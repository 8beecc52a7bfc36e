"""The texts of recently settled panes, for stage 2; a judge's own state holds no texts.

They are in memory only, for at most the longest window that advances with every pane, and bounded in size. An evicted
text is not scored by stage 2.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from streams.constants import PANE_MS, SHORT_WINDOW_MS
from streams.counting.keys import COUNTRY_BITS
from streams.judging.ticks import TickJob
from streams.judging.two_stage_share import SUBSAMPLE

KEPT_PANES = SHORT_WINDOW_MS // PANE_MS
_ROOM_BYTES = 100
"""Memory of one entry without its text."""


class RecentTexts:
    """The texts of one shard, by tweet id.

    Args:
        most_bytes: beyond it the oldest pane is evicted.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._panes: deque[tuple[int, dict[int, bytes], int]] = deque()
        """Number of the pane, its texts, and their size."""
        self._bytes = 0

    def keep(self, job: TickJob) -> None:
        """Keep the texts of a settled pane that may be in the subsample of a hashtag."""
        total, pane, number = job.closed.sum, job.closed.pane, job.closed.number
        while self._panes and self._panes[0][0] <= number - KEPT_PANES:
            self._evict_oldest()
        sizes = np.diff(total.bounds)
        worth = np.isin(total.keys >> COUNTRY_BITS, job.scored_tags)
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
            self._evict_oldest()

    def evict_before(self, pane: int) -> None:
        """Evict the panes that an earlier model has scored."""
        while self._panes and self._panes[0][0] < pane:
            self._evict_oldest()

    def find(self, tweet: int) -> bytes | None:
        """Return the text of a tweet; None if it was evicted."""
        return next((kept[tweet] for _, kept, _ in reversed(self._panes) if tweet in kept), None)

    def _evict_oldest(self) -> None:
        self._bytes -= self._panes.popleft()[2]
