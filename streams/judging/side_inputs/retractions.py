"""The retractions of one shard: deleted and withheld tweets, taken out of the counts and samples of windows.

A retraction counts from the tick that ends the pane of its log time. So a window [start, end) is asked for what
lies in it and was received before its end. Rows are kept as they came, by the pane that they reduce, and no row changes
when a window moves. Asking again gives the same answer, also after a recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

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
from streams.judging.kernels.equal_pairs import equal_pairs
from streams.judging.log_position import LogPosition
from streams.judging.recovered_state import RecoveredState
from streams.judging.side_inputs.base import SideInput
from streams.log.partials import Partial
from streams.log.retractions import are_retractions, decode_retractions, encode_retractions
from streams.windows.pane import sums_of
from streams.windows.window import AuthorSample
from streams.windows.window_store import WindowSpan, WindowStore

AHEAD_MS = 120_000
"""Greatest lead of a retraction before its tweet, by log time, at which it is kept as long as the tweet counts."""


class RetractionIndex(SideInput):
    """All retractions that a window can still need."""

    def __init__(self, tags: Tags) -> None:
        super().__init__()
        self._tags = tags
        self._settled_pane = -1
        self._panes: dict[int, list[RetractionRows]] = {}
        """Rows by the pane that they reduce: a set (see `_rows_of`), and the rows that were added since."""
        self._runs: list[RetractionRows] = []
        """All rows sorted by tweet, in a few runs of growing length: so a new one costs little more than itself."""
        self._waiting: list[RetractionRows] = []
        """Rows that count from a tick that has not settled."""

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
        is_recovered = np.zeros(len(old), bool)
        for run in self._runs:
            at, of = equal_pairs(run.tweets, old.tweets)
            is_recovered[at[(run.keys[of] == old.keys[at]) & (run.received[of] >= old.received[at])]] = True
        new = old.take(~is_recovered)
        self.counts["retractions_late"] += len(new)
        return join_retractions([rows.take(~late), replace(new, received=np.full(len(new), self._settled_pane + 1))])

    def settle(self, pane: int, store: WindowStore) -> Iterator[bytes]:
        """Encode the retractions due at the end of a pane, and count those that match no tweet."""
        self._settled_pane = pane
        waiting = join_retractions(self._waiting)
        due = waiting.received <= pane
        rows, self._waiting = waiting.take(due), [waiting.take(~due)]
        unmatched = count_unmatched(rows, store)
        self.counts["retractions_unmatched"] += unmatched
        self.counts["retracted_uses"] += int((rows.panes != NO_PANE).sum()) - unmatched
        return encode_retractions(rows, self._tags)

    @property
    def last_pending_pane(self) -> int:
        """The last pane whose tick has retractions to publish; -1 without any."""
        return int(join_retractions(self._waiting).received.max(initial=-1))

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
        since = (kept_from_ms - AHEAD_MS) // PANE_MS
        runs = [run if run.received.min() >= since else run.take(run.received >= since) for run in self._runs]
        self._runs = [run for run in runs if len(run)]

    def tag_numbers(self) -> set[int]:
        """Return the numbers of all hashtags that a retraction names."""
        numbers = [rows.keys >> COUNTRY_BITS for rows in chain(self._runs, *self._panes.values())]
        return {number for some in numbers for number in some[some != EVERY_TAG].tolist()}

    def _add(self, rows: RetractionRows) -> None:
        self._runs.append(_by_tweet(rows))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            self._runs[-2:] = [_by_tweet(join_retractions(self._runs[-2:]))]
        for pane in np.unique(rows.panes).tolist():
            if pane != NO_PANE:
                self._panes.setdefault(pane, [NO_RETRACTIONS]).append(rows.take(rows.panes == pane))

    def _rows_of(self, pane: int) -> RetractionRows:
        """Return the tweets that leave a pane, by key and tweet; of equal rows the first received."""
        parts = self._panes[pane]
        if len(parts) > 1:
            rows = join_retractions(parts)
            rows = rows.take(np.lexsort((rows.received, rows.tweets, rows.keys)))
            first = np.ones(len(rows), bool)
            first[1:] = (np.diff(rows.keys) != 0) | (np.diff(rows.tweets) != 0)
            parts[:] = [rows.take(first)]
        return parts[0]

    # ---- windows ----

    def count_removed(self, keys: Ints, start_ms: int, end_ms: int) -> Ints:
        """Return (m,) how many tweets leave the count of each key; the world's count loses those of all countries."""
        first, end = start_ms // PANE_MS, end_ms // PANE_MS
        removed = np.zeros(len(keys), np.int64)
        for pane in self._panes:
            if first <= pane < end:
                rows = self._rows_of(pane)
                removed += sums_of(rows.keys, (rows.received < end).astype(np.int64), keys)
        return removed

    def filter(self, sample: AuthorSample, keys: Ints, span: WindowSpan) -> AuthorSample:
        """Return the sample without the tweets that are retracted within the span."""
        since, end = (span.start_ms - AHEAD_MS) // PANE_MS, span.end_ms // PANE_MS
        removed = np.zeros(len(sample.tweet), bool)
        for run in self._runs:
            at, of = equal_pairs(run.tweets, sample.tweet)
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
    panes = {pane.start_ms // PANE_MS: pane.keys for pane in store.short_panes}
    recent = (rows.panes >= (store.end_ms - SHORT_WINDOW_MS) // PANE_MS) & (rows.panes < store.end_ms // PANE_MS)
    unmatched = 0
    for number in np.unique(rows.panes[recent]).tolist():
        keys, counted = rows.keys[rows.panes == number], np.append(panes.get(number, NO_RETRACTIONS.keys), -1)
        unmatched += int((counted[np.searchsorted(counted[:-1], keys)] != keys).sum())
    return unmatched


def _by_tweet(rows: RetractionRows) -> RetractionRows:
    return rows.take(np.argsort(rows.tweets, kind="stable"))
