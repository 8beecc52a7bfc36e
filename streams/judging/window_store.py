"""The windows of one shard: pane stores, and evidence tables over them.

Windows of up to 15 minutes advance with every pane; longer ones are whole minute panes and advance once a minute, and
over an hour their far end is quarters of an hour (`streams.windows.rollups`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from models.share import Scale
from streams.counting.block_counts import MINUTE_MS, PANE_MS, Ints
from streams.counting.keys import Tags
from streams.counting.retractions import Rows
from streams.counting.sketch import SPACE, K, KeyedHash, UInts
from streams.judging.evidence import EvidenceTable, tabulate
from streams.judging.side_inputs.account_facts import FactBook
from streams.judging.side_inputs.account_facts_view import ShardFacts
from streams.judging.side_inputs.author_sketches import ShardSketches
from streams.judging.side_inputs.corrections import Corrected
from streams.judging.side_inputs.retractions import Retracted
from streams.windows.pane import Pane, merge_panes
from streams.windows.rollups import Ladder, begins_ms
from streams.windows.tail_trimmer import Tail
from streams.windows.window import Sample, SlidingWindow

SHORT_MS = 900_000
"""Longest window that advances with every pane."""
HARMFUL = 0.5
"""From this probability on a text makes its author one of a campaign: who objects to it under its tag is not."""


class Views:
    """Panes of one shard, kept long enough for every window, and the windows over them.

    Args:
        columns: score columns of a text.
        tail: cuts what is merged; None: that keeps all.
        facts: about authors; samples are judged by them.
        corrected: what stage 2 says of their texts.
        sketches: of hidden tags.
    """

    def __init__(
        self,
        hashes: KeyedHash,
        columns: int,
        tail: Tail | None = None,
        facts: ShardFacts | None = None,
        corrected: Corrected | None = None,
        sketches: ShardSketches | None = None,
    ) -> None:
        self.short_panes: deque[Pane] = deque()
        self.ladder = Ladder(hashes, columns, tail)
        """Minutes, and older than an hour quarters."""
        self.completed_quarter: Pane | None = None
        """The quarter of an hour that the last push has completed, as it is to be written."""
        self.minute_parts: list[Pane] = []
        """Panes since the last minute boundary."""
        self.minutes_from_ms = 0
        """No minute that starts earlier is kept."""
        self.windows: dict[int, SlidingWindow] = {}
        self.end_ms = -1
        """End of the last settled pane."""
        self.retracted = Retracted()
        self.corrected = Corrected(columns, "") if corrected is None else corrected
        self.scale: Scale | None = None
        """What scores mean as shares; None: they are taken as they are."""
        self._hashes = hashes
        self._columns = columns
        self._tail = tail
        self._facts = facts or ShardFacts(FactBook(hashes))
        self._sketches = sketches or ShardSketches(Tags())
        self._young_days = 0
        self._burst_min_past = 1
        self._tables: dict[int, EvidenceTable] = {}
        self._tables_ms = -1
        """The settled tick that `_tables` is of."""

    @property
    def shortest(self) -> SlidingWindow | None:
        """The window that early looks use."""
        return self.windows[min(self.windows)] if self.windows else None

    @property
    def longest(self) -> SlidingWindow | None:
        """The window that holds a tag's own past."""
        return self.windows[max(self.windows)] if self.windows else None

    @property
    def kept_from_ms(self) -> int:
        """No pane that starts earlier is kept: a window may go so far back."""
        return min(self.minutes_from_ms, self.end_ms - SHORT_MS)

    def arrange(self, windows_ms: Sequence[int], floor: int, young_days: int, burst_min_past: int) -> None:
        """Follow a policy: windows of these lengths, watched at a floor of tweets.

        New windows are filled from the panes kept. An account younger than `young_days` is young; a tag with fewer
        than `burst_min_past` tweets before the window has no past.
        """
        self._young_days, self._burst_min_past = young_days, burst_min_past
        self._tables = {}
        if set(windows_ms) != set(self.windows):
            self.windows = {window_ms: self._filled(window_ms) for window_ms in sorted(windows_ms)}
        for window in self.windows.values():
            window.floor = floor

    def _filled(self, window_ms: int) -> SlidingWindow:
        short = window_ms <= SHORT_MS
        window = SlidingWindow(window_ms, PANE_MS if short else MINUTE_MS, self._hashes)
        window.hold(self.short_panes if short else self.ladder.panes)
        window.expire(self.end_ms if short else self.end_ms // MINUTE_MS * MINUTE_MS)
        return window

    def expire_short(self, end_ms: int) -> None:
        """Let go of what no short window that ends at `end_ms` holds; its newest pane may still have to come."""
        for window_ms, window in self.windows.items():
            if window_ms <= SHORT_MS:
                window.expire(end_ms)

    def push(self, pane: Pane) -> Pane | None:
        """Take a settled pane; returns the minute pane that it completes, if any tweet is in it."""
        self.end_ms = pane.end_ms
        self.completed_quarter = None
        if len(pane.keys):
            self.short_panes.append(pane)
            self.minute_parts.append(pane)
        minute = self.close_minute() if pane.end_ms % MINUTE_MS == 0 else None
        while self.short_panes and self.short_panes[0].start_ms < self.end_ms - SHORT_MS:
            self.short_panes.popleft()
        for window_ms, window in self.windows.items():
            if window_ms <= SHORT_MS:
                window.push(pane)
        self.expire_short(self.end_ms)
        return minute

    def close_minute(self) -> Pane | None:
        """Merge what has settled since the last minute boundary."""
        minute_end_ms = -(-self.end_ms // MINUTE_MS) * MINUTE_MS
        minute = None
        if self.minute_parts:
            minute = merge_panes(self.minute_parts, minute_end_ms - MINUTE_MS, self._columns, self._hashes)
            minute = self._tail.cut_pane(minute) if self._tail is not None else minute
            self.minute_parts = []
            self.ladder.panes.append(minute)
        longest_ms = max(self.windows, default=3_600_000)
        self.minutes_from_ms = max(self.minutes_from_ms, begins_ms(minute_end_ms, longest_ms))
        self.ladder.drop_before(self.minutes_from_ms)
        long = [window for window_ms, window in self.windows.items() if window_ms > SHORT_MS]
        for window in long:
            if minute is not None:
                window.push(minute)
            window.expire(minute_end_ms)
        self.completed_quarter = self.ladder.age(minute_end_ms)
        if self.completed_quarter is not None:
            self.ladder.thin()
            for window in long:
                begin_ms = begins_ms(minute_end_ms, window.window_ms)
                window.hold(one for one in self.ladder.panes if one.start_ms >= begin_ms)
        return minute

    def read_back(self, panes: Sequence[Pane], longer: Sequence[Pane], settled_ms: int, minutes_from_ms: int) -> None:
        """After a restart: the settled panes up to `settled_ms`, ascending, as a predecessor kept them.

        Args:
            panes: of ten seconds; `longer`: minutes and quarters.
        """
        self.end_ms = settled_ms
        self.short_panes = deque(pane for pane in panes if settled_ms - SHORT_MS <= pane.start_ms < settled_ms)
        boundary_ms = settled_ms // MINUTE_MS * MINUTE_MS
        self.minute_parts = [pane for pane in self.short_panes if pane.start_ms >= boundary_ms]
        kept = [pane for pane in longer if minutes_from_ms < pane.end_ms <= boundary_ms]
        self.ladder.read_back(kept, boundary_ms)
        self.minutes_from_ms = minutes_from_ms
        self.windows = {}
        self._tables = {}

    def unmatched(self, rows: Rows) -> int:
        """How many rows are about a hashtag and country that no tweet of their pane has: of tweets that came late, or
        were refused or never sent. Only panes of the last `SHORT_MS` are asked."""
        if not len(rows):
            return 0
        panes = {pane.start_ms // PANE_MS: pane.keys for pane in self.short_panes}
        asked = (rows.panes >= (self.end_ms - SHORT_MS) // PANE_MS) & (rows.panes < self.end_ms // PANE_MS)
        found = 0
        for number in np.unique(rows.panes[asked]).tolist():
            keys, known = rows.keys[rows.panes == number], panes.get(number)
            if known is None:
                found += len(keys)
            else:
                at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
                found += int((known[at] != keys).sum())
        return found

    def forget_retracted(self) -> None:
        """Drop the retractions and corrections that no window of the panes kept can need."""
        if self.retracted:
            self.retracted.forget(self.kept_from_ms)
        if self.corrected:
            self.corrected.forget(self.kept_from_ms)

    def displays(self, key: int, fresh: Iterable[str] = ()) -> list[str]:
        """The spellings of a key: `fresh` ones and one for each pane of the shortest window that has it, or where
        there is none, of the longest."""
        if self.shortest is None or self.longest is None:
            return []
        return [*self.shortest.displays(key), *fresh] or self.longest.displays(key)

    def forget_tables(self) -> None:
        """What is read off the panes has changed: long windows are looked at anew at once, as a successor would."""
        self._tables = {}

    def tables(self) -> dict[int, EvidenceTable]:
        """Evidence of every busy key by window; long windows keep theirs until the next minute."""
        if self._tables_ms == self.end_ms and self._tables:
            return self._tables
        self._tables_ms = self.end_ms
        on_minute = self.end_ms % MINUTE_MS == 0
        for window_ms, window in self.windows.items():
            if window_ms <= SHORT_MS or on_minute or window_ms not in self._tables:
                self._tables[window_ms] = self.settled(window)
        return self._tables

    def settled(self, window: SlidingWindow) -> EvidenceTable:
        """Evidence of every busy key over a window, as it settled."""
        return self.table(window, self._busy(window))

    def table(
        self, window: SlidingWindow, keys: Ints, extra: Sequence[Pane] = (), tick_ms: int | None = None
    ) -> EvidenceTable:
        """Evidence of some keys, ascending, over a window and over `extra` panes that have not settled, the last of
        which ends at `tick_ms` (None: there are none)."""
        tweets = window.counts.of(keys)
        for pane in extra:
            tweets += pane.tweets(keys)
        tweets = self.left(tweets, window, keys, tick_ms)
        whole, sample, start_ms, end_ms = self._sample(window, keys, extra, tick_ms)
        return tabulate(
            window.window_ms,
            keys,
            tweets,
            self._burst(window, keys, tweets, extra, tick_ms),
            sample,
            self._columns,
            self._young_days,
            window.may_miss,
            whole=whole,
            seen=self.corrected.of(sample, keys, start_ms, end_ms),
            successors=self._sketches.find(sample, keys, end_ms, self.kept_from_ms),
            scale=self.scale,
        )

    def sample(self, window: SlidingWindow, keys: Ints) -> Sample:
        """The settled samples of some keys, ascending, over a window, as they are judged."""
        return self._sample(window, keys, (), None)[1]

    def authors(self, key: int, window_ms: int) -> tuple[UInts, int]:
        """Of a key's authors over a settled window, or over the shortest where there is none so long, those whose
        sampled tweet is harmful, ascending; and up to which hash they are all."""
        window = self.windows.get(window_ms) or self.shortest
        assert window is not None, "no policy is in force"
        whole, sample, _, _ = self._sample(window, np.array([key]), (), None)
        upto = int(whole.author[-1]) if len(whole.author) >= K else SPACE - 1
        return sample.author[sample.scores[:, 0] >= HARMFUL], upto

    def _sample(
        self, window: SlidingWindow, keys: Ints, extra: Sequence[Pane], tick_ms: int | None
    ) -> tuple[Sample, Sample, int, int]:
        """The sample of some keys as it was drawn, as it may count, and the [start, end) of which it is."""
        whole = window.sample(keys, extra, self.passed(window, tick_ms))
        start_ms, end_ms = self._span(window, tick_ms)
        sample = self.retracted.left(whole, keys, start_ms, end_ms) if self.retracted else whole
        return whole, self._facts.judged(sample, keys, end_ms), start_ms, end_ms

    def _busy(self, window: SlidingWindow) -> Ints:
        """The keys with enough tweets, ascending."""
        keys = window.busy()
        if not self.retracted:
            return keys
        return keys[self.less_retracted(window.counts.of(keys), window, keys) >= window.floor]

    def less_retracted(self, tweets: Ints, window: SlidingWindow, keys: Ints, tick_ms: int | None = None) -> Ints:
        """(m,) tweets of some keys over a window, with open panes up to `tick_ms` where that is given, less those that
        were taken out; never below 0."""
        if not self.retracted:
            return tweets
        gone = self.retracted.counted(keys, *self._span(window, tick_ms))
        left: Ints = np.maximum(tweets - gone, 0)
        return left

    def _span(self, window: SlidingWindow, tick_ms: int | None) -> tuple[int, int]:
        """[start, end) of a window, as far as its panes are kept; with the open ones where `tick_ms` is given."""
        end_ms = self._end_of(window)
        if window.window_ms <= SHORT_MS:
            end_ms = end_ms if tick_ms is None else tick_ms
            return end_ms - window.window_ms, end_ms
        start_ms = max(begins_ms(end_ms, window.window_ms), self.minutes_from_ms)
        return start_ms, end_ms if tick_ms is None else tick_ms

    def left(self, tweets: Ints, window: SlidingWindow, keys: Ints, tick_ms: int | None) -> Ints:
        """(m,) tweets of some keys over a window and open panes up to `tick_ms` (None: there are none), less those of
        settled panes that lie before it by then, and of what was taken out; never below 0."""
        for pane in islice(window.panes, self.passed(window, tick_ms)):
            tweets = tweets - pane.tweets(keys)
        return self.less_retracted(tweets, window, keys, tick_ms)

    def passed(self, window: SlidingWindow, tick_ms: int | None) -> int:
        """How many of a window's settled panes lie before it, where it ends with open panes at `tick_ms`."""
        if tick_ms is None or window.window_ms > SHORT_MS:
            return 0
        return sum(pane.start_ms < tick_ms - window.window_ms for pane in window.panes)

    def _end_of(self, window: SlidingWindow) -> int:
        """A long window ends with its last whole minute, whenever it is asked: a successor asks within the minute."""
        return self.end_ms if window.window_ms <= SHORT_MS else self.end_ms // MINUTE_MS * MINUTE_MS

    def _burst(
        self, window: SlidingWindow, keys: Ints, tweets: Ints, extra: Sequence[Pane], tick_ms: int | None
    ) -> npt.NDArray[np.float64]:
        """Rate in the window against the tag's own rate before it in the longest one; NaN without a past."""
        longest = self.longest
        none = np.full(len(keys), np.nan)
        if longest is None or longest is window or not longest.panes:
            return none
        start_ms, end_ms = self._span(longest, None)[0], self._span(window, tick_ms)[1]
        start_ms = max(start_ms, longest.panes[0].start_ms)
        span_ms = end_ms - start_ms - window.window_ms
        if span_ms < window.window_ms:
            return none
        counted = longest.counts.of(keys)
        # The longest ends with its last whole minute: what the window has counted since is no part of it.
        since = self.minute_parts if self._end_of(longest) < self._end_of(window) else []
        for pane in (*since, *extra):
            counted += pane.tweets(keys)
        if self.retracted:
            counted -= self.retracted.counted(keys, start_ms, end_ms)
        past = np.maximum(counted - tweets, 0)
        # What a pane gave up may have been this tag's past: then it had more of one, and so less of a burst.
        rates = (tweets / window.window_ms) / (np.maximum(past + longest.may_miss, 1) / span_ms)
        return np.where(past >= max(self._burst_min_past, 1), rates, np.nan)
