"""Transitions of the state machine, and limits on how often a tag changes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from streams.judging.circuit_breakers import rule_under_breaker
from streams.judging.hysteresis import decide_early
from streams.judging.levels import (
    BETWEEN,
    CONTESTED,
    LOW,
    OVER,
    OVER_ALONE,
    OVER_WITHOUT,
    UNDER,
    UNREAD,
    RuleResult,
)
from streams.log.decisions import DecisionReason, ScopeDecision
from streams.policy.rules import Rule
from tests.support.rule_results import DAY_MS, RULE, SCOPE, TICK, WHY, result, step


def decision(
    action: str = "suppress", since_ms: int = 0, expires_at_ms: int = 100_000, **more: object
) -> ScopeDecision:
    return ScopeDecision(
        category="abuse", surface="trends", action=action, since_ms=since_ms, expires_at_ms=expires_at_ms, **more
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
    assert early == decision(below_since_ms=20_000)
    assert step(early, UNDER, 20_000) is early, "the same object: nothing is published"
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
    state = decision(below_since_ms=30_000 if level == BETWEEN else 0)
    assert step(state, level, 40_000) is state
    found = step(state, level, 50_000)
    assert found is not None and found is not state
    assert (found.since_ms, found.expires_at_ms, found.reasons) == (0, 150_000, WHY)


@pytest.mark.parametrize("level", [LOW, UNDER])
def test_decide_lets_action_expire_below_between(level):
    state = decision(since_ms=80_000, below_since_ms=80_000)  # it has not rested
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


LEVELS = (LOW, UNDER, BETWEEN, OVER_WITHOUT, CONTESTED, OVER)
RANK = {"clear": 0, "shadow": 1, "review": 1, "discount": 1, "hold": 2, "suppress": 2}
"""Actions by how much of a tag they take away."""


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((*LEVELS, OVER_ALONE, UNREAD)), st.booleans(), st.booleans()), max_size=80),
    st.integers(1, 5).map(lambda n: n * TICK),
    st.integers(0, 6).map(lambda n: n * TICK),
    st.integers(1, 6).map(lambda n: n * TICK),
    st.sampled_from(["suppress", "hold_for_review", "review", "shadow"]),
)
def test_oscillating_tag_is_taken_away_once_a_dwell_at_most(ticks, dwell_ms, more_ms, clear_after_ms, mode):
    """To show a tag, or more of it, need not wait. A tag that was not assessed is shown."""
    rule = replace(
        RULE,
        dwell_ms=dwell_ms,
        expiry_ms=max(2 * TICK, dwell_ms + more_ms),
        mode=mode,
        clear_after_ms=clear_after_ms,
    )
    state, action, last_ms = None, "clear", -DAY_MS
    for number, (level, enough, paused) in enumerate(ticks, 1):
        tick_ms = number * TICK
        in_force = rule_under_breaker(rule, state, level)
        state = step(state, result(level, enough=enough), tick_ms, in_force, paused=paused)
        now = "clear" if state is None or state.valve else state.action
        if now != action:
            assert RANK[now] < RANK[action] or tick_ms - last_ms >= dwell_ms
            action, last_ms = now, tick_ms
        if state is not None and state.action != "clear":
            assert tick_ms < state.expires_at_ms <= tick_ms + rule.expiry_ms, "an action in force has not expired"
            assert (state.weight is None) == (state.action != "discount")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LEVELS), max_size=60), st.integers(0, 60))
def test_dropped_clear_decides_same_as_kept_clear(levels, at):
    """A record may hold a clear that the judge has dropped: recovering it changes no decision."""
    kept = forgotten = None
    for number, level in enumerate(levels, 1):
        tick_ms = number * TICK
        if number == at and kept is None and forgotten is None:
            kept = decision("clear", tick_ms - 40_000, 0)
        kept, forgotten = step(kept, level, tick_ms), step(forgotten, level, tick_ms)
        assert kept == forgotten


# ---- contested ----


@pytest.mark.parametrize(
    ("mode", "action"),
    [("suppress", "discount"), ("hold_for_review", "discount"), ("review", "review"), ("shadow", "shadow")],
)
def test_contested_tag_is_discounted_by_modes_that_hide(mode, action):
    found = step(None, result(CONTESTED, weight=0.25), TICK, replace(RULE, mode=mode))
    assert found is not None
    assert (found.action, found.since_ms, found.expires_at_ms, found.reasons) == (action, TICK, TICK + 100_000, WHY)
    assert found.weight == (0.25 if action == "discount" else None) and not found.without


@pytest.mark.parametrize("action", ["suppress", "hold"])
def test_hidden_tag_is_discounted_at_once_when_contested(action):
    rule = replace(RULE, mode="hold_for_review" if action == "hold" else "suppress")
    found = step(decision(action, since_ms=TICK), result(CONTESTED, weight=0.3), 2 * TICK, rule)
    assert found is not None and (found.action, found.since_ms, found.weight) == ("discount", 2 * TICK, 0.3)


def test_discounted_tag_is_hidden_by_established_only_after_dwell():
    state = decision("discount", since_ms=TICK, weight=0.5)
    assert step(state, OVER, 30_000) is state
    found = step(state, OVER, 40_000)
    assert found is not None and (found.action, found.since_ms, found.weight) == ("suppress", 40_000, None)
    assert not found.without


def test_discount_keeps_its_reasons_while_it_is_not_contested():
    why = (DecisionReason("coordinated_share_lower", 0.9, 0.4),)
    state = msgspec.structs.replace(decision("discount", since_ms=TICK, weight=0.5), reasons=why)
    found = step(state, result(BETWEEN, weight=0.2, disputed=True), 40_000)
    assert found is not None and (found.weight, found.reasons) == (0.2, why)


def test_discounted_tag_stays_discounted_when_established_leave():
    state = decision("discount", since_ms=TICK, weight=0.5)
    assert step(state, result(OVER_WITHOUT, weight=0.5), 40_000) is state
    faded = step(state, result(OVER_WITHOUT, weight=0.1), 40_000)
    assert faded is not None and (faded.action, faded.since_ms, faded.weight) == ("discount", TICK, 0.1)


def test_gap_in_the_windows_changes_no_action():
    hidden, discounted = decision(), decision("discount", weight=0.5)
    assert step(hidden, CONTESTED, 50_000, replace(RULE, expiry_ms=60_000), paused=True) is not None
    assert step(hidden, CONTESTED, 40_000, paused=True) is hidden
    assert step(discounted, OVER, 40_000, paused=True) is discounted


def test_discount_ends_or_changes_with_the_mode():
    state = decision("discount", weight=0.5)
    found = step(state, CONTESTED, 40_000, replace(RULE, mode="review"))
    assert found is not None and (found.action, found.since_ms, found.weight) == ("review", 40_000, None)
    assert step(state, LOW, 40_000, replace(RULE, mode="shadow")) == decision("clear", 40_000, 0)
    assert step(state, CONTESTED, 40_000, protected=True) == decision("clear", 40_000, 0)


@pytest.mark.parametrize(
    ("before", "after", "renewed"),
    [
        (0.5, 0.56, True),
        (0.5, 0.44, True),
        (0.5, 0.54, False),
        (0.5, 0.46, False),
        (0.05, 0.06, True),
        (0.0, 0.01, True),
    ],
)
def test_weight_is_renewed_when_a_tenth_of_it_changes(before, after, renewed):
    state = decision("discount", weight=before)
    found = step(state, result(CONTESTED, weight=after), 20_000)
    assert found is not None
    assert (found is not state, found.weight) == (renewed, after if renewed else before)
    assert (found.since_ms, found.expires_at_ms) == (0, 100_000), "it is still the same action"


def test_weight_is_not_renewed_while_not_contested():
    state = decision("discount", weight=0.5, below_since_ms=TICK)
    assert step(state, result(BETWEEN, weight=0.9), 20_000) is state
    assert step(state, result(LOW, weight=0.9), 20_000) is state
    found = step(state, result(BETWEEN, disputed=True, weight=0.9), 20_000)
    assert found is not None and (found.weight, found.below_since_ms) == (0.9, 0), "it is disputed again"


# ---- an action ends once its tag has not been over for `clear_after` ----

SLOW = replace(RULE, dwell_ms=DAY_MS, expiry_ms=DAY_MS, clear_after_ms=30_000)
"""A rule under which only `clear_after` ends an action."""


@pytest.mark.parametrize("level", [BETWEEN, UNDER])
@pytest.mark.parametrize(
    ("mode", "action"),
    [
        ("suppress", "suppress"),
        ("hold_for_review", "hold"),
        ("suppress", "discount"),
        ("review", "review"),
        ("shadow", "shadow"),
    ],
)
def test_action_ends_when_not_over_for_clear_after(mode, action, level):
    rule, state = replace(SLOW, mode=mode), decision(action, expires_at_ms=DAY_MS)
    for tick_ms in (10_000, 20_000, 30_000):
        state = step(state, level, tick_ms, rule)
        assert state is not None and (state.action, state.below_since_ms) == (action, 10_000)
    assert step(state, level, 40_000, rule) == decision("clear", 40_000, 0)


@pytest.mark.parametrize("level", [BETWEEN, UNDER])
def test_disputed_discount_goes_on(level):
    """A second bound: the other authors' upper one must clear, too."""
    state = decision("discount", expires_at_ms=DAY_MS, weight=0.5)
    for tick_ms in range(TICK, 10 * TICK, TICK):
        assert step(state, result(level, disputed=True), tick_ms, replace(SLOW, dwell_ms=TICK)) is state
    hidden = step(decision(expires_at_ms=DAY_MS), result(level, disputed=True), TICK, SLOW)
    assert hidden is not None and hidden.below_since_ms == TICK, "nothing else goes on"


