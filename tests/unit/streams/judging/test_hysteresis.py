"""The state machine: what is decided from where a tag stands, and that nothing flaps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from streams.judging.hysteresis import decide, decide_early
from streams.judging.levels import BETWEEN, LOW, OVER, UNDER, Standing
from streams.log.decisions import Reason, Ruling
from streams.policy.rules import NO_CORROBORATION, Rule

TICK = 10_000
RULE = Rule("suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 30_000, 100_000, NO_CORROBORATION)
DAY_MS = 86_400_000
WHY = (Reason("harmful_share_lower", 0.5, 0.4),)


class Spoken(Standing):
    """One that tells its reason without a table."""

    reasons = WHY


def step(state: Ruling | None, level: int, tick_ms: int, rule: Rule = RULE, **options: object) -> Ruling | None:
    given_options = {
        "category": "abuse", "surface": "trends", "never": False, "max_automated_ms": DAY_MS, **options
    }  # fmt: skip
    return decide(Spoken(level), state, rule, tick_ms, **given_options)


def ruling(
    action: str = "suppress", since_ms: int = 0, expires_at_ms: int = 100_000, *, lapsed: bool = False
) -> Ruling:
    return Ruling(
        category="abuse", surface="trends", action=action, since_ms=since_ms, expires_at_ms=expires_at_ms, lapsed=lapsed
    )


CLEAR = ruling("clear", expires_at_ms=0)


@pytest.mark.parametrize("level", [LOW, UNDER, BETWEEN])
def test_nothing_begins_unless_it_is_over(level):
    assert step(None, level, TICK) is None


@pytest.mark.parametrize(
    ("mode", "action"),
    [("suppress", "suppress"), ("hold_for_review", "hold"), ("review", "review"), ("shadow", "shadow")],
)
def test_what_is_over_begins_the_mode_s_action(mode, action):
    found = step(None, OVER, TICK, replace(RULE, mode=mode))
    assert found is not None
    assert (found.action, found.since_ms, found.expires_at_ms, found.reasons) == (action, TICK, TICK + 100_000, WHY)
    assert not found.provisional


def test_a_tag_that_is_never_suppressed_is_never_suppressed():
    assert step(None, OVER, TICK, never=True) is None
    found = step(ruling(), OVER, TICK, never=True)
    assert found is not None and (found.action, found.since_ms, found.lapsed) == ("clear", TICK, False)


def test_it_clears_once_it_is_under_and_has_rested():
    early, due = step(ruling(), UNDER, 20_000), step(ruling(), UNDER, 30_000)
    assert early == ruling(), "the very same: nobody is told"
    assert due == ruling("clear", 30_000, 0)


def test_it_does_not_clear_while_a_gap_is_in_the_windows():
    state = ruling()
    assert step(state, UNDER, 30_000, holding=True) is state
    assert step(state, LOW, 100_000, holding=True) == ruling("clear", 100_000, 0), "but it runs out"


def test_after_a_clear_it_rests_for_a_dwell():
    assert step(CLEAR, OVER, 20_000) is CLEAR
    again = step(CLEAR, OVER, 30_000)
    assert again is not None and (again.action, again.since_ms) == ("suppress", 30_000)
    assert step(CLEAR, LOW, 30_000) is None, "and is then forgotten"


@pytest.mark.parametrize("level", [OVER, BETWEEN])
def test_it_is_refreshed_when_its_expiry_is_near(level):
    state = ruling()
    assert step(state, level, 40_000) is state
    found = step(state, level, 50_000)
    assert found is not None and found is not state
    assert (found.since_ms, found.expires_at_ms, found.reasons) == (0, 150_000, WHY)


@pytest.mark.parametrize("level", [LOW, UNDER])
def test_below_it_is_not_refreshed_and_runs_out(level):
    state = ruling(since_ms=80_000)  # it has not rested
    assert step(state, level, 90_000) is state
    found = step(state, level, 100_000)
    assert found == ruling("clear", 100_000, 0)


def test_an_automated_ruling_lasts_only_so_long_without_a_person():
    state: Ruling | None = ruling()
    for tick_ms in range(TICK, 250_000, TICK):
        state = step(state, OVER, tick_ms, max_automated_ms=250_000)
        assert state is not None and state.action == "suppress" and state.expires_at_ms <= 250_000
    lapsed = step(state, OVER, 250_000, max_automated_ms=250_000)
    assert lapsed == ruling("clear", 250_000, 0, lapsed=True)
    for tick_ms in range(260_000, 500_000, TICK):
        assert step(lapsed, OVER, tick_ms, max_automated_ms=250_000) is lapsed, "it must not turn back by itself"
        assert step(lapsed, LOW, tick_ms, max_automated_ms=250_000) is lapsed
    assert step(lapsed, UNDER, 500_000) is None
    assert step(lapsed, LOW, 500_000, gone=True) is None


def test_a_hold_is_not_renewed_and_lapses():
    hold = replace(RULE, mode="hold_for_review")
    state = ruling("hold")
    for tick_ms in range(TICK, 100_000, TICK):
        assert step(state, OVER, tick_ms, hold) is state
    for level in (OVER, LOW):
        assert step(state, level, 100_000, hold) == ruling("clear", 100_000, 0, lapsed=True)


def test_a_hold_that_is_under_is_cleared_and_did_not_lapse():
    assert step(ruling("hold"), UNDER, 30_000, replace(RULE, mode="hold_for_review")) == ruling("clear", 30_000, 0)


@pytest.mark.parametrize("level", [OVER, BETWEEN])
def test_another_mode_takes_over_at_once(level):
    found = step(ruling(since_ms=TICK), level, 20_000, replace(RULE, mode="review"))
    assert found is not None and (found.action, found.since_ms, found.expires_at_ms) == ("review", 20_000, 120_000)


@pytest.mark.parametrize("level", [UNDER, LOW])
def test_another_mode_ends_what_it_would_not_begin(level):
    found = step(ruling(since_ms=TICK), level, 20_000, replace(RULE, mode="review"))
    assert found is not None and (found.action, found.since_ms) == ("clear", 20_000)


def test_a_hold_that_has_lapsed_rests_for_its_dwell_as_any_other():
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
def test_however_a_tag_oscillates_it_changes_at_most_once_a_dwell(levels, dwell_ms, more_ms, mode):
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
            assert tick_ms < state.expires_at_ms <= tick_ms + rule.expiry_ms, "what stands has not run out"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([LOW, UNDER, BETWEEN, OVER]), max_size=60), st.integers(0, 60))
def test_a_state_that_is_forgotten_when_it_has_rested_decides_the_same(levels, at):
    """A record keeps a clear that the judge has forgotten meanwhile: read back, it makes no difference."""
    kept = forgotten = None
    for number, level in enumerate(levels, 1):
        tick_ms = number * TICK
        if number == at and kept is None and forgotten is None:
            kept = ruling("clear", tick_ms - 40_000, 0)
        kept, forgotten = step(kept, level, tick_ms), step(forgotten, level, tick_ms)
        assert kept == forgotten


# ---- early ----


def early(state: Ruling | None, level: int, tick_ms: int, rule: Rule = RULE, *, never: bool = False) -> Ruling | None:
    return decide_early(Spoken(level), state, rule, tick_ms, category="abuse", surface="trends", never=never)


@pytest.mark.parametrize(("mode", "action"), [("suppress", "suppress"), ("hold_for_review", "hold")])
def test_an_early_ruling_is_provisional(mode, action):
    found = early(None, OVER, TICK, replace(RULE, mode=mode))
    assert found is not None and found.provisional
    settled = step(None, OVER, TICK, replace(RULE, mode=mode))
    assert settled is not None and changed(found, provisional=False) == settled


@pytest.mark.parametrize("mode", ["review", "shadow"])
def test_what_hides_nothing_can_wait_for_the_tick(mode):
    assert early(None, OVER, TICK, replace(RULE, mode=mode)) is None


@pytest.mark.parametrize("level", [LOW, UNDER, BETWEEN])
def test_nothing_early_below_over(level):
    assert early(None, level, TICK) is None


def test_nothing_early_where_it_stands_already_or_must_not():
    assert early(None, OVER, TICK, never=True) is None
    assert early(ruling(), OVER, TICK) is None
    assert early(CLEAR, OVER, 20_000) is None, "it rests"
    assert early(CLEAR, OVER, 30_000) is not None
    assert early(ruling("clear", 0, 0, lapsed=True), OVER, 500_000) is None
