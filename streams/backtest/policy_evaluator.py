"""One policy tried on one shard's past, tick by tick, with the judge's own `levels` and `step`.

Levels are computed for whole chunks, as columns. Only keys that are over, or have a state, are stepped: for any other
key a step changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from models.share import Scale
from streams.backtest.history import EvidenceBlock, EvidenceChunk, EvidenceTick, TickRows
from streams.counting.keys import COUNTRY_MASK, Tags, country_name
from streams.judging.circuit_breakers import CircuitBreakers, scorer_fault
from streams.judging.curated import CuratedTags
from streams.judging.evidence import EvidenceTable
from streams.judging.key_state import Scope
from streams.judging.levels import (
    NOTHING,
    OVER_ALONE,
    Levels,
    RuleLevels,
    RuleResult,
    combine,
    levels,
)
from streams.judging.rule_evaluation import scopes_of
from streams.judging.step import ScopeDecisions, step
from streams.log.decisions import ScopeDecision
from streams.policy import Policy, Rule
from streams.signals.base import Bools, Doubles, Ints

OnChange = Callable[[int, int, Mapping[Scope, ScopeDecision]], None]
"""Called with (tick_ms, key, every decision in force or just ended) when a key's settled decisions change."""


@dataclass(frozen=True, slots=True, eq=False)
class BlockLevels:
    """Levels of a block in one scope, each row under the rule of its country. Shapes (rows,)."""

    level: Levels
    quick: bytes
    """`level`, for reading one row at a time."""
    lower: Doubles
    """Lower bound of the harmful share, of the established authors where these are enough, else of all."""
    upper: Doubles
    """Upper bound of the harmful share of all authors."""
    by_rule: list[RuleLevels]
    part: Ints
    """Index into `by_rule` of a row's rule."""
    at: Ints
    """Row in the levels of its rule."""

    def result(self, row: int) -> RuleResult:
        """Return the result of one row."""
        return RuleResult(self.quick[row], self.by_rule[self.part[row]], int(self.at[row]))


class PolicyEvaluator:
    """Levels of blocks under one policy, shared by all backtests of it.

    Args:
        categories: of the model, in the order of its score columns after `any`.
        scales: scales to try in place of those of the evidence, by the bytes of these (`Scale.to_bytes`).
    """

    def __init__(
        self, policy: Policy, categories: Collection[str], tags: Tags, scales: Mapping[bytes, Scale] | None = None
    ) -> None:
        self.policy = policy
        self._scales = scales or {}
        self._columns = {category: 1 + at for at, category in enumerate(categories)}
        self.scopes = scopes_of(policy, self._columns)
        self._curated = CuratedTags(policy, tags)
        self._rules: dict[tuple[Scope, int], Rule] = {}

    def rule(self, scope: Scope, code: int) -> Rule:
        """Return the rule of a scope in the country of a code."""
        rule = self._rules.get((scope, code))
        if rule is None:
            rule = self._rules[scope, code] = self.policy.rule(*scope, country_name(code))
        return rule

    def judge(self, block: EvidenceBlock) -> dict[Scope, BlockLevels]:
        """Judge every row of a block under its own rule, in every scope."""
        table = self.rescaled(block.table)
        listed = self._curated.among(table.keys)
        codes = table.keys & COUNTRY_MASK
        present = np.unique(codes).tolist()
        kept = table.tweets >= self.policy.evidence_floor
        by_scope: dict[Scope, BlockLevels] = {}
        by_rules: dict[tuple[object, ...], BlockLevels] = {}
        for scope in self.scopes:
            column = self._columns[scope[0]]
            rules = [self.rule(scope, code) for code in present]
            same = (column, *rules)
            if same not in by_rules:
                by_rules[same] = _judge(table, codes, kept, listed, column, dict(zip(present, rules, strict=True)))
            by_scope[scope] = by_rules[same]
        return by_scope

    def rescaled(self, table: EvidenceTable) -> EvidenceTable:
        """Return a table with the scale that is tried; one with another scale than expected stays as it is."""
        kept = table.everyone.scale
        scale = None if kept is None or not self._scales else self._scales.get(kept.to_bytes())
        if scale is None:
            return table
        everyone, established = (replace(group, scale=scale) for group in (table.everyone, table.established))
        past = table.past and replace(table.past, scale=scale)
        return replace(table, everyone=everyone, established=established, past=past)

    def forget_terms(self, unused: Iterable[int]) -> None:
        """Drop the compared hashtags whose numbers are released."""
        self._curated.forget(unused)


def _judge(
    table: EvidenceTable, codes: Ints, kept: Bools, listed: Bools, column: int, rules: Mapping[int, Rule]
) -> BlockLevels:
    m = len(table.keys)
    level, lower, upper = np.zeros(m, np.int8), np.zeros(m), np.ones(m)
    part, at = np.zeros(m, np.int64), np.zeros(m, np.int64)
    by_rule: list[RuleLevels] = []
    for rule in dict.fromkeys(rules.values()):
        if table.window_ms not in rule.windows_ms:
            continue
        rows = np.flatnonzero(np.isin(codes, [code for code, other in rules.items() if other == rule]) & kept)
        some = table if len(rows) == m else table.take(rows)
        judged = levels(some, rule, column, listed[rows], rule.confidence)
        level[rows], upper[rows] = judged.level, judged.everyone.upper
        lower[rows] = np.where(judged.enough, judged.own.lower, judged.everyone.lower)
        part[rows], at[rows] = len(by_rule), np.arange(len(rows))
        by_rule.append(judged)
    return BlockLevels(level, level.tobytes(), lower, upper, by_rule, part, at)


