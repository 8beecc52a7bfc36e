"""The panes of the long windows: minutes, and older than an hour, quarters of an hour.

A day of minutes would be 1,440 panes to keep and to search. So where a window is longer than an hour, what is older
than an hour is merged by the quarter. The window still takes in every minute as it comes; its far end moves by the
quarter, so that it holds its length and up to a quarter of an hour more.

Samples are thinned without loss. Every window that holds a pane holds all later ones, too. So where k smaller authors
of the tag lie in later panes, an author is in no window's sample, and the entry may go. Of n authors of a tag about
k (1 + ln(n / k)) stay, however long the window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import MINUTE_MS, Ints
from streams.counting.sketch import K, KeyedHash, UInts, smallest_rows
from streams.windows.pane import Pane, merge_panes
from streams.windows.tail_trimmer import Tail

QUARTER_MS = 15 * MINUTE_MS
FINE_MS = 60 * MINUTE_MS
"""How far back panes are minutes."""
Mask = npt.NDArray[np.bool_]


def begins_ms(end_ms: int, window_ms: int) -> int:
    """Where a long window that ends with a whole minute begins.

    >>> [begins_ms(100 * MINUTE_MS, minutes * MINUTE_MS) // MINUTE_MS for minutes in (20, 60, 61, 90)]
    [80, 40, 30, 0]
    """
    begin_ms = end_ms - window_ms
    return begin_ms if window_ms <= FINE_MS else begin_ms // QUARTER_MS * QUARTER_MS


class Ladder:
    """Panes in their order, each after the one before.

    Args:
        columns: score columns of a text.
        tail: cuts quarters; None: they keep all.
    """

    def __init__(self, hashes: KeyedHash, columns: int, tail: Tail | None = None) -> None:
        self.panes: deque[Pane] = deque()
        self._hashes = hashes
        self._columns = columns
        self._tail = tail

    def read_back(self, panes: Iterable[Pane], end_ms: int) -> None:
        """Take minutes and quarters as they were written, ascending; minutes whose quarter was not are merged."""
        known = list(panes)
        quarters = [one for one in known if one.length_ms == QUARTER_MS and one.end_ms <= end_ms - FINE_MS]
        have = {one.start_ms for one in quarters}
        minutes = [one for one in known if one.length_ms == MINUTE_MS and _quarter(one) not in have]
        self.panes = deque(sorted((*quarters, *minutes), key=lambda one: one.start_ms))
        while self.age(end_ms):
            pass
        if any(one.length_ms == QUARTER_MS for one in self.panes):  # where an hour is all, nothing was thinned before
            self.thin()

    def age(self, end_ms: int) -> Pane | None:
        """Merge the oldest minutes that have become older than an hour, a quarter's; None if there are none."""
        minute = next((one for one in self.panes if one.length_ms == MINUTE_MS), None)
        if minute is None or _quarter(minute) + QUARTER_MS > end_ms - FINE_MS:
            return None
        start_ms = _quarter(minute)
        older = list(takewhile(lambda one: one.length_ms == QUARTER_MS, self.panes))
        parts = [one for one in self.panes if one.length_ms == MINUTE_MS and _quarter(one) == start_ms]
        rest = list(self.panes)[len(older) + len(parts) :]
        quarter = merge_panes(parts, start_ms, self._columns, self._hashes, length_ms=QUARTER_MS)
        if self._tail is not None:
            quarter = self._tail.cut_pane(quarter)
        self.panes = deque((*older, quarter, *rest))
        return quarter

    def thin(self) -> None:
        """Let go of entries that no window can sample any more."""
        self.panes = deque(thinned(self.panes, self._hashes))

    def drop_before(self, begin_ms: int) -> None:
        """Let go of panes that end by then."""
        while self.panes and self.panes[0].end_ms <= begin_ms:
            self.panes.popleft()


def _quarter(minute: Pane) -> int:
    return minute.start_ms // QUARTER_MS * QUARTER_MS


@dataclass(frozen=True, slots=True, eq=False)
class _Union:
    """The samples of some panes together: entries (n,) by (key, author), at most k a key."""

    key: Ints
    author: UInts
    order: UInts

    def passed_over(self, key: Ints, author: UInts, k: int) -> Mask:
        """Which entries (n,) of earlier panes have k smaller authors here."""
        starts = np.flatnonzero(np.diff(self.key, prepend=-1))
        full = starts[np.diff(np.append(starts, len(self.key))) >= k]
        if not len(full):
            return np.zeros(len(key), bool)
        at = np.minimum(np.searchsorted(self.key[full], key), len(full) - 1)
        passed: Mask = (self.key[full][at] == key) & (author > self.author[full + k - 1][at])
        return passed


def thinned(panes: Sequence[Pane], hashes: KeyedHash, k: int = K) -> list[Pane]:
    """The same panes, ascending, without entries that no window over them and all that is later can sample.

    Each is held against the union of the later ones in steps that double: what a single pass would let go, or little
    less, at twice the cost of uniting all.
    """
    kept: list[Pane] = []
    later = _Union(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64))
    waiting: list[Pane] = []
    for pane in reversed(panes):
        key = np.repeat(pane.keys, np.diff(pane.bounds))
        stays = ~later.passed_over(key, pane.author, k)
        kept.append(pane if stays.all() else pane.with_entries(stays))
        waiting.append(kept[-1])
        if 2 * len(waiting) > len(kept):
            later, waiting = _united(later, waiting, hashes, k), []
    return kept[::-1]


def _united(later: _Union, panes: Sequence[Pane], hashes: KeyedHash, k: int) -> _Union:
    key = np.concatenate([later.key, *(np.repeat(pane.keys, np.diff(pane.bounds)) for pane in panes)])
    author = np.concatenate([later.author, *(pane.author for pane in panes)])
    order = np.concatenate([later.order, *(hashes.orders(pane.tweet) for pane in panes)])
    _, group = np.unique(key, return_inverse=True)
    kept = smallest_rows(group.astype(np.int64), author, order, k)
    return _Union(key[kept], author[kept], order[kept])
