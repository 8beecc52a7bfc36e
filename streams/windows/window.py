"""A sliding window over settled panes: running counts, and the merged author samples of some keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Ints
from streams.counting.sketch import K, KeyedHash, UInts
from streams.windows.kernels.sample_authors import estimate_authors
from streams.windows.kernels.sample_draw import Int32s
from streams.windows.kernels.sample_gather import UInt8s, UInt32s, copy_columns, order_by_pane
from streams.windows.key_counter import KeyCounter
from streams.windows.open_pane import PaneSum
from streams.windows.pane import Floats, Pane
from streams.windows.rollups import begins_ms
from streams.windows.sample_index import EMPTY_INDEX, SampleIndex, draw, index_of, merge_indexes

_BLOCK = 80_000
"""Entries of a sample whose columns are gathered together: 4 MB."""
_RECENT = 6
"""Panes from which `tidy` merges the newest entries into the index."""


@dataclass(frozen=True, slots=True, eq=False)
class AuthorSample:
    """Author samples of some keys: rows sorted by (group, author), at most k a group.

    `group` (n,) is the index of the row's key among the asked ones; the other columns are those of `Pane`.
    """

    group: Ints
    author: UInts
    tweet: Ints
    origin: Ints
    age_days: Int32s
    flags: UInt8s
    copy: UInt32s
    scores: Floats

    def authors(self, groups: int, k: int = K) -> Ints:
        """Return (groups,) distinct authors, exact below k, else estimated (see `sketch`)."""
        found: Ints = estimate_authors(self.group, self.author, groups, k)
        return found

    @staticmethod
    def empty(group: Ints, columns: int) -> AuthorSample:
        """Return rows (n,) of these groups with undefined content."""
        n = len(group)
        return AuthorSample(
            group, np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int32),
            np.empty(n, np.uint8), np.empty(n, np.uint32), np.empty((n, columns), np.float32),
        )  # fmt: skip

    def take(self, kept: npt.NDArray[np.bool_]) -> AuthorSample:
        """Select rows by a mask."""
        return AuthorSample(*(getattr(self, column)[kept] for column in self.__slots__))


class SlidingWindow:
    """The last `window_ms` of settled panes, one for every `step_ms`."""

    def __init__(self, window_ms: int, step_ms: int, hashes: KeyedHash) -> None:
        assert window_ms % step_ms == 0, (window_ms, step_ms)
        self.window_ms = window_ms
        self.step_ms = step_ms
        self.panes: deque[Pane] = deque()
        self.counts = KeyCounter()
        self.floor = 1 << 62
        self._hashes = hashes
        self._oldest = 0
        """Number of the first pane; panes are numbered in their order."""
        self._index = EMPTY_INDEX
        """Entries of the older panes, and of some expired ones, which are skipped."""
        self._recent = EMPTY_INDEX
        """Entries of the newest panes: merging these into the index at every pane would move all entries each time."""
        self._n_recent = 0
        """Number of the newest panes."""

    def busy(self) -> Ints:
        """Return the keys with at least `floor` tweets, ascending."""
        return self.counts.at_least(self.floor)

    @property
    def may_miss(self) -> int:
        """Upper bound on the tweets of one tag that panes lost to tail trimming."""
        return sum(pane.trimmed.most for pane in self.panes)

    @property
    def _next(self) -> int:
        """Number of the next pane."""
        return self._oldest + len(self.panes)

    def push(self, pane: Pane) -> None:
        """Add a pane after the newest one."""
        if len(pane.keys):
            newest = self._numbered(pane, self._next)
            self._recent = self._recent.merged(newest, self._oldest)
            self._n_recent += 1
            self.panes.append(pane)
            self.counts.add(pane.keys, pane.counts)
            self.tidy(2 * _RECENT)

    def tidy(self, panes: int = _RECENT) -> None:
        """Merge the newest panes into the index if there are so many; no sample changes."""
        if self._n_recent >= panes:
            self._settle_index(self._index.merged(self._recent, self._oldest))

    def reset_to(self, panes: Iterable[Pane]) -> None:
        """Replace the panes by others, ascending, and count the difference."""
        before, self.panes = list(self.panes), deque(pane for pane in panes if len(pane.keys))
        for sign, some, others in ((-1, before, self.panes), (1, self.panes, before)):
            spans = {(one.start_ms, one.length_ms) for one in others}
            for pane in some:
                if (pane.start_ms, pane.length_ms) not in spans:
                    self.counts.add(pane.keys, sign * pane.counts)
        self._oldest = 0
        self._settle_index(merge_indexes([self._numbered(pane, number) for number, pane in enumerate(self.panes)]))

    def _settle_index(self, index: SampleIndex) -> None:
        """Replace the index by one that has the newest panes too."""
        self._index, self._recent, self._n_recent = index, EMPTY_INDEX, 0

    def _numbered(self, pane: Pane, number: int) -> SampleIndex:
        return index_of(number, pane.keys, pane.bounds, pane.author, self._hashes.orders(pane.tweet))

    def expire(self, end_ms: int) -> None:
        """Drop the panes before [end_ms - window_ms, end_ms); see `begins_ms` for windows over an hour."""
        begin_ms = begins_ms(end_ms, self.window_ms)
        while self.panes and self.panes[0].start_ms < begin_ms:
            self._oldest += 1
            pane = self.panes.popleft()
            self.counts.add(pane.keys, -pane.counts)
        if not self.panes:
            self._settle_index(EMPTY_INDEX)

    def sample(
        self, asked: Ints, extra: Sequence[Pane] = (), expired: int = 0, until_ms: int | None = None
    ) -> AuthorSample:
        """Return the samples of some keys over the window and over open panes.

        Args:
            asked: (m,) keys, the groups of the result.
            extra: panes that have not settled.
            expired: number of the window's oldest panes to leave out.
            until_ms: leave out the window's panes that end later; None: leave out none.
        """
        panes = [*self.panes, *extra]
        if not panes:
            return AuthorSample.empty(np.zeros(0, np.int64), 1)
        group, author, pane, row = self._drawn(
            asked,
            [self._numbered(one, self._next + at) for at, one in enumerate(extra)],
            expired,
            None if until_ms is None else self._oldest + sum(one.end_ms <= until_ms for one in self.panes),
        )
        return _gathered(group, author, pane - self._oldest, row, panes)

    def narrowed(self, asked: Ints, sums: Sequence[PaneSum], expired: int = 0) -> list[PaneSum]:
        """Return the sums of open panes with the entries alone that the samples of some keys take; see `sample`."""
        later = [index_of(self._next + at, *one.sketches) for at, one in enumerate(sums)]
        _, _, pane, row = self._drawn(asked, later, expired)
        return [one.only(np.unique(row[pane == self._next + at])) for at, one in enumerate(sums)]

    def _drawn(
        self, asked: Ints, later: Sequence[SampleIndex], expired: int, end: int | None = None
    ) -> tuple[Ints, UInts, Int32s, Int32s]:
        newer = merge_indexes([self._recent, *later])
        return draw(asked, self._index, newer, self._oldest + expired, end)

    def displays(self, key: int) -> list[str]:
        """Return the spellings of a key, one for each pane and country that has it."""
        return [display for pane in self.panes for display in pane.displays_of(key)]


def _gathered(group: Ints, author: UInts, pane: Int32s, row: Int32s, panes: Sequence[Pane]) -> AuthorSample:
    """Gather entries (n,) by pane and row; a block at a time, whose columns stay in the processor's cache."""
    found = replace(AuthorSample.empty(group, panes[0].scores.shape[1]), author=author)
    for begin in range(0, len(group), _BLOCK):
        at, bounds = order_by_pane(pane[begin : begin + _BLOCK], len(panes))
        at += np.int32(begin)
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            one = panes[number]
            copy_columns(
                at[bounds[number] : bounds[number + 1]], row,
                one.tweet, one.origin, one.age_days, one.flags, one.copy, one.scores,
                found.tweet, found.origin, found.age_days, found.flags, found.copy, found.scores,
            )  # fmt: skip
    return found
