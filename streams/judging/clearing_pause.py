"""The pause of clears and early decisions while a gap of the log lies in a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.constants import HOUR_MS, MINUTE_MS

LOST_AHEAD_MS = MINUTE_MS
"""A skipped record may count tweets this far above the greatest watermark before it."""


@dataclass(frozen=True, slots=True)
class SkippedSpan:
    """Effect of a skipped record of `hashtag-partials` on its shard's ticks; see `streams.replay.skipped_spans`."""

    settled_ms: int
    """Last tick that had settled before the record; 0: none."""
    until_ms: int
    """Greatest time that was read up to the first block counts behind it. The pause lasts a window longer."""


class ClearingPause:
    """A pause after records were lost, to retention or by a skip, until a whole window has passed."""

    def __init__(self) -> None:
        self.until_ms = 0
        """First tick after the pause."""
        self.window_ms = HOUR_MS
        """Length of the longest window."""
        self.gap_is_open = False
        """Whether no record was applied since the gap, so that its end is not known."""
        self._to_come: list[SkippedSpan] = []

    def extend(self, from_ms: int) -> None:
        """Pause until a window has passed after a time."""
        self.until_ms = max(self.until_ms, from_ms + self.window_ms)

    def begin(self, from_ms: int) -> None:
        """Begin the pause at the latest time before the gap. It lasts at least until `end_gap`."""
        self.gap_is_open = True
        self.extend(from_ms)

    def end_gap(self, from_ms: int) -> None:
        """Extend the pause to a whole window after the first record behind the gap, if there is one."""
        if self.gap_is_open:
            self.gap_is_open = False
            self.extend(from_ms)

    def load(self, spans: Iterable[SkippedSpan]) -> None:
        """Load the skipped records of a live run's log, for a reference, which has another log."""
        self._to_come = sorted(spans, key=lambda span: span.settled_ms)

    def reach(self, settled_ms: int) -> None:
        """Begin the pauses of loaded records that were skipped after this tick had settled."""
        while self._to_come and self._to_come[0].settled_ms <= settled_ms:
            self.extend(self._to_come.pop(0).until_ms)

    def covers(self, tick_ms: int) -> bool:
        """Return whether a tick lies in the pause."""
        return tick_ms < self.until_ms