def test_over_tag_begins_its_time_again():
    state = decision(expires_at_ms=DAY_MS)
    for tick_ms, level, since_ms in ((10_000, BETWEEN, 10_000), (20_000, OVER, 0), (30_000, BETWEEN, 30_000)):
        state = step(state, level, tick_ms, SLOW)
        assert state is not None and state.below_since_ms == since_ms
    assert step(state, BETWEEN, 50_000, SLOW) is state
    assert step(state, BETWEEN, 60_000, SLOW) == decision("clear", 60_000, 0)


def test_tag_below_floors_neither_begins_nor_ends_its_time():
    state = decision(expires_at_ms=DAY_MS)
    assert step(state, LOW, 10_000, SLOW) is state
    waiting = decision(expires_at_ms=DAY_MS, below_since_ms=10_000)
    for tick_ms in (20_000, 90_000):
        assert step(waiting, LOW, tick_ms, SLOW) is waiting
    assert step(waiting, BETWEEN, 90_000, SLOW) == decision("clear", 90_000, 0)


def test_gap_in_the_windows_neither_begins_nor_ends_time():
    state = decision(expires_at_ms=DAY_MS)
    assert step(state, BETWEEN, 10_000, SLOW, paused=True) is state
    waiting = decision(expires_at_ms=DAY_MS, below_since_ms=10_000)
    for tick_ms in (20_000, 90_000):
        assert step(waiting, BETWEEN, tick_ms, SLOW, paused=True) is waiting
    again = step(waiting, OVER, 90_000, SLOW, paused=True)
    assert again is not None and again.below_since_ms == 0
    assert step(waiting, BETWEEN, 90_000, SLOW) == decision("clear", 90_000, 0)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(LEVELS), st.booleans()), max_size=60),
    st.integers(1, 6).map(lambda n: n * TICK),
)
def test_end_equals_search_through_all_levels(ticks, clear_after_ms):
    """A contested tag counts as over in the mode `review`."""
    rule = replace(SLOW, mode="review", clear_after_ms=clear_after_ms)
    state, seen = decision("review", expires_at_ms=DAY_MS), []
    for number, (level, paused) in enumerate(ticks, 1):
        tick_ms = number * TICK
        seen.append((tick_ms, level, paused))
        state = step(state, result(level, enough=False), tick_ms, rule, paused=paused)
        if naively_ended(seen, clear_after_ms):
            assert state == decision("clear", tick_ms, 0)
            return
        assert state is not None and state.action == "review"


