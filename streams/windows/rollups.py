"""The panes of the long windows: one minute each, and 15 minutes each beyond an hour.

A day of minutes would be 1,440 panes to keep and to search. So in windows of more than an hour, panes older than an
hour are merged by the quarter of an hour. The window still adds every minute; its far end moves by the quarter, so it
covers its length and up to a quarter more.

Samples are thinned without loss. A window that has a pane has all later ones too. So an author with k smaller authors
of the tag in later panes is in no window's sample, and the entry is dropped. Of n authors of a tag about
k (1 + ln(n / k)) remain, no matter how long the window is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import numpy.typing as npt

from streams.constants import MINUTE_MS, QUARTER_MS
from streams.counting.block_counts import Ints
from streams.counting.sketch import K, KeyedHash, UInts, smallest_rows
from streams.windows.pane import Pane, merge_panes
from streams.windows.tail_trimmer import TailTrimmer

FINE_MS = 60 * MINUTE_MS
"""Age up to which panes are minutes."""
Mask = npt.NDArray[np.bool_]


def begins_ms(end_ms: int, window_ms: int) -> int:
    """Return the start of a long window that ends with a whole minute.

    >>> [begins_ms(100 * MINUTE_MS, minutes * MINUTE_MS) // MINUTE_MS for minutes in (20, 60, 61, 90)]
    [80, 40, 30, 0]
    """
    begin_ms = end_ms - window_ms
    return begin_ms if window_ms <= FINE_MS else begin_ms // QUARTER_MS * QUARTER_MS


class PaneRollups:
    """Minute and 15-minute panes in their order.

    Args:
        columns: score columns of a text.
        trimmer: bounds the tags of a 15-minute pane; None keeps all of them.
    """

    def __init__(self, hashes: KeyedHash, columns: int, trimmer: TailTrimmer | None = None) -> None:
        self.panes: deque[Pane] = deque()
        self._hashes = hashes
        self._columns = columns
        self._trimmer = trimmer

    def recover(self, panes: Iterable[Pane], end_ms: int) -> None:
        """Recover minutes and quarters up to a whole minute, ascending, without the minutes of a recovered quarter."""
        known = list(panes)
        quarters = [one for one in known if one.length_ms == QUARTER_MS and one.end_ms <= end_ms - FINE_MS]
        merged = {one.start_ms for one in quarters}
        minutes = [one for one in known if one.length_ms == MINUTE_MS and _quarter(one) not in merged]
        self.panes = deque(sorted((*quarters, *minutes), key=lambda one: one.start_ms))
        if quarters:  # without any, nothing was thinned before
            self.thin()

    def merge_oldest(self, end_ms: int) -> Pane | None:
        """Merge the minutes of the oldest quarter that is older than an hour; return None if there is none."""
        minute = next((one for one in self.panes if one.length_ms == MINUTE_MS), None)
        if minute is None or _quarter(minute) + QUARTER_MS > end_ms - FINE_MS:
            return None
        start_ms = _quarter(minute)
        older = list(takewhile(lambda one: one.length_ms == QUARTER_MS, self.panes))
        parts = [one for one in self.panes if one.length_ms == MINUTE_MS and _quarter(one) == start_ms]
        rest = list(self.panes)[len(older) + len(parts) :]
        quarter = merge_panes(parts, start_ms, self._columns, self._hashes, length_ms=QUARTER_MS)
        if self._trimmer is not None:
            quarter = self._trimmer.cut_pane(quarter)
        self.panes = deque((*older, quarter, *rest))
        return quarter

    def thin(self) -> None:
        """Drop entries that no window can sample any more."""
        self.panes = deque(thinned(self.panes, self._hashes))

    def drop_before(self, begin_ms: int) -> None:
        """Drop the panes that end at `begin_ms` or earlier."""
        while self.panes and self.panes[0].end_ms <= begin_ms:
            self.panes.popleft()


def _quarter(minute: Pane) -> int:
    return minute.start_ms // QUARTER_MS * QUARTER_MS


@dataclass(frozen=True, slots=True, eq=False)
class _LaterEntries:
    """Samples of some panes, merged: entries (n,) by (key, author), at most k a key."""

    key: Ints
    author: UInts
    order: UInts

    def supersede(self, key: Ints, author: UInts, k: int) -> Mask:
        """Return (n,) whether entries of earlier panes have k smaller authors here."""
        starts = np.flatnonzero(np.diff(self.key, prepend=-1))
        full = starts[np.diff(np.append(starts, len(self.key))) >= k]
        if not len(full):
            return np.zeros(len(key), bool)
        at = np.minimum(np.searchsorted(self.key[full], key), len(full) - 1)
        passed: Mask = (self.key[full][at] == key) & (author > self.author[full + k - 1][at])
        return passed


def thinned(panes: Sequence[Pane], hashes: KeyedHash, k: int = K) -> list[Pane]:
    """Return the same panes, ascending, without entries that no window over them and all later panes can sample.

    Each pane is compared with the merged later ones, which grow in steps that double. That drops nearly as much as a
    comparison with all later panes, at twice the cost of merging all panes once.
    """
    kept: list[Pane] = []
    later = _LaterEntries(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64))
    waiting: list[Pane] = []
    for pane in reversed(panes):
        key = np.repeat(pane.keys, np.diff(pane.bounds))
        stays = ~later.supersede(key, pane.author, k)
        kept.append(pane if stays.all() else pane.with_entries(stays))
        waiting.append(kept[-1])
        if 2 * len(waiting) > len(kept):
            later, waiting = _united(later, waiting, hashes, k), []
    return kept[::-1]


def _united(later: _LaterEntries, panes: Sequence[Pane], hashes: KeyedHash, k: int) -> _LaterEntries:
    key = np.concatenate([later.key, *(np.repeat(pane.keys, np.diff(pane.bounds)) for pane in panes)])
    author = np.concatenate([later.author, *(pane.author for pane in panes)])
    order = np.concatenate([later.order, *(hashes.orders(pane.tweet) for pane in panes)])
    _, group = np.unique(key, return_inverse=True)
    kept = smallest_rows(group.astype(np.int64), author, order, k)
    return _LaterEntries(key[kept], author[kept], order[kept])
