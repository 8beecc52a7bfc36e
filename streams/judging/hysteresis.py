"""Hysteresis of one (tag, country, category, surface): what begins, changes and ends an action.

                  over, rested                    contested
    clear ───────────────────────────► suppress ─────────────► discount ◄── contested, rested ── clear
      ▲                                 │      ◄───────────────    │
      │                                 │      established, rested │
      │   rested                        ▼                          ▼
      └──────────────── clear(since) ◄── under and rested, not over for `clear_after`, or expired

"Rested" means that a dwell has passed since the last settled change. What would not be hidden now does not stay hidden:
an action ends once its tag has not been over for `clear_after`, and at once where it began without a verdict of the
established authors and these now speak otherwise. A discount becomes a suppression by the established authors' own
verdict alone, not as these leave. Below the floors an action is neither renewed nor ended: it expires.

A tag that is unread begins a review and nothing else: people are asked. The review gives way once the tag can be
judged. An action that surfaces apply is not renewed while its tag is unread.

A tag that is over with nothing that corroborates it begins a review too, from clear alone: for everything else in force
it is neither over nor under. Such a review changes no other decision: it gives way to any action at once, it does not
lapse, and its dwell keeps only the next such review from beginning.

A hold lapses when it expires, and so does a suppression that has lasted as long as it may without a person. A lapsed
tag stays clear until its upper bound has been below `clear_at`.
"""

from __future__ import annotations

from msgspec.structs import replace

from streams.actions import ACTION_OF_MODE, AWAITING_PERSON, CONTESTED_ACTION, FLAGGING, HIDING, WEIGHING
from streams.judging.key_state import Scope
from streams.judging.levels import BETWEEN, CONTESTED, LOW, OVER, OVER_ALONE, OVER_WITHOUT, UNDER, UNREAD, RuleResult
from streams.log.decisions import NOT_ASSESSED, UNCORROBORATED, UNREAD_CAP, DecisionReason, ScopeDecision
from streams.policy import Rule

