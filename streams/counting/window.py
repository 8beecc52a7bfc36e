"""A sliding window over settled panes: running counts, and the union of sketches for the tags that ask for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.ladder import begins_ms
from streams.counting.pane import Floats, Pane
from streams.counting.registers import Ints
from streams.counting.sketch import SPACE, K, KeyedHash, UInts
from streams.counting.tally import Tally


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The author samples of some keys: rows sorted by (group, author), at most k a group.

    `group` (n,) says which of the asked keys a row belongs to; the other columns are those of `Pane`.
    """

    group: Ints
    author: UInts
    tweet: Ints
    age_days: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    copy: npt.NDArray[np.uint32]
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
        self._kept: tuple[Ints, Sample] | None = None
        """Samples of some keys over all panes but `_since`, until one goes: looks ask for the same ones again and
        again, and the far end of a long window moves but four times an hour."""
        self._since: list[Pane] = []
        """Panes that came after `_kept`: the sample of both is the sample of all."""

    def busy(self) -> Ints:
        """The keys with at least `floor` tweets, ascending."""
        return self.counts.at_least(self.floor)

    @property
    def may_miss(self) -> int:
        """So many tweets more than are counted a tag may have: its panes gave up their tail."""
        return sum(pane.given_up.most for pane in self.panes)

    def push(self, pane: Pane) -> None:
        """Add the newest pane."""
        if len(pane.keys):
            self._since.append(pane)
            self.panes.append(pane)
            self.counts.add(pane.keys, pane.counts)

    def exchange(self, panes: Iterable[Pane]) -> None:
        """Hold these panes instead, ascending: the same content, merged or thinned."""
        before, self.panes = list(self.panes), deque(panes)
        for sign, some, others in ((-1, before, self.panes), (1, self.panes, before)):
            spans = {(one.start_ms, one.length_ms) for one in others}
            for pane in some:
                if (pane.start_ms, pane.length_ms) not in spans:
                    self.counts.add(pane.keys, sign * pane.counts)
        self._kept = None

    def expire(self, end_ms: int) -> None:
        """Drop the panes that do not lie in [end_ms - window_ms, end_ms); see `begins_ms` for windows over an hour."""
        begin_ms = begins_ms(end_ms, self.window_ms)
        while self.panes and self.panes[0].start_ms < begin_ms:
            self._kept = None
            pane = self.panes.popleft()
            self.counts.add(pane.keys, -pane.counts)

    def remember(self, keys: Ints) -> None:
        """Keep the samples of some keys, ascending, at hand until a pane goes."""
        self._kept = (keys, self.sample(keys))
        self._since = []

    def sample(self, asked: Ints, extra: Iterable[Pane] = ()) -> Sample:
        """The samples of some keys over the window, and over `extra` panes that have not settled."""
        picks: list[_Pick] = []
        missing = np.arange(len(asked))
        if self._kept is not None and len(self._kept[0]):
            kept_keys, kept = self._kept
            at = np.minimum(np.searchsorted(kept_keys, asked), len(kept_keys) - 1)
            known = kept_keys[at] == asked
            starts, ends = (np.searchsorted(kept.group, at[known] + one) for one in (0, 1))
            picks.append(_pick(kept, np.flatnonzero(known), starts, ends))
            picks += [_pick_keys(pane, asked, np.flatnonzero(known)) for pane in self._since]
            missing = missing[~known]
        if len(missing):
            picks += [_pick_keys(pane, asked, missing) for pane in self.panes]
        picks += [_pick_keys(pane, asked, np.arange(len(asked))) for pane in extra]
        return _unite([pick for pick in picks if len(pick.rows)], len(asked), self._hashes)

    def displays(self, key: int) -> list[str]:
        """The spellings of a key, one for each pane and country that has it."""
        return [display for pane in self.panes for display in pane.displays_of(key)]


@dataclass(frozen=True, slots=True, eq=False)
class _Pick:
    """Entries of a pane, or of a sample that was kept, in runs (r,) of ascending authors."""

    of: Pane | Sample
    rows: Ints
    """(n,)"""
    sizes: Ints
    """(r,)"""
    groups: Ints
    """(r,) what each run belongs to."""


