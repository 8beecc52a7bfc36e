"""Hysteresis of one (tag, country, category, surface): two bounds and two thresholds keep a tag from flapping.

                  over, rested                       under, rested
    clear ───────────────────────────► suppress ───────────────────────► clear
      ▲                                 │   ▲ over or between: refresh
      │   rested                        │   └──────────┐
      └──────────────── clear(since) ◄──┘   expires ───┘ below the floors: neither

"Rested" means that a dwell has passed since the last settled change. A hold lapses when it expires, and so does a
suppression that has lasted as long as it may without a person. A lapsed tag stays clear until its upper bound has been
below `clear_at`.
"""

from __future__ import annotations

from msgspec.structs import replace

from streams.judging.key_state import Scope
from streams.judging.levels import BETWEEN, OVER, UNDER, RuleResult
from streams.log.decisions import Action, ScopeDecision
from streams.policy import Rule

ACTION_OF_MODE: dict[str, Action] = {
    "suppress": "suppress",
    "hold_for_review": "hold",
    "review": "review",
    "shadow": "shadow",
}


def decide(
    result: RuleResult,
    state: ScopeDecision | None,
    rule: Rule,
    tick_ms: int,
    *,
    scope: Scope,
    protected: bool,
    max_automated_ms: int,
    paused: bool = False,
    gone: bool = False,
) -> ScopeDecision | None:
    """Decide a scope at a settled tick.

    Args:
        result: of the tag at this tick.
        state: the decision before; None: clear for at least a dwell.
        rule: rule of the scope, with its mode, bounds and times.
        tick_ms: end of the tick.
        scope: (category, surface) to decide.
        protected: whether the tag is on the never-suppress list.
        max_automated_ms: longest time that an automated decision may last without a person.
        paused: whether a gap of the log is in the windows, so that nothing is cleared.
        gone: whether the tag is below `evidence_floor` in every window, so that its state may be dropped.

    Returns:
        The decision after; the same object where nothing changes.
    """
    if state is None or state.action == "clear":
        return _from_clear(result, state, rule, tick_ms, scope, protected, gone)
    if protected:
        return _clear(state, tick_ms)
    action = ACTION_OF_MODE[rule.mode]
    if state.action != action:  # the mode was changed while the decision was in force
        if result.level >= BETWEEN:
            return _begin(result, action, rule, tick_ms, scope)
        return _clear(state, tick_ms)
    if result.level == UNDER and tick_ms - state.since_ms >= rule.dwell_ms and not paused:
        return _clear(state, tick_ms)
    limit_ms = state.since_ms + max_automated_ms
    if result.level >= BETWEEN and state.action != "hold":
        expires_at_ms = min(tick_ms + rule.expiry_ms, limit_ms)
        near = state.expires_at_ms - tick_ms <= rule.expiry_ms // 2
        if near and expires_at_ms > state.expires_at_ms and expires_at_ms > tick_ms:
            return replace(state, expires_at_ms=expires_at_ms, reasons=result.reasons, evidence=result.evidence)
    if tick_ms >= state.expires_at_ms:
        return _clear(state, tick_ms, lapsed=state.action == "hold" or result.level >= BETWEEN)
    return state


def decide_early(
    result: RuleResult, state: ScopeDecision | None, rule: Rule, tick_ms: int, *, scope: Scope, protected: bool
) -> ScopeDecision | None:
    """Decide a scope before its tick has settled: provisional, where the tag is over and nothing bars it; else None."""
    if protected or result.level != OVER or not rule.hides:
        return None
    if state is not None and (state.action != "clear" or state.lapsed or tick_ms - state.since_ms < rule.dwell_ms):
        return None
    return replace(_begin(result, ACTION_OF_MODE[rule.mode], rule, tick_ms, scope), provisional=True)


def _from_clear(
    result: RuleResult,
    state: ScopeDecision | None,
    rule: Rule,
    tick_ms: int,
    scope: Scope,
    protected: bool,
    gone: bool,
) -> ScopeDecision | None:
    rested = state is None or tick_ms - state.since_ms >= rule.dwell_ms
    if state is not None and state.lapsed:
        if result.level != UNDER and not gone:
            return state
        return None if rested else replace(state, lapsed=False)
    if result.level == OVER and rested and not protected:
        return _begin(result, ACTION_OF_MODE[rule.mode], rule, tick_ms, scope)
    return None if rested else state


def _begin(result: RuleResult, action: Action, rule: Rule, tick_ms: int, scope: Scope) -> ScopeDecision:
    return ScopeDecision(
        category=scope[0],
        surface=scope[1],
        action=action,
        since_ms=tick_ms,
        expires_at_ms=tick_ms + rule.expiry_ms,
        reasons=result.reasons,
        evidence=result.evidence,
    )


def _clear(state: ScopeDecision, tick_ms: int, *, lapsed: bool = False) -> ScopeDecision:
    return ScopeDecision(
        category=state.category,
        surface=state.surface,
        action="clear",
        since_ms=tick_ms,
        expires_at_ms=0,
        lapsed=lapsed,
    )
