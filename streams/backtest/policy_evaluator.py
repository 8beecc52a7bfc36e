"""One policy over one shard's past, tick by tick, with the judge's own `levels` and `decide`.

Levels are worked out for whole chunks, as columns. Only keys that are over, or have a state, are walked: for any other
`decide` has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.backtest.history import Block, Chunk, Rows, Tick
from streams.counting.keys import COUNTRY_MASK, Tags, country_name, country_of
from streams.judging.bounds import Doubles
from streams.judging.circuit_breakers import (
    Begun,
    Crowd,
    ShardValves,
    greatest_lower,
    hides_anywhere,
    newly_hiding,
    refused,
    rule_under_valve,
    scorer_fault,
)
from streams.judging.curated_terms import CuratedTags
from streams.judging.evidence import EvidenceTable
from streams.judging.hysteresis import ACTION_OF_MODE, decide
from streams.judging.key_state import Scope
from streams.judging.levels import BETWEEN, LOW, OVER, UNDER, Levels, RuleLevels, Standing, levels
from streams.log.decisions import Ruling
from streams.policy import Policy, Rule

_BARE = {level: Standing(level) for level in (LOW, UNDER, BETWEEN, OVER)}
"""What `decide` needs to know of a key that begins nothing."""

Said = Callable[[int, int, Mapping[Scope, Ruling]], None]
"""Called with (tick_ms, key, every ruling in force or just ended) when a key's settled rulings change."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A block before one rule book. Shapes (rows,)."""

    level: Levels
    quick: bytes
    """`level`, for reading one row at a time."""
    lower: Doubles
    upper: Doubles
    rule_levels: list[RuleLevels]
    part: npt.NDArray[np.int64]
    """Which of `rule_levels` a row is in, and `at` which row there."""
    at: npt.NDArray[np.int64]

    def standing(self, row: int) -> Standing:
        """One row, explained."""
        return self.rule_levels[int(self.part[row])].standing(int(self.at[row]))


class Bench:
    """A policy's judgements of blocks: shared by all walks under it.

    Args:
        categories: of the model, in the order of its score columns behind `any`.
    """

    def __init__(self, policy: Policy, categories: Collection[str], tags: Tags) -> None:
        self.policy = policy
        columns = {category: 1 + at for at, category in enumerate(categories)}
        self.scopes = [
            (category, surface)
            for category in policy.category_names
            if category in columns
            for surface in policy.surfaces
        ]
        self._columns = columns
        self._curated = CuratedTags(policy, tags)
        self._rules: dict[tuple[Scope, int], Rule] = {}

    def rule(self, scope: Scope, code: int) -> Rule:
        """The rule that holds in a country."""
        rule = self._rules.get((scope, code))
        if rule is None:
            rule = self._rules[scope, code] = self.policy.rule(*scope, country_name(code))
        return rule

    def judge(self, block: Block) -> dict[Scope, Judged]:
        """Every row under its own rule, for every scope."""
        table = block.table
        terms = self._curated.among(table.keys)
        codes = table.keys & COUNTRY_MASK
        present = np.unique(codes).tolist()
        kept = table.tweets >= self.policy.evidence_floor
        found: dict[Scope, Judged] = {}
        known: dict[tuple[object, ...], Judged] = {}
        for scope in self.scopes:
            column = self._columns[scope[0]]
            rules = [self.rule(scope, code) for code in present]
            same = (column, *rules)
            if same not in known:
                known[same] = _judge(table, codes, kept, terms, column, dict(zip(present, rules, strict=True)))
            found[scope] = known[same]
        return found

    def forget_terms(self, used: Container[int]) -> None:
        """Drop what is known of hashtags whose numbers are not used any more."""
        self._curated.forget(used)


