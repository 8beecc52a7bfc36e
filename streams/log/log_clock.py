"""Time of the log, as one process knows it: people's decisions end by it, and not by the clock of a host.

A broker stamps each record that it appends. The greatest of these times never goes back, and is never ahead of the
broker. While nothing is appended, the time since it was read is added: a duration, which no wrong clock changes. A
record that was appended between two moments of the host's clock also shows how far that clock is off.
"""

from __future__ import annotations

from streams.clock import monotonic_seconds

LOG_APPEND_TIME = 1
"""Timestamp type of a record that the broker stamped; another type carries the producer's clock."""
LARGEST_ERROR_MS = 5_000
"""Error of a host's clock beyond which the process is not ready."""


class LogClock:
    """Greatest append time of the records that a process has read or written, and the error of the host's clock."""

    def __init__(self) -> None:
        self.newest_ms = 0
        """Greatest append time so far; 0 before the first."""
        self._reached: tuple[int, float] | None = None
        """Append time that was later than `reached_ms`, and when it was observed."""
        self.host_ahead_ms = 0
        """Time by which the host's clock was ahead of the broker's at the last comparison; negative: behind."""

    def observe(self, append_ms: int) -> None:
        """Take note of a record that the broker stamped."""
        self.newest_ms = max(self.newest_ms, append_ms)
        if append_ms > self.reached_ms:
            self._reached = append_ms, monotonic_seconds()

    @property
    def reached_ms(self) -> int:
        """Time that the broker's clock has reached: never ahead of it, never going back; 0 before the first record."""
        if self._reached is None:
            return 0
        append_ms, observed_seconds = self._reached
        return append_ms + int((monotonic_seconds() - observed_seconds) * 1000)

    def compare(self, append_ms: int, *, after_ms: int, before_ms: int) -> None:
        """Compare the clocks by a record that was appended between two moments of the host's clock.

        The span allows for a range of errors, and the known error moves no further than into it. So a slow answer
        neither invents an error nor makes one forgotten.
        """
        self.observe(append_ms)
        self.adopt(append_ms, after_ms=after_ms, before_ms=before_ms)

    def adopt(self, at_ms: int, *, after_ms: int, before_ms: int) -> None:
        """Take over another process's time, written between two moments of the host's clock; it is no append time."""
        self.host_ahead_ms = min(max(self.host_ahead_ms, after_ms - at_ms), before_ms - at_ms)

    def present_ms(self, host_ms: int) -> int:
        """Return the present time: the host's clock less its known error, and no earlier than any record."""
        return max(host_ms - self.host_ahead_ms, self.newest_ms)

    def why_wrong(self) -> str:
        """Return why the host's clock cannot be trusted; "" if it agrees with the broker's."""
        if abs(self.host_ahead_ms) <= LARGEST_ERROR_MS:
            return ""
        side = "ahead of" if self.host_ahead_ms > 0 else "behind"
        return (
            f"this host's clock is {abs(self.host_ahead_ms) / 1000:,.1f} s {side} the Kafka broker's: synchronise both"
        )
