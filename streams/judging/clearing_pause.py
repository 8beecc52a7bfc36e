"""The pause of clears and early decisions while a gap of the log lies in a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from streams.constants import HOUR_MS, MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.keys import Tags
from streams.counting.sketch import KeyedHash
from streams.judging.ticks import delay_of
from streams.log.partials import Partial
from streams.windows.open_panes import OpenPanes

LOST_AHEAD_MS = MINUTE_MS
"""A skipped record may count tweets this far above the greatest watermark before it."""


@dataclass(frozen=True, slots=True)
class SkippedSpan:
    """Effect of a skipped record of `hashtag-partials` on the ticks of its shard; see `skipped_spans`."""

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
        self._to_come = sorted(spans, key=lambda one: one.settled_ms)

    def reach(self, settled_ms: int) -> None:
        """Begin the pauses of loaded records that were skipped after this tick had settled."""
        while self._to_come and self._to_come[0].settled_ms <= settled_ms:
            self.extend(self._to_come.pop(0).until_ms)

    def covers(self, tick_ms: int) -> bool:
        """Return whether a tick lies in the pause."""
        return tick_ms < self.until_ms


def skipped_spans(log: Iterable[Partial | None], shard: int, shards: int) -> list[SkippedSpan]:
    """Return when a judge passes over the skipped records of its shard's log, each with the end of what they hide.

    The log has the shard's records in order, None for a skipped one.
    """
    sources, passed_ms = OpenPanes(Tags(), KeyedHash(b""), 1), -1
    spans, open_spans = list[SkippedSpan](), list[SkippedSpan]()
    for record in log:
        if record is None:
            settled_ms = max(0, sources.watermark_ms - delay_of(shard, shards)) // PANE_MS * PANE_MS
            open_spans.append(SkippedSpan(settled_ms, passed_ms + LOST_AHEAD_MS))
        elif isinstance(record, Flush):
            sources.apply_all([replace(record, hashtags=b"", blocks=b"")])  # its marker alone
            passed_ms = max(passed_ms, record.watermark_ms)
            end_ms = max(record.newest_ms, record.watermark_ms)
            spans += [SkippedSpan(one.settled_ms, max(one.until_ms, end_ms)) for one in open_spans]
            open_spans.clear()
    return spans + open_spans
