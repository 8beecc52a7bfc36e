"""The retractions of one shard: what they take out of a window's counts, and out of its samples.

A retraction is in force from the tick that ends the pane of its own log time, so all that is asked here is asked for a
window [start, end): what lies in it, and was heard before its end. Rows are kept beside the panes as they came, each
pane's by themselves, and nothing that is kept changes when a window moves: one that asks again, and a successor that
read the rows back, get the same answer. Where there are none, nothing is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, WORLD, Tags, ends_of
from streams.counting.retractions import EVERY_TAG, NO_PANE, NO_ROWS, Ints, Retractions, Rows, rows_of, together
from streams.windows.window import Sample

AHEAD_MS = 120_000
"""How far ahead of its tweet, by log time, a retraction may come and be remembered for as long as the tweet counts."""


class Retracted:
    """All retractions that a window can still need."""

    def __init__(self) -> None:
        self.late = 0
        """Rows that were heard before a tick that had settled when they came: in force from the next one."""
        self._panes: dict[int, _PaneSet] = {}
        self._runs: list[_Run] = []
        self._waiting: list[Rows] = []
        """In force from a tick that has not settled."""

    def __bool__(self) -> bool:
        """Whether there is anything to ask for."""
        return bool(self._runs or self._panes)

    # ---- the log ----

    def take(self, retractions: Retractions, tags: Tags, settled_pane: int) -> list[int]:
        """Rows of the shard's log; returns the panes whose ticks put what is new of them in force."""
        rows = rows_of(retractions, tags)
        late = rows.heard <= settled_pane
        if late.any():
            rows = self._take_late(rows, late, settled_pane)
        if not len(rows):
            return []
        self._add(rows)
        self._waiting.append(rows)
        return list(np.unique(rows.heard).tolist())

    def _take_late(self, rows: Rows, late: npt.NDArray[np.bool_], settled_pane: int) -> Rows:
        """What is read again after a restart is known; what is not counts from the next tick."""
        old = rows.take(late)
        known = np.zeros(len(old), bool)
        for run in self._runs:
            at, of = run.find(old.tweets)
            known[at[(run.keys[of] == old.keys[at]) & (run.heard[of] >= old.heard[at])]] = True
        new = old.take(~known)
        self.late += len(new)
        heard = np.full(len(new), settled_pane + 1)
        return together([rows.take(~late), Rows(new.keys, new.panes, new.tweets, heard)])

    def settle(self, pane: int) -> Rows:
        """The pane has settled: the rows that its tick puts in force."""
        if not self._waiting:
            return NO_ROWS
        rows = together(self._waiting)
        due = rows.heard <= pane
        self._waiting = [] if due.all() else [rows.take(~due)]
        return rows.take(due)

    @property
    def last_heard(self) -> int:
        """The last pane of which a row waits for its tick; -1: none does."""
        return max((int(rows.heard.max()) for rows in self._waiting), default=-1)

    def recover(self, rows: Rows, settled_pane: int) -> None:
        """Rows that a predecessor kept beside the panes; those of ticks that are not settled come again."""
        rows = rows.take(rows.heard <= settled_pane)
        if len(rows):
            self._add(rows)

    def forget(self, from_ms: int) -> None:
        """Drop what no window that begins at `from_ms` or later can need."""
        for pane in [pane for pane in self._panes if pane * PANE_MS < from_ms]:
            del self._panes[pane]
        runs = [run.heard_from((from_ms - AHEAD_MS) // PANE_MS) for run in self._runs]
        self._runs = [run for run in runs if len(run.tweets)]

    def tag_numbers(self) -> set[int]:
        """The numbers of hashtags that rows name."""
        keys = [run.keys for run in self._runs] + [pane.folded().keys for pane in self._panes.values()]
        numbers = [some >> COUNTRY_BITS for some in keys]
        return {number for some in numbers for number in some[some != EVERY_TAG].tolist()}

    def _add(self, rows: Rows) -> None:
        order = np.argsort(rows.tweets, kind="stable")
        self._runs.append(_Run(rows.tweets[order], rows.keys[order], rows.heard[order]))
        while len(self._runs) > 1 and len(self._runs[-2].tweets) < 2 * len(self._runs[-1].tweets):
            last = self._runs.pop()
            self._runs[-1] = self._runs[-1].merged(last)
        for pane in np.unique(rows.panes).tolist():
            if pane != NO_PANE:
                of_pane = rows.take(rows.panes == pane)
                self._panes.setdefault(pane, _PaneSet()).fresh.append(of_pane)

    # ---- windows ----

    def counted(self, keys: Ints, start_ms: int, end_ms: int) -> Ints:
        """(m,) how many tweets leave the count of each key over a window; the world's has those of all countries.

        Args:
            keys: (m,)
        """
        high = ends_of(keys)
        first, end = start_ms // PANE_MS, end_ms // PANE_MS
        found = np.zeros(len(keys), np.int64)
        for pane, rows in self._panes.items():
            if first <= pane < end:
                found += rows.count(keys, high, end)
        return found

    def left(self, sample: Sample, keys: Ints, start_ms: int, end_ms: int) -> Sample:
        """What is left of a sample over a window; itself where nothing is taken out.

        Args:
            keys: (m,) the groups of the sample.
        """
        since, end = (start_ms - AHEAD_MS) // PANE_MS, end_ms // PANE_MS
        gone = np.zeros(len(sample.tweet), bool)
        for run in self._runs:
            at, of = run.find(sample.tweet)
            scope, key, heard = run.keys[of], keys[sample.group[at]], run.heard[of]
            tag, country = scope >> COUNTRY_BITS, scope & COUNTRY_MASK
            everywhere = (country == WORLD) | (country == key & COUNTRY_MASK)
            meant = np.where(tag == EVERY_TAG, everywhere, tag == key >> COUNTRY_BITS)
            gone[at[meant & (since <= heard) & (heard < end)]] = True
        return sample.take(~gone) if gone.any() else sample


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Rows sorted by tweet. Some runs of growing length hold all: a new one costs its own length, nearly."""

    tweets: Ints
    keys: Ints
    heard: Ints

    def find(self, tweets: Ints) -> tuple[Ints, Ints]:
        """Pairs (position in `tweets`, row here) of the same tweet."""
        first = np.searchsorted(self.tweets, tweets)
        size = np.searchsorted(self.tweets, tweets, "right") - first
        at = np.repeat(np.arange(len(tweets)), size)
        return at, np.arange(len(at)) + np.repeat(first - (np.cumsum(size) - size), size)

    def merged(self, other: _Run) -> _Run:
        tweets = np.concatenate((self.tweets, other.tweets))
        order = np.argsort(tweets, kind="stable")
        return _Run(
            tweets[order],
            np.concatenate((self.keys, other.keys))[order],
            np.concatenate((self.heard, other.heard))[order],
        )

    def heard_from(self, pane: int) -> _Run:
        kept = self.heard >= pane
        return self if kept.all() else _Run(self.tweets[kept], self.keys[kept], self.heard[kept])


@dataclass(slots=True)
class _PaneSet:
    """The tweets that leave one pane: of each key a set."""

    fresh: list[Rows] = field(default_factory=list)
    """Not folded yet."""
    rows: Rows = NO_ROWS
    """By key and tweet, each pair once, as it was first heard."""

    def folded(self) -> Rows:
        if self.fresh:
            rows = together([self.rows, *self.fresh])
            rows = rows.take(np.lexsort((rows.heard, rows.tweets, rows.keys)))
            first = np.ones(len(rows), bool)
            first[1:] = (np.diff(rows.keys) != 0) | (np.diff(rows.tweets) != 0)
            self.rows, self.fresh = rows.take(first), []
        return self.rows

    def count(self, low: Ints, high: Ints, end: int) -> Ints:
        """(m,) how many of the keys in [low, high) were heard in panes before `end`."""
        rows = self.folded()
        before = np.concatenate(([0], np.cumsum(rows.heard < end)))
        found: Ints = before[np.searchsorted(rows.keys, high)] - before[np.searchsorted(rows.keys, low)]
        return found
