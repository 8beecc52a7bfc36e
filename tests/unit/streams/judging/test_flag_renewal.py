"""Renewal of a stopped shard's flags: in time, under versions of its own, and within the policy's limits."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.constants import MINUTE_MS, PANE_MS
from streams.judging.flag_renewal import FlagRenewal
from streams.log import decisions
from streams.log.decisions import Action, Decision, is_renewal, renewal_version, version_of
from streams.policy import Policy
from tests.support.decisions import decision
from tests.support.judge_harness import SUPPRESS
from tests.support.word_policy import POLICY, make_policy

SCOPE = "hateful_conduct", "trends"
(RULE,) = SUPPRESS.rules(*SCOPE)
START_MS = 1_611_600_000_000
LIMIT_MS = SUPPRESS.max_automated_ms
SHADOW = make_policy(POLICY.replace("[2m]", "[30s]"))
PROTECTING = make_policy(
    POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace("[2m]", "[30s]")
    + "never_suppress: [tag]\n"
)


def flag(action: Action = "suppress", *, expires_ms: int = START_MS + RULE.expiry_ms, scope: tuple[str, str] = SCOPE):
    return decision(7, (*scope, action, expires_ms), at_ms=START_MS)


def expiry(one: Decision) -> int:
    return one.rulings[0].expires_at_ms


def test_doctests() -> None:
    assert doctest.testmod(decisions) == (0, 2)


def test_flag_is_renewed_once_half_its_expiry_remains() -> None:
    renewal, half_ms = FlagRenewal([flag()], SUPPRESS), max(RULE.expiry_ms // 2, MINUTE_MS)
    due_ms = START_MS + RULE.expiry_ms - half_ms
    assert renewal.due(due_ms - 1) == []
    (one,) = renewal.due(due_ms)
    assert expiry(one) == START_MS + RULE.expiry_ms + half_ms and one.is_renewal
    assert replace(one, rulings=flag().rulings, version=flag().version) == flag(), "nothing else changes"
    assert renewal.due(due_ms) == [], "it was sent"


def test_flag_stands_for_hours_and_ends_at_its_limit() -> None:
    renewal, stands_to_ms, version = FlagRenewal([flag()], SUPPRESS), START_MS + RULE.expiry_ms, flag().version
    for now_ms in range(START_MS, START_MS + LIMIT_MS + 60 * MINUTE_MS, 10_000):
        for one in renewal.due(now_ms):
            assert one.version > version and now_ms < stands_to_ms, "before the last one has expired"
            stands_to_ms, version = expiry(one), one.version
    assert stands_to_ms == START_MS + LIMIT_MS


@pytest.mark.parametrize("action", ["hold", "review", "shadow", "allow", "clear"])
def test_only_suppressions_and_discounts_are_renewed(action: Action) -> None:
    assert FlagRenewal([flag(action)], SUPPRESS).due(START_MS + RULE.expiry_ms - 1) == []


def test_expired_flag_does_not_begin_again() -> None:
    assert FlagRenewal([flag()], SUPPRESS).due(START_MS + RULE.expiry_ms) == []


@pytest.mark.parametrize("live", [SHADOW, PROTECTING], ids=["shadow", "protected"])
def test_flag_that_the_live_policy_would_not_set_lapses(live: Policy) -> None:
    renewal = FlagRenewal([flag()], SUPPRESS)
    renewal.use(live)
    assert renewal.due(START_MS + RULE.expiry_ms - 1) == []
    renewal.use(SUPPRESS)
    assert len(renewal.due(START_MS + RULE.expiry_ms - 1)) == 1


def test_scope_that_the_policy_has_no_more_lapses() -> None:
    assert FlagRenewal([flag(scope=("gone", "trends"))], SUPPRESS).due(START_MS + RULE.expiry_ms - 1) == []


def test_flag_of_a_past_tick_stands_while_its_judge_catches_up() -> None:
    """The judge renews it by its tick, an hour ago."""
    now_ms = START_MS + 60 * MINUTE_MS
    stands = FlagRenewal([flag(expires_ms=now_ms + 5)], SUPPRESS)
    confirmed = replace(flag(expires_ms=START_MS + 2 * RULE.expiry_ms), version=version_of(8, START_MS))
    renewal = stands.follow(confirmed, now_ms)
    assert renewal is not None and renewal.version == renewal_version(confirmed.version)
    assert expiry(renewal) == now_ms + max(RULE.expiry_ms // 2, MINUTE_MS)
    assert stands.follow(replace(flag("clear"), version=version_of(9, START_MS)), now_ms) is None
    assert stands.due(now_ms) == [], "it has ended"


@pytest.mark.parametrize("known", [[], [flag("clear")], [flag()]])
def test_flag_that_does_not_stand_is_not_extended(known: list[Decision]) -> None:
    """The decision begins at a past tick, and has expired since."""
    now_ms = START_MS + 60 * MINUTE_MS
    begun = replace(flag(expires_ms=START_MS + 2 * RULE.expiry_ms), version=version_of(8, START_MS))
    assert FlagRenewal(known, SUPPRESS).follow(begun, now_ms) is None


def test_current_decision_needs_no_renewal() -> None:
    renewal = FlagRenewal([flag()], SUPPRESS)
    fresh = replace(flag(expires_ms=START_MS + 10 * MINUTE_MS), version=version_of(8, START_MS))
    assert renewal.follow(fresh, START_MS) is None


def test_greatest_version_is_renewed_in_any_order() -> None:
    now_ms = START_MS + RULE.expiry_ms - 1
    cleared = replace(flag("clear"), version=version_of(8, START_MS))
    for found in ([flag(), cleared], [cleared, flag()]):
        assert FlagRenewal(found, SUPPRESS).due(now_ms) == []
    (first,) = FlagRenewal([flag()], SUPPRESS).due(now_ms)
    later_ms = expiry(first) - 1
    (second,) = FlagRenewal([first, flag()], SUPPRESS).due(later_ms)
    assert second.version == renewal_version(first.version), "a restarted worker goes on where the last one ended"


@given(st.integers(0, 2**40), st.integers(0, 2**30), st.integers(1, PANE_MS - 1), st.integers(0, 1), st.integers(0, 9))
def test_renewals_lie_between_a_decision_and_the_next(
    offset: int, tick: int, number: int, further: int, later: int
) -> None:
    at = version_of(offset, tick * PANE_MS)
    renewal = version_of(offset, tick * PANE_MS + number)
    after = version_of(offset + further, (tick + 1 + later) * PANE_MS if not further else later * PANE_MS)
    assert at < renewal < after and is_renewal(renewal) and not is_renewal(at) and not is_renewal(after)
    if number < PANE_MS - 1:
        assert renewal < renewal_version(renewal) < after
    else:
        with pytest.raises(ValueError, match="no version"):
            renewal_version(renewal)
