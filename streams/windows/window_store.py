"""The settled panes of one shard, and the sliding windows over them.

Windows of up to `SHORT_WINDOW_MS` advance with every pane. Longer ones are made of whole minute panes and advance once
a minute. Beyond an hour their far end is made of 15-minute panes (`streams.windows.rollups`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.constants import HOUR_MS, MINUTE_MS, SHORT_WINDOW_MS
from streams.counting.keys import Tags
from streams.counting.sketch import KeyedHash
from streams.windows.pane import Pane, merge_panes
from streams.windows.rollups import PaneRollups, begins_ms
from streams.windows.tail_trimmer import TailTrimmer
from streams.windows.window import SlidingWindow


class WindowSpan(NamedTuple):
    """Time that a window covers, as far as its panes are kept: [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    kept_from_ms: int
    """Earliest time to which any window reaches back."""


class WindowStore:
    """Settled panes, kept long enough for every window, and the windows over them.

    Args:
        trimmer: bounds the tags of a merged pane; None keeps all of them.
    """

    def __init__(self, hashes: KeyedHash, trimmer: TailTrimmer | None = None) -> None:
        self._hashes = hashes
        self._trimmer = trimmer or TailTrimmer(Tags(), hashes)
        self.short_panes: deque[Pane] = deque()
        self.rollups = PaneRollups(hashes, self._trimmer)
        self.completed_quarter: Pane | None = None
        """15-minute pane that the last push completed, for publishing."""
        self.minute_parts: list[Pane] = []
        """Panes since the last minute boundary."""
        self.minutes_from_ms = 0
        """Start of the oldest minute that is kept."""
        self.windows: dict[int, SlidingWindow] = {}
        self.end_ms = -1
        """End of the last settled pane."""

    @property
    def shortest(self) -> SlidingWindow | None:
        """Window that early decisions use."""
        return self.windows[min(self.windows)] if self.windows else None

    @property
    def longest(self) -> SlidingWindow | None:
        """Window that holds a tag's own past."""
        return self.windows[max(self.windows)] if self.windows else None

    @property
    def kept_from_ms(self) -> int:
        """Earliest time to which a window can reach back."""
        return min(self.minutes_from_ms, self.end_ms - SHORT_WINDOW_MS)

    def arrange(self, windows_ms: Sequence[int], floor: int) -> None:
        """Keep windows of these lengths, and fill new ones from the panes that are kept.

        Args:
            windows_ms: lengths of the windows.
            floor: tweets from which a window lists a key as busy.
        """
        if set(windows_ms) != set(self.windows):
            self.windows = {window_ms: self._filled(window_ms) for window_ms in sorted(windows_ms)}
        for window in self.windows.values():
            window.floor = floor

    def _filled(self, window_ms: int) -> SlidingWindow:
        short = window_ms <= SHORT_WINDOW_MS
        window = SlidingWindow(window_ms, self._hashes)
        window.reset_to(self.short_panes if short else self.rollups.panes)
        window.expire(self.end_of(window))
        return window

    def expire_short(self, end_ms: int) -> None:
        """Expire the panes that lie before every short window that ends at `end_ms`."""
        for window_ms, window in self.windows.items():
            if window_ms <= SHORT_WINDOW_MS:
                window.expire(end_ms)

    def push(self, pane: Pane) -> Pane | None:
        """Add a settled pane, and return the minute pane that it completes, if that has any tweet."""
        self.end_ms = pane.end_ms
        self.completed_quarter = None
        if len(pane.keys):
            self.short_panes.append(pane)
            self.minute_parts.append(pane)
        minute = self.close_minute() if pane.end_ms % MINUTE_MS == 0 else None
        while self.short_panes and self.short_panes[0].start_ms < self.end_ms - SHORT_WINDOW_MS:
            self.short_panes.popleft()
        for window_ms, window in self.windows.items():
            if window_ms <= SHORT_WINDOW_MS:
                window.push(pane)
            if pane.end_ms % MINUTE_MS == MINUTE_MS // 2:  # not with a minute, whose tick is the longest
                window.tidy()
        self.expire_short(self.end_ms)
        return minute

    def close_minute(self) -> Pane | None:
        """Merge the panes since the last minute boundary into one minute pane."""
        minute_end_ms = -(-self.end_ms // MINUTE_MS) * MINUTE_MS
        minute = None
        if self.minute_parts:
            minute = merge_panes(self.minute_parts, minute_end_ms - MINUTE_MS, self._hashes)
            minute = self._trimmer.cut_pane(minute)
            self.minute_parts = []
            self.rollups.panes.append(minute)
        longest_ms = max(self.windows, default=HOUR_MS)
        self.minutes_from_ms = max(self.minutes_from_ms, begins_ms(minute_end_ms, longest_ms))
        self.rollups.drop_before(self.minutes_from_ms)
        long = [window for window_ms, window in self.windows.items() if window_ms > SHORT_WINDOW_MS]
        for window in long:
            if minute is not None:
                window.push(minute)
            window.expire(minute_end_ms)
        self.completed_quarter = self.rollups.merge_oldest(minute_end_ms)
        if self.completed_quarter is not None:
            for window in long:
                begin_ms = begins_ms(minute_end_ms, window.window_ms)
                window.reset_to(pane for pane in self.rollups.panes if pane.start_ms >= begin_ms)
        return minute

    def recover(self, panes: Sequence[Pane], longer: Sequence[Pane], settled_ms: int, minutes_from_ms: int) -> None:
        """Recover the settled panes up to `settled_ms` that the previous owner published.

        Args:
            panes: of ten seconds, ascending.
            longer: of one and of 15 minutes, ascending.
            settled_ms: end of the last settled pane.
            minutes_from_ms: start of the oldest minute that the previous owner kept.
        """
        self.end_ms = settled_ms
        self.short_panes = deque(pane for pane in panes if settled_ms - SHORT_WINDOW_MS <= pane.start_ms < settled_ms)
        boundary_ms = settled_ms // MINUTE_MS * MINUTE_MS
        self.minute_parts = [pane for pane in self.short_panes if pane.start_ms >= boundary_ms]
        kept = [pane for pane in longer if minutes_from_ms < pane.end_ms <= boundary_ms]
        self.rollups.recover(kept, boundary_ms)
        self.minutes_from_ms = minutes_from_ms
        self.windows = {}

    def displays(self, key: int, newest: Iterable[str] = ()) -> list[str]:
        """Return the spellings of a key: `newest`, and those of the shortest window, or else of the longest."""
        if self.shortest is None or self.longest is None:
            return []
        return [*self.shortest.displays(key), *newest] or self.longest.displays(key)

    def end_of(self, window: SlidingWindow) -> int:
        """Return the end of a window: a long one ends with the last whole minute, also after a restart within one."""
        return self.end_ms if window.window_ms <= SHORT_WINDOW_MS else self.end_ms // MINUTE_MS * MINUTE_MS

    def span(self, window: SlidingWindow, tick_ms: int | None = None) -> WindowSpan:
        """Return the span of a window.

        Args:
            window: window of this store.
            tick_ms: end of the open panes that are counted too; None: of the settled panes alone.
        """
        end_ms = self.end_of(window)
        if window.window_ms <= SHORT_WINDOW_MS:
            end_ms = end_ms if tick_ms is None else tick_ms
            return WindowSpan(end_ms - window.window_ms, end_ms, self.kept_from_ms)
        start_ms = max(begins_ms(end_ms, window.window_ms), self.minutes_from_ms)
        return WindowSpan(start_ms, end_ms if tick_ms is None else tick_ms, self.kept_from_ms)

    def count_expired(self, window: SlidingWindow, tick_ms: int | None) -> int:
        """Return how many settled panes of a window lie before it, once it ends with open panes at `tick_ms`."""
        if tick_ms is None or window.window_ms > SHORT_WINDOW_MS:
            return 0
        return sum(pane.start_ms < tick_ms - window.window_ms for pane in window.panes)