def _pick(of: Pane | Sample, groups: Ints, starts: Ints, ends: Ints) -> _Pick:
    """The rows [starts[i], ends[i]) for each group i, each a run."""
    sizes = ends - starts
    return _Pick(of, _spread(starts, sizes), sizes, groups)


def _spread(starts: Ints, sizes: Ints) -> Ints:
    """starts[0], starts[0] + 1, ... so many as sizes[0]; then the next."""
    spread: Ints = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(int(sizes.sum()))
    return spread


def _pick_keys(pane: Pane, keys: Ints, groups: Ints) -> _Pick:
    """The entries of keys[groups]; the world's key has those of all countries, a run each."""
    first, last = pane.spans(keys[groups])
    rows = _spread(first, last - first)
    return _pick(pane, np.repeat(groups, last - first), pane.bounds[rows], pane.bounds[rows + 1])


def _unite(picks: Sequence[_Pick], groups: int, hashes: KeyedHash) -> Sample:
    if not picks:
        none = np.zeros(0, np.int64)
        return Sample(
            none, np.zeros(0, np.uint64), none, np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.uint32),
            np.zeros((0, 1), np.float32),
        )  # fmt: skip
    author = np.concatenate([pick.of.author[pick.rows] for pick in picks])
    tweet = np.concatenate([pick.of.tweet[pick.rows] for pick in picks])
    sizes = np.concatenate([pick.sizes for pick in picks])
    of = np.concatenate([pick.groups for pick in picks])
    starts = np.cumsum(sizes) - sizes
    in_order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[in_order], np.arange(groups + 1))
    kept, found = _smallest(bounds, starts[in_order], sizes[in_order], author, hashes.orders(tweet), K)
    kept = kept[np.arange(K) < found[:, None]]
    return Sample(
        np.repeat(np.arange(groups), found),
        author[kept],
        tweet[kept],
        *(_gathered(picks, kept, name) for name in ("age_days", "flags", "copy", "scores")),
    )


def _gathered(picks: Sequence[_Pick], kept: Ints, name: str) -> npt.NDArray[Any]:
    """A column of some entries, numbered through all picks: only these are touched."""
    ends = np.cumsum([len(pick.rows) for pick in picks])
    ascending = np.argsort(kept)
    cuts = np.searchsorted(kept[ascending], ends)
    column = getattr(picks[0].of, name)
    gathered = np.empty((len(kept), *column.shape[1:]), column.dtype)
    first = 0
    for pick, begin, last in zip(picks, [0, *ends.tolist()], cuts.tolist(), strict=False):
        at = ascending[first:last]
        gathered[at] = getattr(pick.of, name)[pick.rows[kept[at] - begin]]
        first = last
    return gathered


@compiled
def _smallest(bounds: Ints, starts: Ints, sizes: Ints, author: UInts, order: UInts, k: int) -> tuple[Ints, Ints]:
    """Of each group the entries of its k smallest authors, each with its smallest tweet, of equals the first.

    Every run ascends, so that it is left at the first author that is too great: of most entries nothing is read.

    Args:
        bounds: (groups + 1,) group g has the runs [bounds[g], bounds[g + 1]).
        starts, sizes: (r,) of each run among the entries.
        author, order: (n,) of each entry.
    Returns:
        (groups, k) entries by author, and (groups,) how many of them.
    """
    groups = len(bounds) - 1
    kept = np.zeros((groups, k), np.int64)
    found = np.zeros(groups, np.int64)
    for group in range(groups):
        chosen, n = kept[group], 0
        for run in range(bounds[group], bounds[group + 1]):
            for entry in range(starts[run], starts[run] + sizes[run]):
                if n == k and author[entry] > author[chosen[k - 1]]:
                    break
                low, high = 0, n
                while low < high:
                    middle = (low + high) // 2
                    if author[chosen[middle]] < author[entry]:
                        low = middle + 1
                    else:
                        high = middle
                if low < n and author[chosen[low]] == author[entry]:
                    if order[entry] < order[chosen[low]]:
                        chosen[low] = entry
                    continue
                n = min(n + 1, k)
                for at in range(n - 1, low, -1):
                    chosen[at] = chosen[at - 1]
                chosen[low] = entry
        found[group] = n
    return kept, found
