"""Early looks: which tags are worth one before their panes settle, and what it sees.

Looking often at one interval is optional stopping, so a tag is looked at again only when it has grown, and only if it
could be over were all that is new harmful. What a look sees never reaches what is settled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import PANE_MS, Ints
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, NOWHERE, WORLD_MASK, range_of
from streams.judging.evidence import EvidenceTable
from streams.judging.window_store import Views
from streams.windows.open_pane import OpenPane, Sum
from streams.windows.open_panes import OpenPanes
from streams.windows.pane import NO_STRINGS, build_pane, commonest
from streams.windows.scores import Scores
from streams.windows.window import SlidingWindow

_GROWTH = 1.1
"""A tag is looked at again when it has grown by this factor."""


@dataclass(frozen=True, slots=True)
class OpenPart:
    """What an open pane counts of the tags that are looked at."""

    number: int
    pane: OpenPane
    sum: Sum
    narrowed: Sum
    """With those entries only that the samples of the window take."""
    unscored: Ints
    """Those of `narrowed` that have no score yet."""
    model: str
    """Revision that scores its entries."""
    texts: bytes
    """Of those that have no score yet, each a line."""


@dataclass(frozen=True, slots=True)
class LookJob:
    """Tags to look at before their panes settle, and the texts to score first."""

    keys: Ints
    """Ascending."""
    tick_ms: int
    """End of the newest pane that is counted."""
    parts: list[OpenPart]

    @property
    def texts(self) -> bytes:
        """All that is to be scored, each text a line."""
        return b"".join([part.texts for part in self.parts])

    @property
    def batches(self) -> list[tuple[str, bytes]]:
        """The same by the revision that scores them, in their order."""
        runs = groupby(self.parts, key=lambda part: part.model)
        return [(model, b"".join([part.texts for part in parts])) for model, parts in runs]

    def displays(self, key: int) -> list[str]:
        """The commonest spellings of a key, one for each open pane and country that has it."""
        found = []
        for part in self.parts:
            for at in range(*np.searchsorted(part.sum.keys, range_of(key)).tolist()):
                of_row = part.sum.entries[slice(*part.sum.bounds[at : at + 2])]
                spelling = commonest(part.pane.displays(of_row).tolist())
                if spelling:
                    found.append(spelling.decode("utf-8", "surrogatepass"))
        return found


@dataclass(frozen=True, slots=True)
class Looked:
    """What the last look at each of some keys, settled or early, saw."""

    keys: Ints
    """(n,) ascending."""
    tweets: Ints
    """(n,)"""
    share: npt.NDArray[np.float64]
    """(n,) estimated, the greatest over the categories; 1 where nothing was scored."""

    @classmethod
    def at(cls, table: EvidenceTable) -> Looked:
        """All keys of a table."""
        return cls(table.keys, table.tweets, np.nan_to_num(table.estimates(), nan=1.0).max(axis=1, initial=0.0))

    def then(self, later: Looked) -> Looked:
        """The same, and what was looked at later."""
        stays = ~np.isin(self.keys, later.keys, assume_unique=True)
        keys = np.concatenate((self.keys[stays], later.keys))
        order = np.argsort(keys)
        tweets = np.concatenate((self.tweets[stays], later.tweets))[order]
        return Looked(keys[order], tweets, np.concatenate((self.share[stays], later.share))[order])

    def grown(self, keys: Ints, tweets: Ints, least_share: float) -> npt.NDArray[np.bool_]:
        """(m,) which of keys (m,) were not looked at, or have so many more tweets now (m,) that their share could have
        reached `least_share`, were all that is new harmful."""
        if not len(self.keys):
            return np.ones(len(keys), bool)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        before = self.tweets[at]
        could = self.share[at] * before + tweets - before >= least_share * tweets
        grown: npt.NDArray[np.bool_] = (self.keys[at] != keys) | (could & (tweets >= _GROWTH * before))
        return grown


_NOTHING = Looked(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class Looks:
    """The early looks of one shard."""

    def __init__(self, open_panes: OpenPanes, views: Views) -> None:
        self._open = open_panes
        self._views = views
        self._touched: list[Ints] = []
        self._looked = _NOTHING

    def touch(self, keys: Ints) -> None:
        """Records have counted these."""
        self._touched.append(keys)

    def pass_over(self) -> None:
        """No look at what the records so far have touched."""
        self._touched = []

    def begin_anew(self, window: SlidingWindow | None) -> None:
        """Another policy: what was looked at is looked at again, grown or not, and so is all that is busy."""
        self._looked = _NOTHING
        if window is not None:
            self.touch(window.busy())

    @property
    def busy(self) -> tuple[Ints, Ints]:
        """(n,) the keys that the last settled tick or a look since saw, and (n,) the tweets that they had then."""
        return self._looked.keys, self._looked.tweets

    def settled(self, table: EvidenceTable) -> None:
        """A tick has settled: this is what it saw."""
        self._looked = Looked.at(table)

    def next(
        self, window: SlidingWindow, floor: int, least_share: float, model_of: Callable[[int], str] = lambda _: ""
    ) -> LookJob | None:
        """What has grown enough since it was last looked at.

        Args:
            window: the shortest.
            floor: no tag with fewer tweets is looked at.
            least_share: no tag is suppressed whose harmful share is below it.
            model_of: the revision that scores the entries of a pane.
        """
        touched, self._touched = self._touched, []
        tick_ms = (max(self._open.panes, default=-1) + 1) * PANE_MS
        keys, tweets = self._over(floor, np.concatenate(touched or [np.zeros(0, np.int64)]), window)
        tweets = self._views.left(tweets, window, keys, tick_ms)
        keys = keys[(tweets >= floor) & self._looked.grown(keys, tweets, least_share)]
        if not len(keys):
            return None
        tags = np.unique(keys >> COUNTRY_BITS)
        panes, parts = sorted(self._open.panes.items()), []
        sums = [pane.sum(tags) for _, pane in panes]
        taken = window.narrowed(keys, sums, self._views.passed(window, tick_ms))
        for (number, pane), total, narrowed in zip(panes, sums, taken, strict=True):
            pane.score_by(model := model_of(number))
            unscored = pane.unscored(narrowed.entries)
            parts.append(OpenPart(number, pane, total, narrowed, unscored, model, pane.texts(unscored)))
        return LookJob(keys, tick_ms, parts)

    def _over(self, floor: int, touched: Ints, window: SlidingWindow) -> tuple[Ints, Ints]:
        """Of keys that were counted and their worlds' those with so many tweets, ascending, and these."""
        worlds = np.unique(touched & WORLD_MASK)
        worlds = worlds[self._tweets(worlds, window) >= floor]
        own = touched[np.isin(touched & WORLD_MASK, worlds) & (touched & COUNTRY_MASK != NOWHERE)]
        keys = np.union1d(own, worlds)
        tweets = self._tweets(keys, window)
        return keys[tweets >= floor], tweets[tweets >= floor]

    def _tweets(self, keys: Ints, window: SlidingWindow) -> Ints:
        return window.counts.of(keys) + self._open.tweets.of(keys)

    def see(self, job: LookJob, scores: Scores, window: SlidingWindow) -> EvidenceTable:
        """The evidence of a look."""
        seen, at = [], 0
        worth = set((job.keys >> COUNTRY_BITS).tolist())
        for part in job.parts:
            end = at + len(part.unscored)
            part.pane.score(part.unscored, scores.part(at, end))
            at = end
            seen.append(build_pane(part.number, part.narrowed, part.pane, worth, NO_STRINGS))
        table = self._views.table(window, job.keys, seen, job.tick_ms)
        self._looked = self._looked.then(Looked.at(table))
        return table
