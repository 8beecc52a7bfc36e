"""Impact of a new policy against the live one: evidence records in, a report of changes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from models.share import Scale
from streams.backtest.comparison import CategoryTotal, PolicyChange, Spells, compare, totals
from streams.backtest.coverage import needs_replay, unseen_changes
from streams.backtest.histogram import Histogram, Histograms
from streams.backtest.history import EvidenceChunk, EvidenceHistory, same_categories
from streams.backtest.policy_evaluator import PolicyBacktest, PolicyEvaluator
from streams.backtest.spells import SpellRecorder
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.judging.circuit_breakers import CircuitBreakers
from streams.judging.key_state import Scope
from streams.log.evidence import EvidenceRecord
from streams.policy import Policy


class UncoveredScope(msgspec.Struct, frozen=True):
    """A scope that only a replay of the tweets can answer."""

    policy: str
    """`live` or `new`: the policy that needs it."""
    category: str
    surface: str
    reasons: tuple[str, ...]


class ImpactReport(msgspec.Struct, kw_only=True):
    """Changes that the new policy would make. Settled decisions are predicted, early ones are not."""

    live_revision: str
    new_revision: str
    from_ms: int
    """First tick of the evidence."""
    to_ms: int
    tag_panes: int
    shards: int
    changes: list[PolicyChange]
    protected: list[PolicyChange]
    """Tags that the new policy would hit if they were not in its `never_suppress`."""
    totals: list[CategoryTotal]
    histograms: list[Histogram]
    needs_replay: list[UncoveredScope]
    answered: int
    """Number of scopes that the evidence answers."""
    unseen: list[str]
    """Changes of keys that no evidence answers, as text."""


@dataclass(slots=True)
class _Shard:
    past: EvidenceHistory
    backtests: list[PolicyBacktest]


class Impact:
    """Backtest of a new policy and of the live one over records of `hashtag-evidence`, each shard's in order.

    A report is available at any time.

    Args:
        history: policies by revision, which may grow. With it the live side follows the policy that each tick was
            judged under, and `live` is the last of them. Without it `live` is tried on all of the evidence.
        scales: scales that are tried with the new policy, by the bytes of the evidence's; see `PolicyEvaluator`.
    """

    def __init__(
        self,
        live: Policy,
        new: Policy,
        *,
        history: Mapping[str, Policy] | None = None,
        scales: Mapping[bytes, Scale] | None = None,
    ) -> None:
        self.live, self.new = live, new
        self._scales = scales
        self.tags = Tags()
        self.recorders = [SpellRecorder(), SpellRecorder()]
        """Spells under the live policy and under the new one."""
        self.from_ms, self.to_ms = -1, 0
        """First tick of the evidence. `to_ms` is the last tick judged."""
        self._history = history
        self._unprotected = SpellRecorder()
        self._histograms = Histograms(live, new)
        self._shards: dict[int, _Shard] = {}
        self._categories: tuple[str, ...] | None = None
        self._evaluators: dict[tuple[str, bool], PolicyEvaluator] = {}
        self._following = False

    def follow(self) -> None:
        """Judge every tick as soon as the next one begins: the kept evidence has been read."""
        self._following = True
        for shard in self._shards.values():
            self._take(shard, shard.past.follow())

    @property
    def level(self) -> bool:
        """Whether all shards are judged up to the same tick."""
        return all(shard.past.passed_ms == self.to_ms for shard in self._shards.values())

    def add(self, record: EvidenceRecord) -> None:
        """Add one record.

        Raises:
            CallerMistake: models with other categories scored a part of the evidence.
        """
        self._categories = same_categories(self._categories, record)
        shard = self._shards.get(record.shard)
        if shard is None:
            shard = self._shards[record.shard] = self._open(record.conditions.shards)
        self._take(shard, shard.past.add(record))

    def finish(self) -> ImpactReport:
        """Judge the remaining ticks and return the report."""
        for shard in self._shards.values():
            self._take(shard, shard.past.finish())
        return self.report()

    def uncovered(self) -> dict[str, dict[Scope, tuple[str, ...]]]:
        """Return by `live` and `new` the scopes that the evidence does not cover, with the reasons."""
        conditions = {condition for shard in self._shards.values() for condition in shard.past.conditions}
        live = {} if self._history is not None else needs_replay(self.live, conditions)
        return {"live": live, "new": needs_replay(self.new, conditions)}

    def report(self) -> ImpactReport:
        """Report the changes at the ticks that have been judged."""
        uncovered = self.uncovered()
        unknown = {scope for scopes in uncovered.values() for scope in scopes}
        live, new, unprotected = (
            {at: spells for at, spells in recorder.until(self.to_ms).items() if at[1] not in unknown}
            for recorder in (*self.recorders, self._unprotected)
        )
        changes = self._changes(live, new)
        return ImpactReport(
            live_revision=self.live.revision,
            new_revision=self.new.revision,
            from_ms=max(self.from_ms, 0),
            to_ms=self.to_ms,
            tag_panes=sum(shard.past.panes for shard in self._shards.values()),
            shards=len(self._shards),
            changes=changes,
            protected=compare({}, unprotected, self.tags),
            totals=totals(live, new, changes),
            histograms=[
                plot for plot in self._histograms.filled() if (plot.category, self.new.surfaces[0]) not in unknown
            ],
            needs_replay=[
                UncoveredScope(name, *scope, reasons)
                for name, scopes in uncovered.items()
                for scope, reasons in sorted(scopes.items())
            ],
            answered=sum(
                (category, surface) not in unknown
                for category in self.new.category_names
                for surface in self.new.surfaces
            ),
            unseen=unseen_changes(self.live, self.new),
        )

    def _changes(self, live: Spells, new: Spells) -> list[PolicyChange]:
        """Compare the policies; tags that lose their protection come first."""
        was_protected = self.live.never_suppressed - self.new.never_suppressed
        changes = [
            msgspec.structs.replace(change, was_protected=change.hashtag in was_protected)
            for change in compare(live, new, self.tags)
        ]
        return sorted(changes, key=lambda change: not change.was_protected)

    def forget(self, before_ms: int) -> None:
        """Drop spells that ended before a moment, so that memory stays bounded while following."""
        recorders = (*self.recorders, self._unprotected)
        for recorder in recorders:
            recorder.forget(before_ms)
        self.from_ms = max(self.from_ms, before_ms)
        used = {key for recorder in recorders for key in recorder.all_keys()}
        for shard in self._shards.values():
            past = shard.past
            past.conditions = {condition: at_ms for condition, at_ms in past.conditions.items() if at_ms > before_ms}
            used |= past.keys().union(*(backtest.states for backtest in shard.backtests))
        unused = self.tags.release_all_but(np.array(sorted({key >> COUNTRY_BITS for key in used}), np.int64))
        for evaluator in self._evaluators.values():
            evaluator.forget_terms(unused)

    def _evaluator(self, policy: Policy, *, tries_scales: bool = False) -> PolicyEvaluator:
        scales = self._scales if tries_scales else None
        key = policy.revision, scales is not None
        evaluator = self._evaluators.get(key)
        if evaluator is None:
            assert self._categories is not None
            evaluator = self._evaluators[key] = PolicyEvaluator(policy, self._categories, self.tags, scales)
        return evaluator

    def _open(self, shards: int) -> _Shard:
        backtests = [
            PolicyBacktest(
                self._evaluator(policy, tries_scales=recorder is self.recorders[1]),
                self.tags,
                recorder.record,
                protected=policy.never_suppressed,
                breakers=CircuitBreakers(shards),
            )
            for policy, recorder in zip((self.live, self.new), self.recorders, strict=True)
        ]
        if self.new.never_suppressed:
            backtests.append(
                PolicyBacktest(
                    self._evaluator(self.new, tries_scales=True),
                    self.tags,
                    self._unprotected.record,
                    only=self.new.never_suppressed,
                )
            )
        past = EvidenceHistory(self.tags)
        if self._following:
            past.follow()
        return _Shard(past, backtests)

    def _take(self, shard: _Shard, chunk: EvidenceChunk | None) -> None:
        if chunk is None:
            return
        if self.from_ms < 0 or chunk.ticks[0].tick_ms < self.from_ms:
            self.from_ms = chunk.ticks[0].tick_ms
        self.to_ms = max(self.to_ms, chunk.ticks[-1].tick_ms)
        if self._history is not None:
            self.live = self._history[chunk.revision]
            shard.backtests[0].follow(self._evaluator(self.live))
        evaluators = [backtest.evaluator for backtest in shard.backtests]
        judged = {by: {block: by.judge(block) for block in chunk.blocks} for by in dict.fromkeys(evaluators)}
        self._histograms.add(judged[evaluators[1]])
        for backtest in shard.backtests:
            backtest.take(chunk, judged[backtest.evaluator])
