"""A sliding window over settled panes: running counts, and the union of sketches for the tags that ask for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.sketch import SPACE, K, KeyedHash, UInts
from streams.windows.key_counter import Tally
from streams.windows.open_pane import Sum
from streams.windows.pane import Floats, Pane
from streams.windows.rollups import begins_ms
from streams.windows.sample_index import NOTHING, Int32s, Union, smallest, together, union_of

UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The author samples of some keys: rows sorted by (group, author), at most k a group.

    `group` (n,) says which of the asked keys a row belongs to; the other columns are those of `Pane`.
    """

    group: Ints
    author: UInts
    tweet: Ints
    age_days: Int32s
    flags: UInt8s
    copy: UInt32s
    scores: Floats

    def authors(self, groups: int, k: int = K) -> Ints:
        """(groups,) distinct authors, exact below k, else estimated (see `sketch`)."""
        sizes = np.bincount(self.group, minlength=groups).astype(np.int64)
        if not len(self.group):
            return sizes
        last = np.cumsum(sizes) - 1
        kth = self.author[np.maximum(last, 0)].astype(np.float64)
        estimated = np.rint((k - 1) * float(SPACE) / np.maximum(kth, 1.0))
        return np.where(sizes < k, sizes, np.minimum(estimated, 2.0**62).astype(np.int64))

    @staticmethod
    def empty(group: Ints, columns: int) -> Sample:
        """Room for rows (n,) of these groups, with any content."""
        n = len(group)
        return Sample(
            group, np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.uint8),
            np.empty(n, np.uint32), np.empty((n, columns), np.float32),
        )  # fmt: skip

    def take(self, kept: npt.NDArray[np.bool_]) -> Sample:
        """Some of the rows."""
        return Sample(
            self.group[kept],
            self.author[kept],
            self.tweet[kept],
            self.age_days[kept],
            self.flags[kept],
            self.copy[kept],
            self.scores[kept],
        )


class SlidingWindow:
    """The last `window_ms` of settled panes, a new one every `step_ms`."""

    def __init__(self, window_ms: int, step_ms: int, hashes: KeyedHash) -> None:
        assert window_ms % step_ms == 0, (window_ms, step_ms)
        self.window_ms = window_ms
        self.step_ms = step_ms
        self.panes: deque[Pane] = deque()
        self.counts = Tally()
        self.floor = 1 << 62
        self._hashes = hashes
        self._oldest = 0
        """The number of the first pane; they are numbered as they came."""
        self._union = NOTHING
        """Of the panes, and of some that have gone: those are passed over."""

    def busy(self) -> Ints:
        """The keys with at least `floor` tweets, ascending."""
        return self.counts.at_least(self.floor)

    @property
    def may_miss(self) -> int:
        """So many tweets more than are counted a tag may have: its panes gave up their tail."""
        return sum(pane.given_up.most for pane in self.panes)

    @property
    def _next(self) -> int:
        """The number of the next pane."""
        return self._oldest + len(self.panes)

    def push(self, pane: Pane) -> None:
        """Add the newest pane."""
        if len(pane.keys):
            newest = self._numbered(pane, self._next)
            self._union = self._union.merged(newest, self._oldest)
            self.panes.append(pane)
            self.counts.add(pane.keys, pane.counts)

    def hold(self, panes: Iterable[Pane]) -> None:
        """Hold these panes instead, ascending."""
        before, self.panes = list(self.panes), deque(pane for pane in panes if len(pane.keys))
        for sign, some, others in ((-1, before, self.panes), (1, self.panes, before)):
            spans = {(one.start_ms, one.length_ms) for one in others}
            for pane in some:
                if (pane.start_ms, pane.length_ms) not in spans:
                    self.counts.add(pane.keys, sign * pane.counts)
        self._oldest = 0
        self._union = together([self._numbered(pane, number) for number, pane in enumerate(self.panes)])

    def _numbered(self, pane: Pane, number: int) -> Union:
        return union_of(number, pane.keys, pane.bounds, pane.author, self._hashes.orders(pane.tweet))

    def expire(self, end_ms: int) -> None:
        """Drop the panes that do not lie in [end_ms - window_ms, end_ms); see `begins_ms` for windows over an hour."""
        begin_ms = begins_ms(end_ms, self.window_ms)
        while self.panes and self.panes[0].start_ms < begin_ms:
            self._oldest += 1
            pane = self.panes.popleft()
            self.counts.add(pane.keys, -pane.counts)
        if not self.panes:
            self._union = NOTHING

    def sample(self, asked: Ints, extra: Sequence[Pane] = (), passed: int = 0) -> Sample:
        """The samples of some keys over the window, and over `extra` panes that have not settled.

        Args:
            passed: so many of the window's panes, the oldest, are left out.
        """
        panes = [*self.panes, *extra]
        if not panes:
            return Sample.empty(np.zeros(0, np.int64), 1)
        found, pane, row = self._drawn(
            asked, [self._numbered(one, self._next + at) for at, one in enumerate(extra)], passed
        )
        return _gathered(np.repeat(np.arange(len(asked)), found), pane - self._oldest, row, panes)

    def narrowed(self, asked: Ints, sums: Sequence[Sum], passed: int = 0) -> list[Sum]:
        """What panes that have not settled add up to, with those entries only that the samples of some keys take; see
        `sample`."""
        later = [union_of(self._next + at, *one.sketches) for at, one in enumerate(sums)]
        _, pane, row = self._drawn(asked, later, passed)
        return [one.only(np.unique(row[pane == self._next + at])) for at, one in enumerate(sums)]

    def _drawn(self, asked: Ints, later: Sequence[Union], passed: int) -> tuple[Ints, Int32s, Int32s]:
        return smallest(asked, self._union, together(later), self._oldest + passed)

    def displays(self, key: int) -> list[str]:
        """The spellings of a key, one for each pane and country that has it."""
        return [display for pane in self.panes for display in pane.displays_of(key)]