class _TickView:
    """One tick of a chunk as `step` reads it."""

    def __init__(
        self,
        evaluator: PolicyEvaluator,
        judged: Mapping[EvidenceBlock, Mapping[Scope, BlockLevels]],
        tick: EvidenceTick,
    ) -> None:
        self.scopes = evaluator.scopes
        self._evaluator = evaluator
        self._judged = judged
        self._windows = [rows for _, rows in sorted(tick.windows.items())]
        policy = evaluator.policy
        self._shortest = tick.windows.get(policy.windows_ms[0])
        watched = policy.valves.watch_scorer and self._shortest is not None
        self.blind = watched and scorer_fault(policy.valves, self._shortest_table()) is not None
        self._key = -1
        self._seen: list[tuple[TickRows, int, Mapping[Scope, BlockLevels]]] = []

    def rule(self, key: int, scope: Scope) -> Rule:
        return self._evaluator.rule(scope, key & COUNTRY_MASK)

    def result(self, key: int, scope: Scope) -> RuleResult:
        if self.blind:
            return NOTHING
        results = []
        for _, row, by_scope in self._rows_of(key):
            block = by_scope[scope]
            if block.quick[row]:  # not LOW
                results.append(block.result(row))
        return combine(results) if results else NOTHING

    def is_gone(self, key: int, scope: Scope) -> bool:
        rule, floor = self.rule(key, scope), self._evaluator.policy.evidence_floor
        return not any(
            rows.block.table.window_ms in rule.windows_ms and rows.block.table.tweets[row] >= floor
            for rows, row, _ in self._rows_of(key)
        )

    def sizes(self) -> tuple[Ints, Ints]:
        if self._shortest is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        table = self._shortest_table()
        return table.keys, table.tweets

    def _shortest_table(self) -> EvidenceTable:
        """Return the tick's table of the shortest window, as a judge under this policy has it."""
        rows, floor = self._shortest, self._evaluator.policy.evidence_floor
        assert rows is not None
        table = self._evaluator.rescaled(rows.block.table)
        return table.take(rows.first + np.flatnonzero(table.tweets[rows.first : rows.last] >= floor))

    def _rows_of(self, key: int) -> list[tuple[TickRows, int, Mapping[Scope, BlockLevels]]]:
        """Find the rows of a key, by window ascending; those of the last key are kept."""
        if key != self._key:
            self._key = key
            self._seen = [
                (rows, row, self._judged[rows.block])
                for rows in self._windows
                if (row := rows.rows.get(key)) is not None
            ]
        return self._seen


@dataclass(slots=True)
class PolicyBacktest:
    """The states of one shard under a policy.

    Args:
        on_change: called at every change.
        only: the hashtags that are stepped; None: all.
        protected: hashtags that are never suppressed.
        breakers: the shard's.
    """

    evaluator: PolicyEvaluator
    tags: Tags
    on_change: OnChange
    only: frozenset[str] | None = None
    protected: frozenset[str] = frozenset()
    breakers: CircuitBreakers = field(default_factory=lambda: CircuitBreakers(1))
    states: dict[int, ScopeDecisions] = field(default_factory=dict)
    _judged: dict[EvidenceBlock, dict[Scope, BlockLevels]] = field(default_factory=dict)
    _over: dict[TickRows, list[int]] = field(default_factory=dict)

    def follow(self, evaluator: PolicyEvaluator) -> None:
        """Decide by another policy from the next tick on. Decisions in force stay, as with a judge."""
        if evaluator is not self.evaluator:
            self.evaluator, self.protected = evaluator, evaluator.policy.never_suppressed
            self._judged, self._over = {}, {}

    def take(self, chunk: EvidenceChunk, judged: Mapping[EvidenceBlock, dict[Scope, BlockLevels]]) -> None:
        """Step through a chunk; `judged` has the levels of its blocks."""
        self._judged.update(judged)
        for block in {rows.block for tick in chunk.ticks for rows in tick.windows.values()} - self._judged.keys():
            self._judged[block] = self.evaluator.judge(block)  # of an earlier chunk, judged under the policy before
        self._find_over(chunk)
        for tick in chunk.ticks:
            self._step(tick)
        standing = chunk.ticks[-1].windows.values()
        self._judged = {rows.block: self._judged[rows.block] for rows in standing}
        self._over = {rows: self._over[rows] for rows in standing}

    def _find_over(self, chunk: EvidenceChunk) -> None:
        """Find the keys that are over in some scope, by tick and window."""
        any_over = {}
        for block in self._judged:
            over = np.zeros(len(block.table.keys), bool)
            for block_levels in set(self._judged[block].values()):
                over |= block_levels.level >= OVER_ALONE
            any_over[block] = np.flatnonzero(over)
        for tick in chunk.ticks:
            for rows in tick.windows.values():
                if rows not in self._over:
                    hits = any_over[rows.block]
                    first, last = np.searchsorted(hits, (rows.first, rows.last))
                    self._over[rows] = rows.block.table.keys[hits[first:last]].tolist()

    def _step(self, tick: EvidenceTick) -> None:
        view = _TickView(self.evaluator, self._judged, tick)
        keys = set(self.states)
        if not view.blind:
            for rows in tick.windows.values():
                keys.update(self._over[rows])
        if self.only is not None:
            keys = {key for key in keys if self.tags.name(key) in self.only}
        if not keys:
            return
        for key in keys:
            self.states.setdefault(key, {})
        done = step(
            self.states,
            view,
            self.evaluator.policy,
            self.breakers,
            tick.tick_ms,
            tags=self.tags,
            protected=self.protected,
            paused=tick.paused,
        )
        for key in done.publish:
            self.on_change(tick.tick_ms, key, self.states[key])
        for key in keys:
            if not self.states[key]:
                del self.states[key]
