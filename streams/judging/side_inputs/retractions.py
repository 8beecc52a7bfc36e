"""The retractions of one shard: deleted and withheld tweets, taken out of the counts and samples of windows.

A retraction counts from the tick that ends the pane of its log time. So a window [start, end) is asked for what
lies in it and was received before its end. Rows are kept as they came, by the pane that they reduce, and no row changes
when a window moves. Asking again gives the same answer, also after a recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.constants import PANE_MS, SHORT_WINDOW_MS
from streams.counting.block_counts import Flush, Ints
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, WORLD, Tags
from streams.counting.retractions import (
    EVERY_TAG,
    NO_PANE,
    NO_RETRACTIONS,
    RetractionRows,
    join_retractions,
    retraction_rows_of,
)
from streams.judging.kernels.prefilter import may_contain
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.base import SideInput
from streams.log.partials import Partial
from streams.log.retractions import are_retractions, decode_retractions, encode_retractions
from streams.windows.kernels.key_sums import add_rows
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore

AHEAD_MS = 120_000
"""Greatest lead of a retraction before its tweet, by log time, at which it is kept as long as the tweet counts."""


class RetractionIndex(SideInput):
    """All retractions that a window can still need. Without any, every answer is immediate."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._settled_pane = -1
        self._panes: dict[int, _PaneRetractions] = {}
        self._runs: list[_SortedRun] = []
        self._waiting: list[RetractionRows] = []
        """Rows that count from a tick that has not settled."""
        self._late = self._removed = self._unmatched = 0

    def __bool__(self) -> bool:
        return bool(self._runs or self._panes)

    # ---- the log ----

    def apply(self, record: Partial, position: LogPosition) -> Iterable[int]:
        """Add the retractions of a flush, and return the panes whose ticks apply them."""
        if not isinstance(record, Flush) or record.retractions is None:
            return ()
        rows = retraction_rows_of(record.retractions, self._tags)
        late = rows.received <= self._settled_pane
        if late.any():
            rows = self._move_late_rows(rows, late)
        if not len(rows):
            return ()
        self._add(rows)
        self._waiting.append(rows)
        pending: list[int] = np.unique(rows.received).tolist()
        return pending

    def _move_late_rows(self, rows: RetractionRows, late: npt.NDArray[np.bool_]) -> RetractionRows:
        """Let late rows count from the next tick, but for those that a recovery has brought back already."""
        old = rows.take(late)
        known = np.zeros(len(old), bool)
        for run in self._runs:
            at, of = run.find(old.tweets)
            known[at[(run.keys[of] == old.keys[at]) & (run.received[of] >= old.received[at])]] = True
        new = old.take(~known)
        self._late += len(new)
        received = np.full(len(new), self._settled_pane + 1)
        return join_retractions([rows.take(~late), RetractionRows(new.keys, new.panes, new.tweets, received)])

    def settle(self, pane: int, store: WindowStore) -> Iterator[bytes]:
        """Encode the retractions due at the end of a pane, and count those that match no tweet."""
        self._settled_pane = pane
        rows = self._take_due(pane)
        unmatched = count_unmatched(rows, store)
        self._unmatched += unmatched
        self._removed += int((rows.panes != NO_PANE).sum()) - unmatched
        return encode_retractions(rows, self._tags)

    def _take_due(self, pane: int) -> RetractionRows:
        if not self._waiting:
            return NO_RETRACTIONS
        rows = join_retractions(self._waiting)
        due = rows.received <= pane
        self._waiting = [] if due.all() else [rows.take(~due)]
        return rows.take(due)

    @property
    def last_pending_pane(self) -> int:
        """The last pane whose tick has retractions to publish; -1 without any."""
        return max((int(rows.received.max()) for rows in self._waiting), default=-1)

    def recover(self, state: RecoveredState) -> None:
        """Recover the rows whose ticks have settled; the log brings the others again."""
        self._settled_pane = state.settled_ms // PANE_MS - 1
        records = [decode_retractions(value) for value in state.side_records if are_retractions(value)]
        rows = join_retractions([retraction_rows_of(record, self._tags) for record in records])
        rows = rows.take(rows.received <= self._settled_pane)
        if len(rows):
            self._add(rows)

    def prune(self, tick_ms: int, kept_from_ms: int) -> None:
        """Drop the retractions that only windows before `kept_from_ms` could need."""
        for pane in [pane for pane in self._panes if pane * PANE_MS < kept_from_ms]:
            del self._panes[pane]
        runs = [run.since((kept_from_ms - AHEAD_MS) // PANE_MS) for run in self._runs]
        self._runs = [run for run in runs if len(run.tweets)]

    def take_counts(self) -> dict[str, int]:
        """Return the late, applied and unmatched retractions since the last call, and reset the counts."""
        counts = {
            "retractions_late": self._late,
            "retracted_uses": self._removed,
            "retractions_unmatched": self._unmatched,
        }
        self._late = self._removed = self._unmatched = 0
        return counts

    def tag_numbers(self) -> set[int]:
        """Return the numbers of all hashtags that a retraction names."""
        keys = [run.keys for run in self._runs] + [pane.merged().keys for pane in self._panes.values()]
        numbers = [some >> COUNTRY_BITS for some in keys]
        return {number for some in numbers for number in some[some != EVERY_TAG].tolist()}

    def _add(self, rows: RetractionRows) -> None:
        order = np.argsort(rows.tweets, kind="stable")
        self._runs.append(_SortedRun(rows.tweets[order], rows.keys[order], rows.received[order]))
        while len(self._runs) > 1 and len(self._runs[-2].tweets) < 2 * len(self._runs[-1].tweets):
            last = self._runs.pop()
            self._runs[-1] = self._runs[-1].merged(last)
        for pane in np.unique(rows.panes).tolist():
            if pane != NO_PANE:
                self._panes.setdefault(pane, _PaneRetractions()).new.append(rows.take(rows.panes == pane))

    # ---- windows ----

    def count_removed(self, keys: Ints, start_ms: int, end_ms: int) -> Ints | None:
        """Return (m,) how many tweets leave the count of each key; the world's count loses those of all countries."""
        if not self:
            return None
        first, end = start_ms // PANE_MS, end_ms // PANE_MS
        removed = np.zeros(len(keys), np.int64)
        for pane, retracted in self._panes.items():
            if first <= pane < end:
                rows = retracted.merged()
                add_rows(rows.keys, (rows.received < end).astype(np.int64), keys, removed)
        return removed

    def filter(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> AuthorSample:
        """Return the sample without the tweets that are retracted within the span."""
        if not self:
            return sample
        since, end = (span.start_ms - AHEAD_MS) // PANE_MS, span.end_ms // PANE_MS
        removed = np.zeros(len(sample.tweet), bool)
        for run in self._runs:
            at, of = run.find(sample.tweet)
            scope, key, received = run.keys[of], keys[sample.group[at]], run.received[of]
            tag, country = scope >> COUNTRY_BITS, scope & COUNTRY_MASK
            everywhere = (country == WORLD) | (country == key & COUNTRY_MASK)
            applies = np.where(tag == EVERY_TAG, everywhere, tag == key >> COUNTRY_BITS)
            removed[at[applies & (since <= received) & (received < end)]] = True
        return sample.take(~removed) if removed.any() else sample


def count_unmatched(rows: RetractionRows, store: WindowStore) -> int:
    """Count the rows whose hashtag and country has no tweet in their pane, among the panes of `SHORT_WINDOW_MS`.

    Their tweets came late, were refused, or were never sent.
    """
    if not len(rows):
        return 0
    panes = {pane.start_ms // PANE_MS: pane.keys for pane in store.short_panes}
    recent = (rows.panes >= (store.end_ms - SHORT_WINDOW_MS) // PANE_MS) & (rows.panes < store.end_ms // PANE_MS)
    unmatched = 0
    for number in np.unique(rows.panes[recent]).tolist():
        keys, counted = rows.keys[rows.panes == number], panes.get(number)
        if counted is None:
            unmatched += len(keys)
        else:
            at = np.minimum(np.searchsorted(counted, keys), len(counted) - 1)
            unmatched += int((counted[at] != keys).sum())
    return unmatched


@dataclass(frozen=True, slots=True, eq=False)
class _SortedRun:
    """Rows sorted by tweet. A few runs of growing length hold all rows, so a new one costs little more than itself."""

    tweets: Ints
    keys: Ints
    received: Ints

    def find(self, tweets: Ints) -> tuple[Ints, Ints]:
        """Return pairs (position in `tweets`, row of this run) of equal tweets."""
        near = np.flatnonzero(may_contain(self.tweets.view(np.uint64), tweets.view(np.uint64)))
        first = np.searchsorted(self.tweets, tweets[near])
        size = np.searchsorted(self.tweets, tweets[near], "right") - first
        at = np.repeat(near, size)
        return at, np.arange(len(at)) + np.repeat(first - (np.cumsum(size) - size), size)

    def merged(self, other: _SortedRun) -> _SortedRun:
        tweets = np.concatenate((self.tweets, other.tweets))
        order = np.argsort(tweets, kind="stable")
        return _SortedRun(
            tweets[order],
            np.concatenate((self.keys, other.keys))[order],
            np.concatenate((self.received, other.received))[order],
        )

    def since(self, pane: int) -> _SortedRun:
        kept = self.received >= pane
        return self if kept.all() else _SortedRun(self.tweets[kept], self.keys[kept], self.received[kept])


@dataclass(slots=True)
class _PaneRetractions:
    """The tweets that leave one pane, as a set for each key."""

    new: list[RetractionRows] = field(default_factory=list)
    """Rows that are not merged yet."""
    rows: RetractionRows = NO_RETRACTIONS
    """Rows by key and tweet; of equal ones the first received."""

    def merged(self) -> RetractionRows:
        if self.new:
            rows = join_retractions([self.rows, *self.new])
            rows = rows.take(np.lexsort((rows.received, rows.tweets, rows.keys)))
            first = np.ones(len(rows), bool)
            first[1:] = (np.diff(rows.keys) != 0) | (np.diff(rows.tweets) != 0)
            self.rows, self.new = rows.take(first), []
        return self.rows
