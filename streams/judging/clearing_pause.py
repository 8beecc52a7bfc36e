"""The pause of clears and early decisions while a gap of the log lies in a window."""

from __future__ import annotations


class ClearingPause:
    """A pause after records were lost to retention, until a whole window has passed."""

    def __init__(self) -> None:
        self.until_ms = 0
        """First tick after the pause."""
        self.gap_is_open = False
        """Whether no record was applied since the gap, so that its end is not known."""

    def begin(self, from_ms: int, window_ms: int) -> None:
        """Begin the pause at the latest time before the gap."""
        self.gap_is_open = True
        self.until_ms = max(self.until_ms, from_ms + window_ms)

    def end_gap(self, from_ms: int, window_ms: int) -> None:
        """Extend the pause to a whole window after the first record behind the gap."""
        self.gap_is_open = False
        self.until_ms = max(self.until_ms, from_ms + window_ms)

    def covers(self, tick_ms: int) -> bool:
        """Return whether a tick lies in the pause."""
        return tick_ms < self.until_ms