def naively_ended(seen: list[tuple[int, int, bool]], clear_after_ms: int) -> bool:
    """Search the ticks since the tag was last over for the first that counts; gaps and small counts do not."""
    last_over = max((at for at, (_, level, _) in enumerate(seen) if level >= OVER_WITHOUT), default=-1)
    counting = [tick_ms for tick_ms, level, paused in seen[last_over + 1 :] if level != LOW and not paused]
    now_ms = seen[-1][0]
    return bool(counting) and counting[-1] == now_ms and now_ms - counting[0] >= clear_after_ms


# ---- without the established authors ----


@pytest.mark.parametrize("action", ["suppress", "hold"])
@pytest.mark.parametrize("level", [BETWEEN, UNDER])
def test_action_without_verdict_ends_when_established_oppose(action, level):
    rule = replace(SLOW, mode="hold_for_review" if action == "hold" else "suppress")
    state = step(None, OVER_WITHOUT, TICK, rule)
    assert state is not None and (state.action, state.without) == (action, True)
    still = step(state, result(level, enough=False), 2 * TICK, rule)
    assert still is not None and (still.action, still.below_since_ms) == (action, 2 * TICK), "they are too few"
    for before in (state, still):
        assert step(before, result(level, enough=True), 3 * TICK, rule) == decision("clear", 3 * TICK, 0)