def _judge(
    table: EvidenceTable,
    codes: npt.NDArray[np.int64],
    kept: npt.NDArray[np.bool_],
    terms: npt.NDArray[np.bool_],
    column: int,
    rules: Mapping[int, Rule],
) -> Judged:
    m = len(table.keys)
    level, lower, upper = np.zeros(m, np.int8), np.zeros(m), np.ones(m)
    part, at = np.zeros(m, np.int64), np.zeros(m, np.int64)
    judged: list[RuleLevels] = []
    for rule in dict.fromkeys(rules.values()):
        if table.window_ms not in rule.windows_ms:
            continue
        rows = np.flatnonzero(np.isin(codes, [code for code, one in rules.items() if one == rule]) & kept)
        some = table if len(rows) == m else table.take(rows)
        one = levels(some, rule, column, terms[rows], rule.confidence)
        level[rows], lower[rows], upper[rows] = one.level, one.lower, one.upper
        part[rows], at[rows] = len(judged), np.arange(len(rows))
        judged.append(one)
    return Judged(level, level.tobytes(), lower, upper, judged, part, at)


def _may_begin(level: int, before: Ruling | None, rule: Rule) -> bool:
    """Whether a ruling may begin that must say what it rests on; also where another mode holds than it began under."""
    if before is None or before.action == "clear":
        return level == OVER
    return level >= BETWEEN and before.action != ACTION_OF_MODE[rule.mode]