def _gathered(group: Ints, pane: Int32s, row: Int32s, panes: Sequence[Pane]) -> Sample:
    """The entries (n,) that are these rows of these panes: pane by pane, for what lies together is read together."""
    at, bounds = _by_pane(pane, len(panes))
    found = Sample.empty(group, panes[0].scores.shape[1])
    for number in np.flatnonzero(np.diff(bounds)).tolist():
        one = panes[number]
        _copy(
            at[bounds[number] : bounds[number + 1]], row,
            one.author, one.tweet, one.age_days, one.flags, one.copy, one.scores,
            found.author, found.tweet, found.age_days, found.flags, found.copy, found.scores,
        )  # fmt: skip
    return found


@compiled
def _by_pane(pane: Int32s, panes: int) -> tuple[Int32s, Ints]:
    """Entries (n,) by their panes: (n,) which, and pane p has [bounds[p], bounds[p + 1]) of them."""
    bounds = np.zeros(panes + 1, np.int64)
    for p in pane:
        if not 0 <= p < panes:  # compiled code would write anywhere
            raise IndexError("an entry of a pane that is not held")
        bounds[p + 1] += 1
    for p in range(panes):
        bounds[p + 1] += bounds[p]
    following = bounds[:-1].copy()
    at = np.empty(len(pane), np.int32)
    for entry in range(len(pane)):
        p = pane[entry]
        at[following[p]] = entry
        following[p] += 1
    return at, bounds


@compiled
def _copy(
    at: Int32s, row: Int32s,
    author: UInts, tweet: Ints, age_days: Int32s, flags: UInt8s, copy: UInt32s, scores: Floats,
    to_author: UInts, to_tweet: Ints, to_age_days: Int32s, to_flags: UInt8s, to_copy: UInt32s, to_scores: Floats,
) -> None:  # fmt: skip
    """Of the places `at` in a sample: each takes its row of a pane, all columns at once."""
    for to in at:
        of = row[to]
        if not 0 <= of < len(author):
            raise IndexError("a row that its pane does not have")
        to_author[to], to_tweet[to], to_age_days[to] = author[of], tweet[of], age_days[of]
        to_flags[to], to_copy[to] = flags[of], copy[of]
        for column in range(scores.shape[1]):
            to_scores[to, column] = scores[of, column]
