"""Early firings: the tags to judge before their panes settle, and their evidence.

Judging one interval many times is optional stopping. So a tag fires again only after it has grown, and only if it could
reach the threshold were all its new tweets harmful. A firing never changes what is settled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.constants import PANE_MS
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS, range_of
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.ticks import UnscoredTexts
from streams.policy import Policy
from streams.windows.open_pane import PaneSum, Scores, TextBatch
from streams.windows.open_panes import OpenPanes
from streams.windows.pane import build_pane, commonest
from streams.windows.spellings import NO_SPELLINGS
from streams.windows.window import SlidingWindow

_GROWTH = 1.1
"""Factor by which a tag must grow before it fires again."""


@dataclass(frozen=True, slots=True)
class FiringPane:
    """The counts of the firing tags in one open pane."""

    number: int
    sum: PaneSum
    sampled: PaneSum
    """The same with the entries alone that the samples of the window take."""
    texts: UnscoredTexts
    """Texts of `sampled` to score."""


@dataclass(frozen=True, slots=True)
class EarlyFiring:
    """Tags to judge before their panes settle, and the texts to score first."""

    policy: Policy
    """Policy under which the newest pane will settle."""
    keys: Ints
    """(m,) keys that fire, ascending."""
    tick_ms: int
    """End of the newest pane that is counted."""
    panes: list[FiringPane]

    @property
    def batches(self) -> list[TextBatch]:
        """Texts to score, each pane's by its model."""
        return [pane.texts.batch for pane in self.panes]

    def displays(self, key: int) -> list[str]:
        """Return the commonest spellings of a key, one for each open pane and country that has it."""
        displays = []
        for pane in self.panes:
            for at in range(*np.searchsorted(pane.sum.keys, range_of(key)).tolist()):
                of_row = pane.sum.entries[slice(*pane.sum.bounds[at : at + 2])]
                spelling = commonest(pane.texts.pane.displays(of_row).split())
                if spelling:
                    displays.append(spelling.decode("utf-8", "surrogatepass"))
        return displays


@dataclass(frozen=True, slots=True)
class LastFiring:
    """Counts and shares of some keys when they were last judged, settled or early."""

    keys: Ints
    """(n,) hashtag and country, ascending."""
    tweets: Ints
    """(n,) tweets at that time."""
    share: npt.NDArray[np.float64]
    """(n,) greatest estimate over the categories; 1 where nothing was scored."""

    @classmethod
    def at(cls, table: EvidenceTable) -> LastFiring:
        """Take all keys of a table."""
        estimates = np.nan_to_num(table.everyone.estimates(), nan=1.0)
        return cls(table.keys, table.tweets, estimates.max(axis=1, initial=0.0))

    def updated(self, later: LastFiring) -> LastFiring:
        """Return the same with a later firing of some keys."""
        keys, at = np.unique(np.concatenate((later.keys, self.keys)), return_index=True)  # of equal ones the first
        tweets = np.concatenate((later.tweets, self.tweets))[at]
        return LastFiring(keys, tweets, np.concatenate((later.share, self.share))[at])

    def may_fire(self, keys: Ints, tweets: Ints, least_share: float) -> npt.NDArray[np.bool_]:
        """Return (m,) whether keys (m,) with tweets (m,) may fire.

        A key may if it is new, or if it has grown and could reach `least_share` were all its new tweets harmful.
        """
        if not len(self.keys):
            return np.ones(len(keys), bool)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        before = self.tweets[at]
        could = self.share[at] * before + tweets - before >= least_share * tweets
        grown: npt.NDArray[np.bool_] = (self.keys[at] != keys) | (could & (tweets >= _GROWTH * before))
        return grown


_NEVER_FIRED = LastFiring(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class EarlyTrigger:
    """The early firings of one shard."""

    def __init__(self, open_panes: OpenPanes, evidence: EvidenceBuilder) -> None:
        self.policy: Policy | None = None
        """Policy of early decisions; None: there are none."""
        self._floor = 1 << 62
        """Fewest tweets that any rule of it asks for."""
        self._open = open_panes
        self._evidence = evidence
        self._store = evidence.store
        self._touched: list[Ints] = []
        self._last = _NEVER_FIRED

    def touch(self, keys: Ints) -> None:
        """Note keys that records have counted."""
        self._touched.append(keys)

    def skip(self) -> None:
        """Drop what the records so far have touched."""
        self._touched = []

    def follow(self, policy: Policy | None) -> None:
        """Follow the policy of early decisions; under another one every busy key may fire again, grown or not."""
        if policy is not self.policy:
            self.policy, self._last = policy, _NEVER_FIRED
            if policy is not None:
                self._floor = min(rule.min_tweets for rule in policy.rule_table.values())
            if self._store.shortest is not None:
                self.touch(self._store.shortest.busy())

    @property
    def busy(self) -> tuple[Ints, Ints]:
        """Keys (n,) of the last settled tick and of the firings since, and their tweets (n,) at that time."""
        return self._last.keys, self._last.tweets

    def settle(self, table: EvidenceTable) -> None:
        """Compare later firings with the evidence of a settled tick."""
        self._last = LastFiring.at(table)

    def next(self, model_of: Callable[[int], str]) -> EarlyFiring | None:
        """Return the touched keys that have grown enough since they were last judged, with the model of each pane."""
        policy, window = self.policy, self._store.shortest
        assert policy is not None and window is not None
        floor, least_share = self._floor, policy.least_suppress_at
        touched, self._touched = self._touched, []
        tick_ms = (max(self._open.panes, default=-1) + 1) * PANE_MS
        counted = np.concatenate(touched or [np.zeros(0, np.int64)])
        keys = window.counts.over(counted, floor, self._open.tweets)
        keys = keys[self._last.may_fire(keys, self._tweets(keys, window), least_share)]
        if len(keys):  # few are; expired and removed tweets only make fewer of them fire
            tweets = self._evidence.count_remaining(self._tweets(keys, window), window, keys, tick_ms)
            keys = keys[(tweets >= floor) & self._last.may_fire(keys, tweets, least_share)]
        if not len(keys):
            return None
        tags = np.unique(keys >> COUNTRY_BITS)
        panes, firing = sorted(self._open.panes.items()), []
        sums = [pane.sum(tags) for _, pane in panes]
        taken = window.narrowed(keys, sums, self._store.count_expired(window, tick_ms))
        for (number, pane), total, sampled in zip(panes, sums, taken, strict=True):
            pane.score_by(model_of(number))
            firing.append(FiringPane(number, total, sampled, UnscoredTexts.of(pane, sampled.entries)))
        return EarlyFiring(policy, keys, tick_ms, firing)

    def _tweets(self, keys: Ints, window: SlidingWindow) -> Ints:
        return window.counts.of(keys) + self._open.tweets.of(keys)

    def fire(self, firing: EarlyFiring, scores: Scores) -> EvidenceTable:
        """Return the evidence of a firing, with the scores of its texts."""
        window = self._store.shortest
        assert window is not None
        extra, at = [], 0
        for pane in firing.panes:
            end = at + len(pane.texts.entries)
            pane.texts.score(scores.part(at, end))
            at = end
            extra.append(
                build_pane(pane.number, pane.sampled, pane.texts.pane, firing.keys >> COUNTRY_BITS, NO_SPELLINGS)
            )
        least_share = firing.policy.least_suppress_at
        table = self._evidence.table(window, firing.keys, extra, firing.tick_ms, least_share)
        self._last = self._last.updated(LastFiring.at(table))
        return table