def test_opposed_action_goes_on_during_a_gap():
    state = decision(expires_at_ms=DAY_MS, without=True)
    assert step(state, result(BETWEEN, enough=True), TICK, SLOW, paused=True) is state
    assert step(state, result(LOW, enough=True), TICK, SLOW) is state


def test_action_with_verdict_waits_for_clear_after():
    state = step(None, OVER, TICK, SLOW)
    assert state is not None and not state.without
    found = step(state, result(BETWEEN, enough=True), 2 * TICK, SLOW)
    assert found is not None and found.action == "suppress"


def test_verdict_of_established_authors_confirms_an_action():
    """Later doubts are then theirs, so that the action ends as any other."""
    state = decision(expires_at_ms=DAY_MS, without=True)
    state = step(state, OVER, TICK, SLOW)
    assert state == decision(expires_at_ms=DAY_MS)
    found = step(state, result(BETWEEN, enough=True), 2 * TICK, SLOW)
    assert found is not None and found.action == "suppress"


# ---- innocent past ----


@pytest.mark.parametrize("level", [OVER_WITHOUT, OVER])
@pytest.mark.parametrize("mode", ["suppress", "hold_for_review"])
def test_innocent_past_goes_to_review(mode, level):
    rule = replace(RULE, mode=mode, innocent_past=100)
    found = step(None, result(level, innocent_past=120), TICK, rule)
    assert found is not None and (found.action, found.valve, found.weight) == ("review", "innocent_past", None)
    assert found.reasons == (*WHY, DecisionReason("innocent_past", 120, 100))


def test_review_of_an_innocent_past_stays_review_unless_contested():
    """The past is over as soon as the window is in it."""
    begun = state = step(None, result(OVER, innocent_past=120), TICK)
    for number in range(2, 40):
        level = (OVER, OVER_WITHOUT)[number % 2]
        state = step(state, level, number * TICK, rule_under_breaker(RULE, state, level))
        assert state is not None and (state.action, state.since_ms) == ("review", TICK)
    for number in range(40, 47):
        state = step(state, BETWEEN, number * TICK, rule_under_breaker(RULE, state, BETWEEN))
    assert state is not None and state.action == "clear"
    contested = step(begun, CONTESTED, 2 * TICK, rule_under_breaker(RULE, begun, CONTESTED))
    assert contested is not None and (contested.action, contested.valve) == ("discount", "")


def test_innocent_past_lets_a_contested_tag_be_discounted():
    found = step(None, result(CONTESTED, innocent_past=120), TICK)
    assert found is not None and (found.action, found.valve) == ("discount", "")


def test_innocent_past_does_not_end_what_is_hidden():
    state = decision()
    assert step(state, result(OVER, innocent_past=120), 40_000) is state


# ---- early ----


def early(
    state: ScopeDecision | None, level: int | RuleResult, tick_ms: int, rule: Rule = RULE, *, protected: bool = False
) -> ScopeDecision | None:
    judged = result(level) if isinstance(level, int) else level
    return decide_early(judged, state, rule, tick_ms, scope=SCOPE, protected=protected)


@pytest.mark.parametrize(("mode", "action"), [("suppress", "suppress"), ("hold_for_review", "hold")])
def test_decide_early_is_provisional_settled_decision(mode, action):
    found = early(None, OVER, TICK, replace(RULE, mode=mode))
    assert found is not None and found.provisional
    settled = step(None, OVER, TICK, replace(RULE, mode=mode))
    assert settled is not None and changed(found, provisional=False) == settled