@dataclass(slots=True)
class Walk:
    """The states of one shard under a bench's policy.

    Args:
        said: told every change.
        only: the hashtags walked; None: all.
        never: hashtags that are never suppressed.
        valves: the shard's.
    """

    bench: Bench
    tags: Tags
    said: Said
    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()
    valves: ShardValves = field(default_factory=lambda: ShardValves(1))
    states: dict[int, dict[Scope, Ruling]] = field(default_factory=dict)
    _judged: dict[Block, dict[Scope, Judged]] = field(default_factory=dict)
    _over: dict[Rows, list[int]] = field(default_factory=dict)
    _leaving: set[Scope] = field(default_factory=set)
    """Scopes of the policy before that this one does not have: what stands there ends with the next tick."""

    def follow(self, bench: Bench) -> None:
        """Another policy from the next tick on. What stands stays, as with a judge."""
        if bench is not self.bench:
            self._leaving |= set(self.bench.scopes) - set(bench.scopes)
            self.bench, self.never = bench, bench.policy.never_suppressed
            self._judged, self._over = {}, {}

    def take(self, chunk: Chunk, judged: Mapping[Block, dict[Scope, Judged]]) -> None:
        """Walk a chunk; `judged` has its blocks."""
        self._judged.update(judged)
        for block in {rows.block for tick in chunk.ticks for rows in tick.windows.values()} - self._judged.keys():
            self._judged[block] = self.bench.judge(block)  # it stands since before this policy
        self._find_over(chunk)
        for tick in chunk.ticks:
            self._step(tick)
        standing = chunk.ticks[-1].windows.values()
        self._judged = {rows.block: self._judged[rows.block] for rows in standing}
        self._over = {rows: self._over[rows] for rows in standing}

    def _find_over(self, chunk: Chunk) -> None:
        """Keys that are over in some scope, by tick and window."""
        any_over = {}
        for block in self._judged:
            over = np.zeros(len(block.table.keys), bool)
            for one in set(self._judged[block].values()):
                over |= one.level == OVER
            any_over[block] = np.flatnonzero(over)
        for tick in chunk.ticks:
            for rows in tick.windows.values():
                if rows not in self._over:
                    hits = any_over[rows.block]
                    first, last = np.searchsorted(hits, (rows.first, rows.last))
                    self._over[rows] = rows.block.table.keys[hits[first:last]].tolist()

    def _step(self, tick: Tick) -> None:
        windows = [rows for window_ms, rows in sorted(tick.windows.items())]
        limits = self.bench.policy.valves
        shortest = tick.windows.get(self.bench.policy.windows_ms[0])
        keys = set(self.states)
        seen = self._table(shortest) if limits.watch_scorer and shortest is not None else None
        blind = scorer_fault(limits, seen) is not None
        if not blind:
            for rows in windows:
                keys.update(self._over[rows])
        befores: dict[int, dict[Scope, Ruling]] = {}
        for key in keys:
            if self.only is None or self.tags.name(key) in self.only:
                before = dict(self.states.get(key, {}))
                if self._decide(key, tick, windows, blind):
                    befores[key] = before
        self._pass_valves(tick.tick_ms, befores, shortest)
        for key in befores:
            self.said(tick.tick_ms, key, self.states[key])
        for key in keys:
            if not self.states.get(key, True):
                del self.states[key]
        self._leaving = set()

    def _table(self, rows: Rows) -> EvidenceTable:
        """The table of one tick, as a judge under this policy has it."""
        table, floor = rows.block.table, self.bench.policy.evidence_floor
        return table.take(rows.first + np.flatnonzero(table.tweets[rows.first : rows.last] >= floor))

    def _pass_valves(self, tick_ms: int, befores: Mapping[int, dict[Scope, Ruling]], shortest: Rows | None) -> None:
        begun = []
        for key, before in befores.items():
            new = newly_hiding(before, self.states[key])
            if new:
                begun.append(Begun(key, self.tags.name(key), country_of(key), greatest_lower(new.values())))
        if not begun:
            return
        table = None if shortest is None else self._table(shortest)
        none = np.zeros(0, np.int64)
        crowd = Crowd(
            none if table is None else table.keys,
            none if table is None else table.tweets,
            lambda key: hides_anywhere(befores.get(key, self.states.get(key, {})).values()),
            self.bench.policy.valves.top_tags,
        )
        for key, valve in self.valves.admit(self.bench.policy.valves, tick_ms, begun, crowd).items():
            self.states[key].update(refused(befores[key], self.states[key], valve))

    def _decide(self, key: int, tick: Tick, windows: list[Rows], blind: bool) -> bool:
        """As `ShardJudge` does it; returns whether anything changed."""
        states = self.states.setdefault(key, {})
        seen = [(rows, row) for rows in windows if (row := rows.rows.get(key)) is not None]
        code, changed = key & COUNTRY_MASK, False
        never = self.tags.name(key) in self.never
        for scope in self.bench.scopes:
            before = states.get(scope)
            level = LOW
            if not blind:
                level = max((self._judged[rows.block][scope].quick[row] for rows, row in seen), default=LOW)
            if before is None and level != OVER:
                continue
            rule = rule_under_valve(self.bench.rule(scope, code), before)
            after = decide(
                self._explained(seen, scope, level) if _may_begin(level, before, rule) else _BARE[level],
                before,
                rule,
                tick.tick_ms,
                category=scope[0],
                surface=scope[1],
                never=never,
                max_automated_ms=self.bench.policy.max_automated_ms,
                holding=tick.holding,
                gone=before is not None and before.lapsed and not self._kept(seen, rule),
            )
            if after is before:
                continue
            if after is None:
                del states[scope]
                changed |= before is not None and (before.action != "clear" or before.lapsed)
            else:
                states[scope] = after
                changed = True
        for left in self._leaving & states.keys():
            ended = states.pop(left)
            changed |= ended.action != "clear" or ended.lapsed
        return changed

    def _kept(self, seen: list[tuple[Rows, int]], rule: Rule) -> bool:
        floor = self.bench.policy.evidence_floor
        return any(
            rows.block.table.window_ms in rule.windows_ms and rows.block.table.tweets[row] >= floor
            for rows, row in seen
        )

    def _explained(self, seen: list[tuple[Rows, int]], scope: Scope, level: int) -> Standing:
        for rows, row in seen:
            judged = self._judged[rows.block][scope]
            if judged.quick[row] == level:
                return judged.standing(row)
        raise AssertionError("a level comes from some window")

    def name(self, key: int) -> tuple[str, str]:
        """(hashtag, country) of a key."""
        return self.tags.name(key), country_of(key)
