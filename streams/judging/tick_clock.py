"""The pane that settles next, by the watermarks of a shard's log."""

from __future__ import annotations

from streams.constants import PANE_MS
from streams.windows.open_panes import OpenPanes

_SPREAD_MS = PANE_MS // 2
"""Time over which the shards' ticks are spread, so that early decisions need not wait for all shards of a worker."""


def delay_of(shard: int, shards: int) -> int:
    """Return how much later than its watermark a shard's ticks settle, in ms.

    >>> [delay_of(shard, 4) for shard in range(4)]
    [0, 1250, 2500, 3750]
    """
    return shard * _SPREAD_MS // shards


class TickClock:
    """Settles panes in their order, each once, as soon as the lowest watermark has passed them."""

    def __init__(self, open_panes: OpenPanes, shard: int, shards: int) -> None:
        self._open = open_panes
        self._delay_ms = delay_of(shard, shards)

    @property
    def settled_ms(self) -> int:
        """End of the last settled pane; 0 before the first."""
        return (self._open.settled_pane + 1) * PANE_MS

    @property
    def due_watermark_ms(self) -> int:
        """Lowest watermark from which the next pane is due; 0 before the first."""
        if self._open.settled_pane < 0:
            return 0
        return self.settled_ms + PANE_MS + self._delay_ms

    def due(self, up_to_ms: int | None, *, idle: bool) -> int | None:
        """Return the number of the pane that is due.

        Args:
            up_to_ms: time that counts as passed; None: the lowest watermark, less this shard's delay.
            idle: nothing is counted and nothing is decided, so empty panes may be skipped.
        """
        passed_ms = self._open.watermark_ms - self._delay_ms if up_to_ms is None else up_to_ms
        if passed_ms < 0:
            return None
        if idle or self._open.settled_pane < 0:
            self._skip_empty(passed_ms // PANE_MS)
        pane = self._open.settled_pane + 1
        return pane if (pane + 1) * PANE_MS <= passed_ms else None

    def _skip_empty(self, reached: int) -> None:
        """Skip the empty panes before pane `reached`, but the last: readers must learn that an empty shard is alive."""
        first = min(reached - 1, min(self._open.panes, default=reached))
        self._open.settled_pane = max(self._open.settled_pane, first - 1)