@pytest.mark.parametrize("mode", ["suppress", "hold_for_review"])
def test_decide_early_discounts_contested_tag(mode):
    found = early(None, result(CONTESTED, weight=0.25), TICK, replace(RULE, mode=mode))
    assert found is not None and (found.action, found.weight, found.provisional) == ("discount", 0.25, True)


def test_decide_early_leaves_innocent_past_to_people():
    assert early(None, result(OVER, innocent_past=120), TICK) is None
    assert early(None, result(OVER_WITHOUT, innocent_past=120), TICK) is None
    assert early(None, result(CONTESTED, innocent_past=120), TICK) is not None


@pytest.mark.parametrize("level", [OVER, OVER_WITHOUT, CONTESTED])
@pytest.mark.parametrize("mode", ["review", "shadow"])
def test_decide_early_ignores_modes_that_do_not_hide(mode, level):
    assert early(None, level, TICK, replace(RULE, mode=mode)) is None


@pytest.mark.parametrize("level", [LOW, UNDER, BETWEEN])
def test_decide_early_begins_nothing_below_over(level):
    assert early(None, level, TICK) is None


def test_decide_early_is_barred_by_state_or_protection():
    assert early(None, OVER, TICK, protected=True) is None
    assert early(decision(), OVER, TICK) is None
    assert early(decision("discount", weight=0.5), OVER, DAY_MS) is None, "to hide it waits for a settled tick"
    assert early(CLEAR, OVER, 20_000) is None, "it rests"
    assert early(CLEAR, OVER, 30_000) is not None
    assert early(decision("clear", 0, 0, lapsed=True), OVER, 500_000) is None


def test_unread_tag_begins_a_review_in_modes_that_act():
    for mode in ("suppress", "hold_for_review", "review"):
        begun = step(None, UNREAD, TICK, replace(RULE, mode=mode))
        assert begun is not None and (begun.action, begun.valve) == ("review", "not_assessed")
    assert step(None, UNREAD, TICK, replace(RULE, mode="shadow")) is None
    assert decide_early(result(UNREAD), None, RULE, TICK, scope=SCOPE, protected=False) is None


def test_unread_review_lasts_while_unread_and_gives_way_to_a_verdict():
    begun = step(None, UNREAD, TICK)
    assert begun is not None
    under = rule_under_breaker(RULE, begun, UNREAD)
    assert step(begun, UNREAD, 10 * TICK, under).expires_at_ms > begun.expires_at_ms, "renewed"
    for level, action in ((OVER, "suppress"), (OVER_WITHOUT, "suppress"), (CONTESTED, "discount")):
        after = step(begun, level, 2 * TICK, rule_under_breaker(RULE, begun, level))
        assert after is not None and (after.action, after.valve) == (action, "")
    waits = step(begun, BETWEEN, 2 * TICK, rule_under_breaker(RULE, begun, BETWEEN))
    assert waits is not None and waits.below_since_ms == 2 * TICK
    ended = step(waits, BETWEEN, 2 * TICK + RULE.clear_after_ms, rule_under_breaker(RULE, waits, BETWEEN))
    assert ended is not None and ended.action == "clear"


def test_unread_review_of_a_reviewing_rule_gives_way_to_its_own():
    reviewing = replace(RULE, mode="review")
    begun = step(None, UNREAD, TICK, reviewing)
    after = step(begun, OVER, 2 * TICK, reviewing)
    assert after is not None and (after.action, after.valve) == ("review", "") and after.since_ms == 2 * TICK


def test_suppression_ends_when_its_tag_becomes_unread():
    state = decision(expires_at_ms=900_000)
    waits = step(state, UNREAD, 4 * TICK)
    assert waits is not None and (waits.action, waits.below_since_ms) == ("suppress", 4 * TICK)
    ended = step(waits, UNREAD, 4 * TICK + RULE.clear_after_ms)
    assert ended is not None and ended.action == "clear"


def test_unread_review_ends_once_its_rule_notes_only():
    """Mode `shadow` begins no review of an unread tag, so it does not begin it again at every tick."""
    shadow = replace(RULE, mode="shadow")
    for state in (step(None, UNREAD, TICK), decision()):
        after = step(state, UNREAD, 2 * TICK, shadow)
        assert after is not None and after.action == "clear"


