"""The decision loop of one settled tick. The judge and the backtest both run it, so that they cannot disagree.

The loop reads results and rules through `TickEvaluation`. The judge evaluates the tables of one tick; the backtest
evaluates thousands of ticks at once, as columns.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec.structs import replace

from streams.counting.keys import Tags, country_of
from streams.judging.circuit_breakers import (
    CAPPED_VALVES,
    CircuitBreakers,
    NewCase,
    NewSuppression,
    TopTags,
    as_reviews,
    greatest_lower,
    hides_anywhere,
    newly_asking,
    newly_hiding,
    rule_under_breaker,
)
from streams.judging.hysteresis import decide
from streams.judging.key_state import Scope
from streams.judging.levels import OVER_ALONE, RuleResult
from streams.log.decisions import REPEAT_LAPSED_MS, DecisionReason, ScopeDecision
from streams.policy import Policy, Rule
from streams.signals.base import Ints

ScopeDecisions = dict[Scope, ScopeDecision]
"""Settled decisions of one key by scope."""


class TickEvaluation(Protocol):
    """Results of one tick's evidence under one policy."""

    @property
    def scopes(self) -> Sequence[Scope]:
        """Every (category, surface) that can be decided."""

    def rule(self, key: int, scope: Scope) -> Rule:
        """Return the rule of a scope in the key's country."""

    def result(self, key: int, scope: Scope) -> RuleResult:
        """Return the result of a key over all windows of its rule."""

    def is_gone(self, key: int, scope: Scope) -> bool:
        """Check whether a key is below `evidence_floor` in every window of its rule."""

    def sizes(self) -> tuple[Ints, Ints]:
        """Return the keys of the shortest window and their tweets, both (n,)."""


@dataclass(slots=True)
class Step:
    """Outcome of a settled tick."""

    before: dict[int, ScopeDecisions] = field(default_factory=dict)
    """Decisions before the tick, of the keys of which any has changed."""
    publish: set[int] = field(default_factory=set)
    """Keys whose decisions must be published."""
    refused: list[DecisionReason] = field(default_factory=list)
    """Circuit breakers that turned a decision into a review."""


def step(
    states: Mapping[int, ScopeDecisions],
    evaluation: TickEvaluation,
    policy: Policy,
    breakers: CircuitBreakers,
    tick_ms: int,
    *,
    tags: Tags,
    protected: Container[str],
    paused: bool,
    decided_and_hidden: Callable[[int], bool] = lambda key: False,
) -> Step:
    """Move settled decisions to a tick.

    1. Every scope of every key is decided by its result, its rule and its state; scopes that the policy does not have
       any more end.
    2. New reviews of keys that are uncorroborated or not assessed are admitted up to their caps; those refused do not
       begin.
    3. New suppressions are admitted by the circuit breakers; those refused become reviews.

    `states` has the decisions of every key that is over or has any, and is changed in place. No automated decision
    hides a `protected` hashtag. Nothing is cleared while `paused`, since a gap of the log is in the windows.
    `decided_and_hidden` returns whether a key counts as hidden that is not in `states`, since the previous owner has
    decided its tick.
    """
    done, scopes = Step(), set(evaluation.scopes)
    for key, state in states.items():
        before, is_protected = dict(state), tags.name(key) in protected
        for scope in evaluation.scopes:
            known, result = state.get(scope), evaluation.result(key, scope)
            if known is None and result.level < OVER_ALONE:
                continue
            after = decide(
                result,
                known,
                rule_under_breaker(evaluation.rule(key, scope), known, result.level),
                tick_ms,
                scope=scope,
                protected=is_protected,
                max_automated_ms=policy.max_automated_ms,
                paused=paused,
                gone=known is not None and known.lapsed and evaluation.is_gone(key, scope),
            )
            if after is not None:
                state[scope] = after
            elif known is not None:
                del state[scope]
            if known is after and known is not None and known.lapsed and _is_repeated(known, tick_ms):
                done.publish.add(key)
        for scope in state.keys() - scopes:
            del state[scope]
        if _changed(before, state):
            done.before[key] = before
    _refuse_cases(states, done.before, policy, breakers, tick_ms, tags)
    for key, before in done.before.items():
        state = states[key]
        if any(
            scope in state or before[scope].action != "clear" or before[scope].lapsed
            for scope in _changed(before, state)
        ):
            done.publish.add(key)
    begun = [
        NewSuppression(key, tags.name(key), country_of(key), greatest_lower(new.values()))
        for key, before in done.before.items()
        if (new := newly_hiding(before, states[key]))
    ]
    if not begun:
        return done

    def was_hidden(key: int) -> bool:
        if key not in states:
            return decided_and_hidden(key)
        return hides_anywhere(done.before.get(key, states[key]).values())

    top = TopTags(*evaluation.sizes(), was_hidden, policy.valves.top_tags)
    for key, breaker in breakers.admit(policy.valves, tick_ms, begun, top).items():
        instead = as_reviews(done.before[key], states[key], breaker)
        states[key].update(instead)
        if any(one.action == "review" for one in instead.values()):  # a contested tag is refused at every tick
            done.refused.append(breaker)
    return done


def _changed(before: ScopeDecisions, after: ScopeDecisions) -> list[Scope]:
    return [scope for scope in before.keys() | after.keys() if after.get(scope) is not before.get(scope)]


def _refuse_cases(
    states: Mapping[int, ScopeDecisions],
    changed: dict[int, ScopeDecisions],
    policy: Policy,
    breakers: CircuitBreakers,
    tick_ms: int,
    tags: Tags,
) -> None:
    """Take back the new reviews beyond their caps, and mark those that stand for others."""
    for valve in CAPPED_VALVES:
        asking = {key: new for key, before in changed.items() if (new := newly_asking(before, states[key], valve))}
        cases = [NewCase.of(key, tags.name(key), country_of(key), new.values()) for key, new in asking.items()]
        admission = breakers.admit_cases(policy.valves, tick_ms, valve, cases)
        for key, reason in admission.summaries.items():
            states[key].update(
                (scope, replace(review, reasons=(*review.reasons, reason))) for scope, review in asking[key].items()
            )
        for key in admission.refused:
            for scope in asking[key]:
                del states[key][scope]
                if scope in changed[key]:
                    states[key][scope] = changed[key][scope]
            if not _changed(changed[key], states[key]):
                del changed[key]


def _is_repeated(lapsed: ScopeDecision, tick_ms: int) -> bool:
    """Check whether a lapsed decision is due to be published again."""
    return tick_ms > lapsed.since_ms and (tick_ms - lapsed.since_ms) % REPEAT_LAPSED_MS == 0
