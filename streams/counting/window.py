"""A sliding window over settled panes: running counts, and the union of sketches for the tags that ask for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.counting.keys import COUNTRY_BITS, NOWHERE
from streams.counting.pane import Floats, Ints, Pane
from streams.counting.sketch import SPACE, K, KeyedHash, UInts, smallest_rows

_COUNTRY_MASK = (1 << COUNTRY_BITS) - 1


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


class SlidingWindow:
    """The last `window_ms` of settled panes of `step_ms` each."""

    def __init__(self, window_ms: int, step_ms: int, hashes: KeyedHash) -> None:
        assert window_ms % step_ms == 0, (window_ms, step_ms)
        self.window_ms = window_ms
        self.step_ms = step_ms
        self.panes: deque[Pane] = deque()
        self.counts: dict[int, int] = {}
        """Tweets per key, the world's included; absent without any, and so is 'no country'."""
        self.busy: set[int] = set()
        """Keys with at least `floor` tweets."""
        self.floor = 1 << 62
        self._hashes = hashes

    def watch(self, floor: int) -> None:
        """Keep `busy` for another floor."""
        if floor != self.floor:
            self.floor = floor
            self.busy = {key for key, count in self.counts.items() if count >= floor}

    def push(self, pane: Pane) -> None:
        """Add the newest pane."""
        if len(pane.keys):
            self.panes.append(pane)
            self._add(pane, 1)

    def expire(self, end_ms: int) -> None:
        """Drop the panes that do not lie in [end_ms - window_ms, end_ms)."""
        while self.panes and self.panes[0].start_ms < end_ms - self.window_ms:
            self._add(self.panes.popleft(), -1)

    def _add(self, pane: Pane, sign: int) -> None:
        counts, busy, floor = self.counts, self.busy, self.floor
        for key, count in zip(pane.keys.tolist(), pane.counts.tolist(), strict=True):
            world = key & ~_COUNTRY_MASK
            for one in (world,) if key & _COUNTRY_MASK == NOWHERE else (key, world):
                now = counts.get(one, 0) + sign * count
                if now:
                    counts[one] = now
                    if now >= floor:
                        busy.add(one)
                    elif sign < 0:
                        busy.discard(one)
                else:
                    del counts[one]
                    busy.discard(one)

    def sample(self, keys: Sequence[int], extra: Iterable[Pane] = ()) -> Sample:
        """The samples of some keys over the window, and over `extra` panes that have not settled."""
        low = np.asarray(keys, np.int64)
        high = np.where(low & _COUNTRY_MASK, low + 1, low + (1 << COUNTRY_BITS))
        groups: list[Ints] = []
        picks: list[tuple[Pane, Ints]] = []
        for pane in (*self.panes, *extra):
            first, last = np.searchsorted(pane.keys, low), np.searchsorted(pane.keys, high)
            starts, ends = pane.bounds[first], pane.bounds[last]
            sizes = ends - starts
            hit = np.flatnonzero(sizes)
            if not len(hit):
                continue
            sizes, starts = sizes[hit], starts[hit]
            shift = np.repeat(np.cumsum(sizes) - sizes, sizes)
            groups.append(np.repeat(hit, sizes))
            picks.append((pane, np.repeat(starts, sizes) + np.arange(int(sizes.sum())) - shift))
        return _unite(groups, picks, self._hashes)

    def displays(self, key: int) -> list[str]:
        """The spellings of a key, one for each pane and country that has it."""
        return [display for pane in self.panes for display in pane.displays_of(key)]


def _unite(groups: list[Ints], picks: list[tuple[Pane, Ints]], hashes: KeyedHash) -> Sample:
    if not picks:
        none = np.zeros(0, np.int64)
        return Sample(
            none, np.zeros(0, np.uint64), none, np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.uint32),
            np.zeros((0, 1), np.float32),
        )  # fmt: skip
    group = np.concatenate(groups)
    author = np.concatenate([pane.author[at] for pane, at in picks])
    tweet = np.concatenate([pane.tweet[at] for pane, at in picks])
    kept = smallest_rows(group, author, hashes.orders(tweet))
    return Sample(
        group[kept],
        author[kept],
        tweet[kept],
        np.concatenate([pane.age_days[at] for pane, at in picks])[kept],
        np.concatenate([pane.flags[at] for pane, at in picks])[kept],
        np.concatenate([pane.copy[at] for pane, at in picks])[kept],
        np.concatenate([pane.scores[at] for pane, at in picks])[kept],
    )
