"""Decisions in force in one shard, and their changes by settled ticks and early evaluations.

Settled decisions follow from settled evidence and the circuit breakers alone. Early ones are laid over them, and are
confirmed or withdrawn when their tick settles. This module knows evidence, policy and earlier decisions, not where they
come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from streams.actions import FLAGGING
from streams.constants import SHORT_WINDOW_MS
from streams.counting.keys import Tags, country_of
from streams.judging.campaigns import Campaign, campaign_of
from streams.judging.circuit_breakers import (
    NO_MODEL,
    CircuitBreakers,
    NewSuppression,
    TopTags,
    hides_anywhere,
    scorer_fault,
)
from streams.judging.curated import CuratedTags
from streams.judging.evidence import EvidenceTable
from streams.judging.hysteresis import decide_early, was_uncorroborated
from streams.judging.key_state import KeyState, Scope, greatest
from streams.judging.levels import BETWEEN, RuleLevels
from streams.judging.rule_evaluation import JudgedBy, RuleEvaluation
from streams.judging.step import step
from streams.log.decisions import Decision, DecisionReason, ScopeDecision
from streams.policy import Policy
from streams.signals.base import Ints


@dataclass(slots=True)
class TickChanges:
    """Changes by a settled tick."""

    keys: list[int] = field(default_factory=list)
    """Keys whose decisions must be published, ascending."""
    confirmed: int = 0
    withdrawn: int = 0
    refused: list[DecisionReason] = field(default_factory=list)
    """Circuit breakers that turned a decision into a review."""
    scorer_fault: DecisionReason | None = None
    campaigns: list[Campaign] = field(default_factory=list)
    """Tags that are newly hidden, hidden for longer or shown again: their author sketches go to all shards."""


class ShardDecisions:
    """The states of a shard's keys.

    Args:
        columns: score column by category.
        shards: number of judges.
    """

    def __init__(self, tags: Tags, columns: Mapping[str, int], shards: int) -> None:
        self.states: dict[int, KeyState] = {}
        self._tags = tags
        self._columns = columns
        self._breakers = CircuitBreakers(shards)
        self._followed: tuple[Policy, CuratedTags] | None = None
        self._fault: DecisionReason | None = None
        self._lost: set[tuple[str, str]] = set()
        """Hashtag and country of the decisions to write again."""
        self._write_again_from = 0
        self._judged: dict[JudgedBy, RuleLevels] = {}
        """Levels of the long windows, whose tables stay the same for a minute."""

    @property
    def _in_force(self) -> tuple[Policy, CuratedTags]:
        """The policy in force, and the comparisons with its curated terms."""
        assert self._followed is not None, "nothing is decided before a policy is in force"
        return self._followed

    def follow(self, policy: Policy) -> None:
        """Decide by another policy from now on."""
        self._followed, self._judged = (policy, CuratedTags(policy, self._tags)), {}

    def settle(
        self, tables: Mapping[int, EvidenceTable], tick_ms: int, offset: int, *, paused: bool, blind: bool = False
    ) -> TickChanges:
        """Decide every key that is over or has a state, by the settled evidence of each window, in milliseconds.

        The record at `offset` is the last one applied. Nothing is cleared while `paused`, since a gap of the log is in
        the windows. A judge is `blind` whose model in force could not be loaded.
        """
        policy, curated = self._in_force
        self.check_scorer(tables.get(policy.windows_ms[0]), blind=blind)
        evaluation = RuleEvaluation(
            policy, self._columns, tables, curated, blind=self._fault is not None, judged_before=self._judged
        )
        for key in evaluation.over():
            self.states.setdefault(key, KeyState())
        settled = {
            key: self.states[key].settled for key in sorted(self.states) if tick_ms > self.states[key].decided_ms
        }
        done = step(
            settled,
            evaluation,
            policy,
            self._breakers,
            tick_ms,
            tags=self._tags,
            protected=policy.never_suppressed,
            paused=paused,
            decided_and_hidden=partial(self._was_hidden, tick_ms),
        )
        changes = TickChanges(scorer_fault=self._fault, refused=done.refused)
        for key, after in settled.items():
            goes_on = partial(_continues, evaluation, key)
            if campaign := campaign_of(key, done.before.get(key, after), after, tick_ms, goes_on):
                changes.campaigns.append(campaign)
            if self._answer_early(evaluation, key, self.states[key], tick_ms, changes) or key in done.publish:
                changes.keys.append(key)
        if self._lost and offset >= self._write_again_from:
            changes.keys = sorted({*changes.keys, *self._write_again(tick_ms)})
        self._judged = {by: rule_levels for by, rule_levels in evaluation.judged.items() if by[0] > SHORT_WINDOW_MS}
        return changes

    def check_scorer(self, table: EvidenceTable | None, *, blind: bool) -> None:
        """Apply the dead-man's rule to the shortest window; it holds for early decisions too, until the next tick."""
        self._fault = NO_MODEL if blind else scorer_fault(self._in_force[0].valves, table)

    def write_again(self, lost: Iterable[tuple[str, str]], from_offset: int) -> None:
        """Write the state of these keys again at the first tick that settles at an offset or later.

        Args:
            lost: hashtag and country of decisions whose records cannot be read.
            from_offset: end of the shard's log when they were read, so that the new version is above the lost one.
        """
        self._lost.update(lost)
        self._write_again_from = from_offset

    def _write_again(self, tick_ms: int) -> list[int]:
        """Let the lost keys name every scope, since a lost record may have hidden them in any; return these keys.

        Scopes without a decision are cleared as a withdrawal would be: settled decisions do not change.
        """
        scopes = {(category, surface) for category, surface, _ in self._in_force[0].rule_table}
        keys = [self._tags.key(*lost) for lost in self._lost]
        self._lost.clear()
        for key in keys:
            state = self.states.setdefault(key, KeyState())
            for category, surface in scopes - state.settled.keys() - state.early.keys():
                state.barred[category, surface] = ScopeDecision(
                    category=category, surface=surface, action="clear", since_ms=tick_ms, expires_at_ms=0,
                    provisional=True,
                )  # fmt: skip
        return keys

    def drop_empty(self, tick_ms: int) -> None:
        """Drop keys without any decision, after the decisions of this tick have been published."""
        self.states = {
            key: state for key, state in self.states.items() if not state.empty or tick_ms <= state.decided_ms
        }

    def decide_early(
        self,
        policy: Policy,
        table: EvidenceTable,
        busy: tuple[Ints, Ints],
        tick_ms: int,
        *,
        version: str,
        settled_ms: int,
    ) -> list[int]:
        """Hide provisionally every key that is over at the early confidence; returns these keys.

        Args:
            policy: policy under which the tick will settle; a new one is not in force yet.
            table: evidence of keys over one window, with the open panes.
            busy: (n,) all keys that are busy, of which the biggest count for the breakers, and (n,) their tweets.
            tick_ms: end of the tick that has not settled.
            version: version of decisions that are taken now; the previous owner may have published it.
            settled_ms: end of the last settled tick.
        """
        followed, curated = self._in_force
        if policy is not followed:  # comparisons are kept for the policy in force alone
            curated = CuratedTags(policy, self._tags)
        blind = self._fault is not None
        evaluation = RuleEvaluation(policy, self._columns, {table.window_ms: table}, curated, early=True, blind=blind)
        published: list[int] = []
        top = TopTags(*busy, self._hides, policy.valves.top_tags)
        for key in sorted(evaluation.over()):
            state = self.states.setdefault(key, KeyState())
            if version <= state.published:
                continue
            candidate = self._found_early(policy, evaluation, key, state, tick_ms)
            new = NewSuppression(key, self._tags.name(key), country_of(key))
            if candidate and (
                not hides_anywhere(candidate.values()) or self._breakers.admit_early(policy.valves, tick_ms, new, top)
            ):
                state.early.update(candidate)
                published.append(key)
            elif state.empty and state.decided_ms <= settled_ms:
                del self.states[key]
        return published

    def _hides(self, key: int) -> bool:
        state = self.states.get(key)
        return state is not None and hides_anywhere((*state.settled.values(), *state.early.values()))

    def _was_hidden(self, tick_ms: int, key: int) -> bool:
        """Check whether a key that the previous owner has decided at the tick was hidden before it."""
        return key in self.states and self._breakers.was_hidden(self._tags.name(key), country_of(key), tick_ms)

    def recover(self, decisions: Sequence[Decision], settled_ms: int) -> None:
        """Recover the states from the previous owner's decisions; its last progress was at `settled_ms`."""
        self._breakers.recover(decisions, settled_ms)
        for key, decision in greatest(decisions).items():
            self.states[self._tags.key(*key)] = KeyState.read_back(decision)

    def adopt(self, decision: Decision) -> None:
        """Confirm or withdraw, when its tick settles, an early decision of a worker that has lost this shard to us."""
        if decision.provisional:
            state = self.states.setdefault(self._tags.key(decision.hashtag, decision.country), KeyState())
            state.early = KeyState.read_back(decision).early | state.early

    def forget_terms(self, unused: Iterable[int]) -> None:
        """Drop the compared hashtags whose numbers are released."""
        if self._followed is not None:
            self._followed[1].forget(unused)

    def _found_early(
        self, policy: Policy, evaluation: RuleEvaluation, key: int, state: KeyState, tick_ms: int
    ) -> dict[Scope, ScopeDecision]:
        protected = policy.is_never_suppressed(self._tags.name(key))
        return {
            scope: decision
            for scope in evaluation.scopes
            if scope not in state.early and scope not in state.barred
            if (
                decision := decide_early(
                    evaluation.result(key, scope),
                    state.settled.get(scope),
                    evaluation.rule(key, scope),
                    tick_ms,
                    scope=scope,
                    protected=protected,
                )
            )
        }

    def _answer_early(
        self, evaluation: RuleEvaluation, key: int, state: KeyState, tick_ms: int, changes: TickChanges
    ) -> bool:
        """Confirm or withdraw the early decisions whose tick has settled; lift expired bars."""
        changed = False
        for scope, early in list(state.early.items()):
            settled = state.settled.get(scope)
            action = "clear" if settled is None or was_uncorroborated(settled) else settled.action
            if action == "clear" and tick_ms < early.since_ms:
                continue
            del state.early[scope]
            changed = True
            if action in FLAGGING:
                changes.confirmed += 1
                continue
            changes.withdrawn += 1
            if action == "clear":  # else a breaker refused it: no bar, so an owner without the early one decides alike
                state.barred[scope] = replace(
                    early, action="clear", since_ms=tick_ms, expires_at_ms=0, reasons=(), evidence=None
                )
        for scope, bar in list(state.barred.items()):
            if scope not in evaluation.scopes or tick_ms - bar.since_ms >= evaluation.rule(key, scope).dwell_ms:
                del state.barred[scope]
        return changed


def _continues(evaluation: RuleEvaluation, key: int, scope: Scope) -> bool:
    """Check whether a key is neither under nor too small in a scope."""
    return scope in evaluation.scopes and evaluation.result(key, scope).level >= BETWEEN