@pytest.mark.parametrize("action", ["suppress", "discount"])
def test_hiding_action_is_not_renewed_while_its_tag_is_unread(action):
    slow = replace(RULE, clear_after_ms=DAY_MS)
    state = decision(action, expires_at_ms=60_000, weight=0.5 if action == "discount" else None)
    for tick_ms in range(TICK, 60_000, TICK):
        state = step(state, UNREAD, tick_ms, slow)
        assert state is not None and (state.action, state.expires_at_ms) == (action, 60_000)
    ended = step(state, UNREAD, 60_000, slow)
    assert ended is not None and (ended.action, ended.lapsed) == ("clear", False)
    begun = step(ended, UNREAD, 60_000 + RULE.dwell_ms, slow)
    assert begun is not None and (begun.action, begun.valve) == ("review", "not_assessed")


# ---- tags that nothing corroborates ----


def test_uncorroborated_tag_begins_a_review_in_modes_that_act():
    for mode in ("suppress", "hold_for_review", "review"):
        begun = step(None, OVER_ALONE, TICK, replace(RULE, mode=mode))
        assert begun is not None and (begun.action, begun.valve) == ("review", "uncorroborated")
    assert step(None, OVER_ALONE, TICK, replace(RULE, mode="shadow")) is None
    assert step(None, OVER_ALONE, TICK, protected=True) is None
    assert early(None, OVER_ALONE, TICK) is None


def test_uncorroborated_review_lasts_while_it_is_alone_and_ends_without_lapsing():
    begun = step(None, OVER_ALONE, TICK)
    assert begun is not None
    rule = rule_under_breaker(RULE, begun, OVER_ALONE)
    assert step(begun, OVER_ALONE, 10 * TICK, rule).expires_at_ms > begun.expires_at_ms, "renewed"
    waits = step(begun, BETWEEN, 2 * TICK, rule)
    assert waits is not None and (waits.action, waits.below_since_ms) == ("review", 2 * TICK)
    for ended in (
        step(waits, BETWEEN, 2 * TICK + RULE.clear_after_ms, rule),
        step(begun, OVER_ALONE, begun.expires_at_ms, rule, max_automated_ms=TICK),
    ):
        assert ended is not None and (ended.action, ended.lapsed) == ("clear", False)
        assert step(ended, OVER_ALONE, ended.since_ms + TICK) is ended, "the next one rests"
        again = step(ended, OVER_ALONE, ended.since_ms + RULE.dwell_ms)
        assert again is not None and again.valve == "uncorroborated"


@pytest.mark.parametrize("later", [False, True])
def test_uncorroborated_review_delays_no_early_decision(later):
    begun = step(None, OVER_ALONE, TICK)
    state = changed(begun, action="clear", since_ms=TICK) if later else begun
    found = early(state, OVER, 2 * TICK)
    assert found is not None and found.action == "suppress"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((*LEVELS, OVER_ALONE, OVER_ALONE, UNREAD)), st.booleans(), st.booleans(),
            st.sampled_from([True, *[False] * 9]),
        ),
        max_size=60,
    ),
    st.lists(st.sampled_from(["suppress", "hold_for_review", "review", "shadow"]), min_size=1, max_size=3),
    st.sampled_from([6 * TICK, DAY_MS]),
)  # fmt: skip
def test_reviews_of_uncorroborated_tags_change_no_other_decision(ticks, modes, most_ms):
    """Without them a tag that is over alone is between."""
    state = other = None
    for number, (level, enough, paused, protected) in enumerate(ticks, 1):
        rule = replace(RULE, mode=modes[number * len(modes) // (len(ticks) + 1)])
        options = {"paused": paused, "protected": protected, "max_automated_ms": most_ms}
        as_between = BETWEEN if level == OVER_ALONE else level
        disputed = level == CONTESTED
        state, other = (
            step(
                before,
                result(at, enough=enough, disputed=disputed),
                number * TICK,
                rule_under_breaker(rule, before, at),
                **options,
            )
            for before, at in ((state, level), (other, as_between))
        )
        asks = state is not None and state.valve == "uncorroborated"
        assert (None if asks else state) == other
        ready = [None if paused or protected else early(one, level, number * TICK) for one in (state, other)]
        assert ready[0] == ready[1]
