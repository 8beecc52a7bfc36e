"""The panes of the long windows: one minute each, and 15 minutes each beyond an hour.

A day of minutes would be 1,440 panes to keep and to search. So in windows of more than an hour, panes older than an
hour are merged by the quarter of an hour. The window still adds every minute; its far end moves by the quarter, so it
covers its length and up to a quarter more.

Samples are thinned without loss. A window that has a pane has all later ones too. So an author with k smaller authors
of the tag in later panes, `LEAST` of them of the same stratum, is in no window's sample, and the entry is dropped. Of n
authors of a tag about k (1 + ln(n / k)) remain, no matter how long the window is, and as many of each stratum with
`LEAST` in place of k.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.constants import MINUTE_MS, QUARTER_MS
from streams.counting.block_counts import Ints
from streams.counting.sketch import K, KeyedHash, Strata, UInts, smallest_rows
from streams.counting.strata import LEAST, STRATA, strata_of
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
        trimmer: bounds the tags of a 15-minute pane.
    """

    def __init__(self, hashes: KeyedHash, trimmer: TailTrimmer) -> None:
        self.panes: deque[Pane] = deque()
        self._hashes = hashes
        self._trimmer = trimmer

    def recover(self, panes: Iterable[Pane], end_ms: int) -> None:
        """Recover minutes and quarters up to a whole minute, ascending, without the minutes of a recovered quarter."""
        recovered = list(panes)
        quarters = [pane for pane in recovered if pane.length_ms == QUARTER_MS and pane.end_ms <= end_ms - FINE_MS]
        merged = {quarter.start_ms for quarter in quarters}
        minutes = [pane for pane in recovered if pane.length_ms == MINUTE_MS and _quarter(pane) not in merged]
        self._arrange([*quarters, *minutes], thin=bool(quarters))  # without any, nothing was thinned before

    def merge_oldest(self, end_ms: int) -> Pane | None:
        """Merge the minutes of the oldest quarter that is older than an hour; return None if there is none.

        Then drop entries that no window can sample any more.
        """
        start_ms = next((_quarter(pane) for pane in self.panes if pane.length_ms == MINUTE_MS), end_ms)
        if start_ms + QUARTER_MS > end_ms - FINE_MS:
            return None
        parts = [pane for pane in self.panes if pane.length_ms == MINUTE_MS and _quarter(pane) == start_ms]
        quarter = self._trimmer.cut_pane(merge_panes(parts, start_ms, self._hashes, length_ms=QUARTER_MS))
        self._arrange([quarter, *(pane for pane in self.panes if pane not in parts)], thin=True)
        return quarter

    def _arrange(self, panes: Sequence[Pane], *, thin: bool) -> None:
        ordered = sorted(panes, key=lambda pane: pane.start_ms)
        self.panes = deque(thinned(ordered, self._hashes) if thin else ordered)

    def drop_before(self, begin_ms: int) -> None:
        """Drop the panes that end at `begin_ms` or earlier."""
        while self.panes and self.panes[0].end_ms <= begin_ms:
            self.panes.popleft()


def _quarter(minute: Pane) -> int:
    return minute.start_ms // QUARTER_MS * QUARTER_MS


def thinned(panes: Sequence[Pane], hashes: KeyedHash, k: int = K, least: int = LEAST) -> list[Pane]:
    """Return the same panes, ascending, without entries that no window over them and all later panes can sample.

    Each pane is compared with the merged later ones, which grow in steps that double. That drops nearly as much as a
    comparison with all later panes, at twice the cost of merging all panes once.
    """
    kept: list[Pane] = []
    later = _Sample(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint8))
    waiting: list[Pane] = []
    for pane in reversed(panes):
        entries = _Sample.of(pane, hashes)
        stays = ~_superseded(entries.key, entries.author, later.key, later.author, k)
        stays |= ~_superseded(entries.code, entries.author, later.code, later.author, least)
        kept.append(pane if stays.all() else pane.with_entries(stays))
        waiting.append(kept[-1])
        if 2 * len(waiting) > len(kept):
            later, waiting = _united([later, *(_Sample.of(pane, hashes) for pane in waiting)], k, least), []
    return kept[::-1]


class _Sample(NamedTuple):
    """Entries (n,) of many keys."""

    key: Ints
    author: UInts
    order: UInts
    stratum: Strata

    @classmethod
    def of(cls, pane: Pane, hashes: KeyedHash) -> _Sample:
        """Return the entries of a pane."""
        key = np.repeat(pane.keys, np.diff(pane.bounds))
        return cls(key, pane.author, hashes.orders(pane.tweet), strata_of(pane.flags))

    @property
    def code(self) -> Ints:
        """(n,) a number of the key and the stratum together."""
        return self.key * STRATA + self.stratum


def _superseded(code: Ints, author: UInts, later_code: Ints, later_author: UInts, n: int) -> Mask:
    """Return (e,) whether entries have n smaller authors of their code among later ones."""
    ascending = np.lexsort((later_author, later_code))
    later_code, later_author = later_code[ascending], later_author[ascending]
    is_new = (np.diff(later_code, prepend=-1) != 0) | (np.diff(later_author, prepend=0) != 0)
    later_code, later_author = later_code[is_new], later_author[is_new]
    starts = np.flatnonzero(np.diff(later_code, prepend=-1))
    full = starts[np.diff(np.append(starts, len(later_code))) >= n]
    if not len(full):
        return np.zeros(len(code), bool)
    at = np.minimum(np.searchsorted(later_code[full], code), len(full) - 1)
    passed: Mask = (later_code[full][at] == code) & (author > later_author[full + n - 1][at])
    return passed


def _united(samples: Sequence[_Sample], k: int, least: int) -> _Sample:
    """Unite samples; see `smallest_rows`."""
    key, author, order, stratum = (np.concatenate(columns) for columns in zip(*samples, strict=True))
    _, group = np.unique(key, return_inverse=True)
    kept = smallest_rows(group.astype(np.int64), author, order, stratum, k, least)
    return _Sample(key[kept], author[kept], order[kept], stratum[kept])
