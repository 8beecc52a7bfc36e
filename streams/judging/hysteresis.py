"""The state of one (tag, country, category, surface): two bounds and two thresholds, and nothing flaps.

                  over, rested                       under, rested
    clear ───────────────────────────► suppress ───────────────────────► clear
      ▲                                 │   ▲ over or between: refresh
      │   rested                        │   └──────────┐
      └──────────────── clear(since) ◄──┘ runs out ────┘ below the floors: neither

"Rested" is a dwell since the last settled change. A hold, or a suppression that has lasted as long as it may without
a person, lapses: it stays clear until the upper bound has been below `clear_at`.
"""

from __future__ import annotations

from msgspec.structs import replace

from streams.judging.levels import BETWEEN, OVER, UNDER, Standing
from streams.log.decisions import Action, Ruling
from streams.policy import Rule

ACTION_OF_MODE: dict[str, Action] = {
    "suppress": "suppress",
    "hold_for_review": "hold",
    "review": "review",
    "shadow": "shadow",
}


def decide(
    standing: Standing,
    state: Ruling | None,
    rule: Rule,
    tick_ms: int,
    *,
    category: str,
    surface: str,
    never: bool,
    max_automated_ms: int,
    holding: bool = False,
    gone: bool = False,
) -> Ruling | None:
    """The ruling at a settled tick.

    Args:
        standing: where the tag stands at this tick.
        state: the ruling before; None is clear for long enough.
        tick_ms: end of the tick.
        never: the tag is on the never-suppress list.
        max_automated_ms: how long an automated ruling may last without a person.
        holding: a gap of the log is in the windows: do not clear.
        gone: the tag is below `evidence_floor` in every window: nothing need be remembered of it.
    Returns:
        The ruling after; the very same object where nothing changes.
    """
    if state is None or state.action == "clear":
        return _from_clear(standing, state, rule, tick_ms, category, surface, never, gone)
    if never:
        return _clear(state, tick_ms)
    action = ACTION_OF_MODE[rule.mode]
    if state.action != action:  # the mode was changed while it stood
        if standing.level >= BETWEEN:
            return _begin(standing, action, rule, tick_ms, category, surface)
        return _clear(state, tick_ms)
    if standing.level == UNDER and tick_ms - state.since_ms >= rule.dwell_ms and not holding:
        return _clear(state, tick_ms)
    limit_ms = state.since_ms + max_automated_ms
    if standing.level >= BETWEEN and state.action != "hold":
        expires_at_ms = min(tick_ms + rule.expiry_ms, limit_ms)
        near = state.expires_at_ms - tick_ms <= rule.expiry_ms // 2
        if near and expires_at_ms > state.expires_at_ms and expires_at_ms > tick_ms:
            return replace(state, expires_at_ms=expires_at_ms, reasons=standing.reasons, evidence=standing.evidence)
    if tick_ms >= state.expires_at_ms:
        return _clear(state, tick_ms, lapsed=state.action == "hold" or standing.level >= BETWEEN)
    return state


def decide_early(
    standing: Standing, state: Ruling | None, rule: Rule, tick_ms: int, *, category: str, surface: str, never: bool
) -> Ruling | None:
    """A provisional ruling, where the tag is over at the early confidence and nothing bars it; else None."""
    if never or standing.level != OVER or rule.mode not in ("suppress", "hold_for_review"):
        return None
    if state is not None and (state.action != "clear" or state.lapsed or tick_ms - state.since_ms < rule.dwell_ms):
        return None
    return replace(_begin(standing, ACTION_OF_MODE[rule.mode], rule, tick_ms, category, surface), provisional=True)


def _from_clear(
    standing: Standing,
    state: Ruling | None,
    rule: Rule,
    tick_ms: int,
    category: str,
    surface: str,
    never: bool,
    gone: bool,
) -> Ruling | None:
    rested = state is None or tick_ms - state.since_ms >= rule.dwell_ms
    if state is not None and state.lapsed:
        if standing.level != UNDER and not gone:
            return state
        return None if rested else replace(state, lapsed=False)
    if standing.level == OVER and rested and not never:
        return _begin(standing, ACTION_OF_MODE[rule.mode], rule, tick_ms, category, surface)
    return None if rested else state


def _begin(standing: Standing, action: Action, rule: Rule, tick_ms: int, category: str, surface: str) -> Ruling:
    return Ruling(
        category=category,
        surface=surface,
        action=action,
        since_ms=tick_ms,
        expires_at_ms=tick_ms + rule.expiry_ms,
        reasons=standing.reasons,
        evidence=standing.evidence,
    )


def _clear(state: Ruling, tick_ms: int, *, lapsed: bool = False) -> Ruling:
    return Ruling(
        category=state.category,
        surface=state.surface,
        action="clear",
        since_ms=tick_ms,
        expires_at_ms=0,
        lapsed=lapsed,
    )
