"""Transitions of the state machine, and limits on how often a tag changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from streams.judging.hysteresis import decide, decide_early
from streams.judging.levels import BETWEEN, LOW, OVER, UNDER, RuleResult
from streams.log.decisions import DecisionReason, ScopeDecision
from streams.policy.rules import NO_CORROBORATION, Rule

TICK = 10_000
RULE = Rule("suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 30_000, 100_000, NO_CORROBORATION)
DAY_MS = 86_400_000
SCOPE = ("abuse", "trends")
WHY = (DecisionReason("harmful_share_lower", 0.5, 0.4),)


class FixedResult(RuleResult):
    """A result with a fixed reason and no table."""

    reasons = WHY


def step(
    state: ScopeDecision | None, level: int, tick_ms: int, rule: Rule = RULE, **options: object
) -> ScopeDecision | None:
    given = {"scope": SCOPE, "protected": False, "max_automated_ms": DAY_MS, **options}
    return decide(FixedResult(level), state, rule, tick_ms, **given)


def decision(
    action: str = "suppress", since_ms: int = 0, expires_at_ms: int = 100_000, *, lapsed: bool = False
) -> ScopeDecision:
    return ScopeDecision(
        category="abuse", surface="trends", action=action, since_ms=since_ms, expires_at_ms=expires_at_ms, lapsed=lapsed
    )


CLEAR = decision("clear", expires_at_ms=0)


@pytest.mark.parametrize("level", [LOW, UNDER, BETWEEN])
def test_decide_begins_nothing_below_over(level):
    assert step(None, level, TICK) is None


@pytest.mark.parametrize(
    ("mode", "action"),
    [("suppress", "suppress"), ("hold_for_review", "hold"), ("review", "review"), ("shadow", "shadow")],
)
def test_decide_begins_action_of_mode_when_over(mode, action):
    found = step(None, OVER, TICK, replace(RULE, mode=mode))
    assert found is not None
    assert (found.action, found.since_ms, found.expires_at_ms, found.reasons) == (action, TICK, TICK + 100_000, WHY)
    assert not found.provisional


def test_decide_never_hides_protected_tag():
    assert step(None, OVER, TICK, protected=True) is None
    found = step(decision(), OVER, TICK, protected=True)
    assert found is not None and (found.action, found.since_ms, found.lapsed) == ("clear", TICK, False)


def test_decide_clears_under_tag_after_dwell():
    early, due = step(decision(), UNDER, 20_000), step(decision(), UNDER, 30_000)
    assert early == decision(), "the same object: nothing is published"
    assert due == decision("clear", 30_000, 0)


def test_decide_does_not_clear_while_gap_is_in_windows():
    state = decision()
    assert step(state, UNDER, 30_000, paused=True) is state
    assert step(state, LOW, 100_000, paused=True) == decision("clear", 100_000, 0), "but it expires"


def test_decide_rests_for_dwell_after_clear():
    assert step(CLEAR, OVER, 20_000) is CLEAR
    again = step(CLEAR, OVER, 30_000)
    assert again is not None and (again.action, again.since_ms) == ("suppress", 30_000)
    assert step(CLEAR, LOW, 30_000) is None, "and is then dropped"


@pytest.mark.parametrize("level", [OVER, BETWEEN])
def test_decide_refreshes_when_expiry_is_near(level):
    state = decision()
    assert step(state, level, 40_000) is state
    found = step(state, level, 50_000)
    assert found is not None and found is not state
    assert (found.since_ms, found.expires_at_ms, found.reasons) == (0, 150_000, WHY)


@pytest.mark.parametrize("level", [LOW, UNDER])
def test_decide_lets_action_expire_below_between(level):
    state = decision(since_ms=80_000)  # it has not rested
    assert step(state, level, 90_000) is state
    found = step(state, level, 100_000)
    assert found == decision("clear", 100_000, 0)


def test_suppression_lapses_at_max_automated_time():
    state: ScopeDecision | None = decision()
    for tick_ms in range(TICK, 250_000, TICK):
        state = step(state, OVER, tick_ms, max_automated_ms=250_000)
        assert state is not None and state.action == "suppress" and state.expires_at_ms <= 250_000
    lapsed = step(state, OVER, 250_000, max_automated_ms=250_000)
    assert lapsed == decision("clear", 250_000, 0, lapsed=True)
    for tick_ms in range(260_000, 500_000, TICK):
        assert step(lapsed, OVER, tick_ms, max_automated_ms=250_000) is lapsed, "it must not begin again by itself"
        assert step(lapsed, LOW, tick_ms, max_automated_ms=250_000) is lapsed
    assert step(lapsed, UNDER, 500_000) is None
    assert step(lapsed, LOW, 500_000, gone=True) is None


def test_hold_is_not_renewed_and_lapses():
    hold = replace(RULE, mode="hold_for_review")
    state = decision("hold")
    for tick_ms in range(TICK, 100_000, TICK):
        assert step(state, OVER, tick_ms, hold) is state
    for level in (OVER, LOW):
        assert step(state, level, 100_000, hold) == decision("clear", 100_000, 0, lapsed=True)


def test_hold_clears_without_lapse_when_under():
    assert step(decision("hold"), UNDER, 30_000, replace(RULE, mode="hold_for_review")) == decision("clear", 30_000, 0)


@pytest.mark.parametrize("level", [OVER, BETWEEN])
def test_changed_mode_replaces_action_at_once(level):
    found = step(decision(since_ms=TICK), level, 20_000, replace(RULE, mode="review"))
    assert found is not None and (found.action, found.since_ms, found.expires_at_ms) == ("review", 20_000, 120_000)


@pytest.mark.parametrize("level", [UNDER, LOW])
def test_changed_mode_ends_action_below_between(level):
    found = step(decision(since_ms=TICK), level, 20_000, replace(RULE, mode="review"))
    assert found is not None and (found.action, found.since_ms) == ("clear", 20_000)


def test_lapsed_hold_rests_for_dwell():
    rule = replace(RULE, dwell_ms=3 * TICK, expiry_ms=6 * TICK, mode="hold_for_review")
    state = step(None, OVER, TICK, rule)
    for number in range(2, 8):
        state = step(state, LOW, number * TICK, rule)
    assert state is not None and (state.action, state.lapsed) == ("clear", True)
    state = step(state, UNDER, 8 * TICK, rule)
    assert state is not None and (state.action, state.lapsed, state.since_ms) == ("clear", False, 7 * TICK)
    assert step(state, OVER, 9 * TICK, rule) is state, "not before it has rested"
    again = step(state, OVER, 10 * TICK, rule)
    assert again is not None and again.action == "hold"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([LOW, UNDER, BETWEEN, OVER]), max_size=80),
    st.integers(1, 5).map(lambda n: n * TICK),
    st.integers(0, 6).map(lambda n: n * TICK),
    st.sampled_from(["suppress", "hold_for_review", "review", "shadow"]),
)
def test_oscillating_tag_changes_once_a_dwell_at_most(levels, dwell_ms, more_ms, mode):
    rule = replace(RULE, dwell_ms=dwell_ms, expiry_ms=max(2 * TICK, dwell_ms + more_ms), mode=mode)
    state, action, last_ms = None, "clear", -DAY_MS
    for number, level in enumerate(levels, 1):
        tick_ms = number * TICK
        state = step(state, level, tick_ms, rule)
        now = "clear" if state is None else state.action
        if now != action:
            assert tick_ms - last_ms >= dwell_ms
            action, last_ms = now, tick_ms
        if state is not None and state.action != "clear":
            assert tick_ms < state.expires_at_ms <= tick_ms + rule.expiry_ms, "an action in force has not expired"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([LOW, UNDER, BETWEEN, OVER]), max_size=60), st.integers(0, 60))
def test_dropped_clear_decides_same_as_kept_clear(levels, at):
    """A record may hold a clear that the judge has dropped: recovering it changes no decision."""
    kept = forgotten = None
    for number, level in enumerate(levels, 1):
        tick_ms = number * TICK
        if number == at and kept is None and forgotten is None:
            kept = decision("clear", tick_ms - 40_000, 0)
        kept, forgotten = step(kept, level, tick_ms), step(forgotten, level, tick_ms)
        assert kept == forgotten


# ---- early ----


def early(
    state: ScopeDecision | None, level: int, tick_ms: int, rule: Rule = RULE, *, protected: bool = False
) -> ScopeDecision | None:
    return decide_early(FixedResult(level), state, rule, tick_ms, scope=SCOPE, protected=protected)


@pytest.mark.parametrize(("mode", "action"), [("suppress", "suppress"), ("hold_for_review", "hold")])
def test_decide_early_is_provisional_settled_decision(mode, action):
    found = early(None, OVER, TICK, replace(RULE, mode=mode))
    assert found is not None and found.provisional
    settled = step(None, OVER, TICK, replace(RULE, mode=mode))
    assert settled is not None and changed(found, provisional=False) == settled


@pytest.mark.parametrize("mode", ["review", "shadow"])
def test_decide_early_ignores_modes_that_do_not_hide(mode):
    assert early(None, OVER, TICK, replace(RULE, mode=mode)) is None


@pytest.mark.parametrize("level", [LOW, UNDER, BETWEEN])
def test_decide_early_begins_nothing_below_over(level):
    assert early(None, level, TICK) is None


def test_decide_early_is_barred_by_state_or_protection():
    assert early(None, OVER, TICK, protected=True) is None
    assert early(decision(), OVER, TICK) is None
    assert early(CLEAR, OVER, 20_000) is None, "it rests"
    assert early(CLEAR, OVER, 30_000) is not None
    assert early(decision("clear", 0, 0, lapsed=True), OVER, 500_000) is None