_STEP = 0.1
"""Relative change from which a weight is published again."""


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

    `state` is the decision before; None: clear for at least a dwell. A `protected` tag is on the never-suppress list.
    Without a person an automated decision lasts `max_automated_ms` at most. Nothing is cleared while `paused`, since a
    gap of the log is in the windows. The state of a tag that is `gone`, below `evidence_floor` in every window of its
    rule, may be dropped.

    Returns:
        The decision after; the same object where nothing changes.
    """
    rested = state is None or tick_ms - state.since_ms >= rule.dwell_ms
    least = OVER_WITHOUT if rule.mode == "shadow" else UNREAD
    if state is None or state.action == "clear":
        if state is not None and state.lapsed:
            if result.level != UNDER and not gone:
                return state
            state = replace(state, lapsed=False)
        elif not protected and (
            ((rested or was_uncorroborated(state)) and result.level >= least)
            or (rested and result.level == OVER_ALONE and rule.mode != "shadow")
        ):
            return _begin(result, rule, tick_ms, scope)
        return None if rested else state
    if protected:
        return _clear(state, tick_ms)
    asks = was_uncorroborated(state)
    if (state.valve == NOT_ASSESSED and result.level >= OVER_WITHOUT) or (asks and result.level >= least):
        return _begin(result, rule, tick_ms, scope)
    if result.level == OVER_ALONE and not asks:
        result = result._replace(level=BETWEEN)
    if not _is_of_mode(state, rule):  # the mode was changed while the decision was in force
        if result.level >= BETWEEN and not (result.level == UNREAD and rule.mode == "shadow") and not asks:
            return _begin(result, rule, tick_ms, scope)
        return _clear(state, tick_ms)
    contested = state.action in HIDING and result.level == CONTESTED  # to show a tag does not wait, to hide it does
    decided = state.action in WEIGHING and result.level == OVER and rested
    if (contested or decided) and not paused:
        return _begin(result, rule, tick_ms, scope)
    if result.level == UNDER and rested and not paused and not _is_active(result, state):
        return _clear(state, tick_ms)
    state = _counted_below(result, state, tick_ms, paused)
    if state.below_since_ms and result.level != LOW and not paused:
        opposed = state.without and result.voice.enough
        if opposed or tick_ms - state.below_since_ms >= rule.clear_after_ms:
            return _clear(state, tick_ms)
    return _renewed(result, state, rule, tick_ms, max_automated_ms)


def was_uncorroborated(state: ScopeDecision | None) -> bool:
    """Check whether a state is a review of an uncorroborated tag or the end of one, which hold nothing else back."""
    return state is not None and state.valve == UNCORROBORATED


def _is_of_mode(state: ScopeDecision, rule: Rule) -> bool:
    action = ACTION_OF_MODE[rule.mode]
    return state.action == action or (state.action in WEIGHING and action in HIDING)


def _is_active(result: RuleResult, state: ScopeDecision) -> bool:
    """Return whether a tag still is what its action began for. A second bound keeps a discount from flapping."""
    if state.valve == NOT_ASSESSED:
        return result.level == UNREAD
    if was_uncorroborated(state):
        return result.level == OVER_ALONE
    return result.level >= OVER_WITHOUT or (state.action in WEIGHING and result.voice.disputed)


def _counted_below(result: RuleResult, state: ScopeDecision, tick_ms: int, paused: bool) -> ScopeDecision:
    """Note since when the tag has not been over; below the floors, or with a gap of the log, nothing is known."""
    if _is_active(result, state):
        without = state.without and result.level != OVER  # the established authors have confirmed it
        changes = state.below_since_ms or without != state.without
        return replace(state, below_since_ms=0, without=without) if changes else state
    if result.level in (UNDER, BETWEEN, UNREAD) and not state.below_since_ms and not paused:
        return replace(state, below_since_ms=tick_ms)
    return state


def _renewed(
    result: RuleResult, state: ScopeDecision, rule: Rule, tick_ms: int, max_automated_ms: int
) -> ScopeDecision:
    """Renew a decision that nears its expiry or whose weight has changed, or end it at its expiry."""
    if state.weight is not None and _is_active(result, state):
        weight = result.voice.weight
        if abs(weight - state.weight) > _STEP * state.weight:
            state = replace(state, weight=weight, reasons=_reasons(result, state), evidence=result.evidence)
    limit_ms = state.since_ms + max_automated_ms
    is_blind = result.level == UNREAD and state.action in FLAGGING and not _is_active(result, state)
    if result.level >= BETWEEN and state.action not in AWAITING_PERSON and not is_blind:
        expires_at_ms = min(tick_ms + rule.expiry_ms, limit_ms)
        near = state.expires_at_ms - tick_ms <= rule.expiry_ms // 2
        if near and expires_at_ms > state.expires_at_ms and expires_at_ms > tick_ms:
            return replace(
                state, expires_at_ms=expires_at_ms, reasons=_reasons(result, state), evidence=result.evidence
            )
    if tick_ms >= state.expires_at_ms:
        is_over = result.level >= BETWEEN and (not is_blind or tick_ms >= limit_ms)
        return _clear(state, tick_ms, lapsed=state.action in AWAITING_PERSON or is_over)
    return state


def _reasons(result: RuleResult, state: ScopeDecision) -> tuple[DecisionReason, ...]:
    """Return the reasons of a renewed decision; a discount keeps its own while the tag is not contested."""
    if state.weight is not None and result.level != CONTESTED:
        return state.reasons
    return (*result.reasons, *(reason for reason in state.reasons if reason.signal == UNREAD_CAP))


def decide_early(
    result: RuleResult, state: ScopeDecision | None, rule: Rule, tick_ms: int, *, scope: Scope, protected: bool
) -> ScopeDecision | None:
    """Decide a scope before its tick has settled: provisional, where the tag is over and nothing bars it; else None."""
    if protected or result.level < OVER_WITHOUT or not rule.hides:
        return None
    bars = state is not None and (state.action != "clear" or state.lapsed or tick_ms - state.since_ms < rule.dwell_ms)
    if bars and not was_uncorroborated(state):
        return None
    begun = _begin(result, rule, tick_ms, scope)
    return replace(begun, provisional=True) if begun.action in FLAGGING else None


def _begin(result: RuleResult, rule: Rule, tick_ms: int, scope: Scope) -> ScopeDecision:
    action, reasons, voice, valve = ACTION_OF_MODE[rule.mode], result.reasons, result.voice, ""
    if result.level == CONTESTED and rule.hides:
        action = CONTESTED_ACTION
    if result.level == UNREAD:
        action, valve = "review", NOT_ASSESSED
    elif result.level == OVER_ALONE:
        action, valve = "review", UNCORROBORATED
    elif action in HIDING and voice.innocent_past:
        action, valve = "review", "innocent_past"
        reasons = (*reasons, DecisionReason(valve, voice.innocent_past, rule.innocent_past))
    return ScopeDecision(
        category=scope[0],
        surface=scope[1],
        action=action,
        since_ms=tick_ms,
        expires_at_ms=tick_ms + rule.expiry_ms,
        reasons=reasons,
        evidence=result.evidence,
        valve=valve,
        weight=voice.weight if action in WEIGHING else None,
        without=result.level == OVER_WITHOUT,
    )


def _clear(state: ScopeDecision, tick_ms: int, *, lapsed: bool = False) -> ScopeDecision:
    asked = was_uncorroborated(state)
    return ScopeDecision(
        category=state.category,
        surface=state.surface,
        action="clear",
        since_ms=tick_ms,
        expires_at_ms=0,
        lapsed=lapsed and not asked,
        valve=UNCORROBORATED if asked else "",
    )
