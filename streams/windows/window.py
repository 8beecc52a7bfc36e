"""A sliding window over settled panes: running counts, and the merged author samples of some keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.sketch import SPACE, K, KeyedHash, UInts
from streams.counting.strata import strata_of
from streams.windows.key_counter import KeyCounter
from streams.windows.open_pane import PaneSum
from streams.windows.pane import Floats, Pane
from streams.windows.rollups import begins_ms
from streams.windows.sample_index import (
    ALL_PANES,
    EMPTY_INDEX,
    Drawn,
    Int32s,
    SampleIndex,
    draw,
    index_of,
    merge_indexes,
    merged,
)
from streams.windows.shared_texts import earlier_ages, uses_of

_MOST_AUTHORS = 2.0**62
_columns_of = attrgetter("tweet", "origin", "age_days", "flags", "copy", "scores")
"""Columns that a sample gathers from its panes."""
_RECENT = 6
"""Panes from which `tidy` merges the newest entries into the index."""


@dataclass(frozen=True, slots=True, eq=False)
class AuthorSample:
    """Author samples of some keys: rows sorted by (group, author), at most `MOST_ROWS` a group.

    `group` (n,) is the index of the row's key among the asked ones; `weight` and `is_further` are those of `Drawn`, the
    other columns those of `Pane`.
    """

    group: Ints
    author: UInts
    tweet: Ints
    origin: Ints
    age_days: Int32s
    flags: npt.NDArray[np.uint8]
    copy: npt.NDArray[np.uint32]
    scores: Floats
    weight: npt.NDArray[np.float64]
    is_further: npt.NDArray[np.bool_]

    def authors(self, groups: int) -> Ints:
        """Return (groups,) distinct authors, exact below K, else estimated (see `sketch`)."""
        begins = np.searchsorted(self.group, np.arange(groups + 1))
        counts: Ints = np.diff(begins)
        full = np.flatnonzero(counts >= K)
        kth = np.maximum(self.author[begins[full] + K - 1].astype(np.float64), 1.0)
        counts[full] = np.minimum(np.rint((K - 1) * float(SPACE) / kth), _MOST_AUTHORS)
        return counts

    def without_further(self) -> AuthorSample:
        """Return the sample of the smallest authors of all strata; itself where it has no others."""
        return self.take(~self.is_further) if self.is_further.any() else self

    def take(self, kept: npt.NDArray[np.bool_] | Ints) -> AuthorSample:
        """Select rows by a mask, or by number."""
        return AuthorSample(*(getattr(self, column)[kept] for column in self.__slots__))


class SlidingWindow:
    """The last `window_ms` of settled panes."""

    def __init__(self, window_ms: int, hashes: KeyedHash) -> None:
        self.window_ms = window_ms
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
            self._recent = merged(self._recent, newest, self._oldest)
            self._n_recent += 1
            self.panes.append(pane)
            self.counts.add(pane.keys, pane.counts)
            self.tidy(2 * _RECENT)

    def tidy(self, panes: int = _RECENT) -> None:
        """Merge the newest panes into the index if there are so many; no sample changes."""
        if self._n_recent >= panes:
            self._settle_index(merged(self._index, self._recent, self._oldest))

    def reset_to(self, panes: Iterable[Pane]) -> None:
        """Replace the panes by others, ascending, and count the difference."""
        before, self.panes = list(self.panes), deque(pane for pane in panes if len(pane.keys))
        for sign, some, others in ((-1, before, self.panes), (1, self.panes, before)):
            spans = {(other.start_ms, other.length_ms) for other in others}
            for pane in some:
                if (pane.start_ms, pane.length_ms) not in spans:
                    self.counts.add(pane.keys, sign * pane.counts)
        self._oldest = 0
        self._settle_index(merge_indexes([self._numbered(pane, number) for number, pane in enumerate(self.panes)]))

    def _settle_index(self, index: SampleIndex) -> None:
        """Replace the index by one that has the newest panes too."""
        self._index, self._recent, self._n_recent = index, EMPTY_INDEX, 0

    def _numbered(self, pane: Pane, number: int) -> SampleIndex:
        order = self._hashes.orders(pane.tweet)
        return index_of(number, pane.keys, pane.bounds, pane.author, order, strata_of(pane.flags))

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
        later = [self._numbered(open_pane, self._next + at) for at, open_pane in enumerate(extra)]
        end = ALL_PANES if until_ms is None else self._oldest + sum(pane.end_ms <= until_ms for pane in self.panes)
        drawn = self._drawn(asked, later, expired, end)
        return _gathered(drawn._replace(pane=drawn.pane - self._oldest), [*self.panes, *extra])

    def earlier_ages(
        self,
        asked: Ints,
        sample: AuthorSample,
        extra: Sequence[Pane] = (),
        expired: int = 0,
        until_ms: int | None = None,
    ) -> Ints:
        """Return (n,) the greatest age of the other authors who wrote a sampled author's text earlier.

        See `streams.windows.shared_texts.earlier_ages` for the ages, and `sample` for the panes.

        Args:
            asked: (m,) keys, the groups of the sample.
            sample: any rows (n,) of the sample.
            extra: panes that have not settled.
            expired: number of the window's oldest panes to leave out.
            until_ms: leave out the window's panes that end later; None: leave out none.
        """
        settled = [pane for pane in islice(self.panes, expired, None) if until_ms is None or pane.end_ms <= until_ms]
        uses = uses_of(sample.copy, sample.author, sample.age_days)
        return earlier_ages([pane.texts for pane in (*settled, *extra)], asked[sample.group], uses)

    def narrowed(self, asked: Ints, sums: Sequence[PaneSum], expired: int = 0) -> list[PaneSum]:
        """Return the sums of open panes with the entries alone that the samples of some keys take; see `sample`.

        Where an author's tweets are of several strata, a sample of these sums may have one author more.
        """
        later = [
            index_of(self._next + at, pane_sum.keys, pane_sum.bounds, pane_sum.author, pane_sum.order, pane_sum.stratum)
            for at, pane_sum in enumerate(sums)
        ]
        drawn = self._drawn(asked, later, expired)
        rows = (np.unique(drawn.row[drawn.pane == self._next + at]) for at in range(len(sums)))
        return [pane_sum.with_entries(some) for pane_sum, some in zip(sums, rows, strict=True)]

    def _drawn(self, asked: Ints, later: Sequence[SampleIndex], expired: int, end: int = ALL_PANES) -> Drawn:
        older, newer = self._index, merge_indexes([self._recent, *later])
        drawn: Drawn = draw(*older.spans(asked), older, *newer.spans(asked), newer, self._oldest + expired, end)
        return drawn

    def displays(self, key: int) -> list[str]:
        """Return the spellings of a key, one for each pane and country that has it."""
        return [display for pane in self.panes for display in pane.displays_of(key)]


def _gathered(drawn: Drawn, panes: Sequence[Pane]) -> AuthorSample:
    """Gather the columns of sampled entries, whose panes are numbered from 0."""
    group, author, pane, row, weight, is_further = drawn
    n, columns = len(group), panes[0].scores.shape[1] if panes else 1
    sample = AuthorSample(
        group, author, np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.uint8),
        np.empty(n, np.uint32), np.empty((n, columns), np.float32), weight, is_further,
    )  # fmt: skip
    by_pane = np.argsort(pane.astype(np.int16), kind="stable")  # of 16 bits: a radix sort
    bounds = np.searchsorted(pane[by_pane], np.arange(len(panes) + 1)).tolist()
    if bounds[0] != 0 or bounds[-1] != n:
        raise IndexError("an entry of a pane outside the window")
    for source_pane, (first, end) in zip(panes, pairwise(bounds), strict=True):
        if first < end:
            _copy_columns(by_pane[first:end], row, _columns_of(source_pane), _columns_of(sample))
    return sample


@compiled
def _copy_columns(at: Ints, row: Int32s, columns: Any, to_columns: Any) -> None:
    """Copy rows of a pane's columns to the places `at` of a sample's.

    Args:
        at: (a,) numbers in the sample.
        row: (n,) row of each entry of the sample in its pane; those of `at` are read.
        columns: of the pane; see `_columns_of`.
        to_columns: of the sample.

    Raises:
        IndexError: the pane does not have a row, or it has another number of score columns than the sample.
    """
    tweet, origin, age_days, flags, copy, scores = columns
    to_tweet, to_origin, to_age_days, to_flags, to_copy, to_scores = to_columns
    if scores.shape[1] != to_scores.shape[1]:
        raise IndexError("a pane with other score columns than the sample")
    for to in at:
        of = row[to]
        if not 0 <= of < len(tweet):  # compiled code would read anywhere
            raise IndexError("a row that its pane does not have")
        to_tweet[to], to_origin[to], to_age_days[to] = tweet[of], origin[of], age_days[of]
        to_flags[to], to_copy[to] = flags[of], copy[of]
        for column in range(scores.shape[1]):
            to_scores[to, column] = scores[of, column]
