"""Circuit breakers: never more than the policy allows, nothing refused without need, the same for every owner."""

from __future__ import annotations

import random
from dataclasses import replace as altered

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.constants import HOUR_MS
from streams.judging.circuit_breakers import (
    CircuitBreakers,
    NewCase,
    NewSuppression,
    TopTags,
    as_reviews,
    newly_hiding,
    rule_under_breaker,
    scorer_fault,
)
from streams.judging.evidence import EvidenceTable
from streams.judging.hysteresis import decide
from streams.judging.levels import BETWEEN, OVER, UNDER, RuleResult
from streams.log.decisions import Decision, DecisionReason, Evidence, ScopeDecision, version_of
from streams.policy.rules import NO_CORROBORATION, Rule
from streams.policy.shape import Valves
from tests.support.evidence import evidence_table

TICK = 10_000
SCOPE = ("abuse", "trends")
RULE = Rule("suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 30_000, 100_000, NO_CORROBORATION)


def scope_decision(action: str, since_ms: int, *, provisional: bool = False) -> ScopeDecision:
    return ScopeDecision(
        category="abuse", surface="trends", action=action, since_ms=since_ms, expires_at_ms=since_ms + 100_000,
        provisional=provisional,
    )  # fmt: skip


def decision(hashtag: str, one: ScopeDecision, *, settled_ms: int | None = None) -> Decision:
    return Decision(
        hashtag=hashtag, display=hashtag, country="IN", rulings=(one,), version=version_of(1, one.since_ms),
        tick_ms=one.since_ms, settled_ms=one.since_ms if settled_ms is None else settled_ms,
        decided_at_ms=one.since_ms, policy_revision="0", model_revision="0", provisional=one.provisional,
    )  # fmt: skip


def no_top_tags() -> TopTags:
    none = np.zeros(0, np.int64)
    return TopTags(none, none, lambda key: False, 20)


def begun_at(at: int, names: list[int]) -> list[NewSuppression]:
    return [NewSuppression(name << 10, f"tag{name}at{at}", "IN", (name * 7 % 10) / 10) for name in names]


ticks = st.lists(st.lists(st.integers(1, 9), unique=True, max_size=6), min_size=1, max_size=12)


@pytest.mark.simulation
@settings(max_examples=150, deadline=None)
@given(ticks, st.integers(1, 6), st.sampled_from([1, 2, 3]), st.integers(1, 40), st.randoms())
def test_admit_keeps_to_cap_in_every_hour(steps, cap, shards, minutes, rng):
    limits = Valves(new_suppressions_per_hour=cap * shards)
    one, other = CircuitBreakers(shards), CircuitBreakers(shards)
    admitted: list[int] = []
    for number, names in enumerate(steps, 1):
        tick_ms = number * minutes * 60_000
        begun = begun_at(number, names)
        shuffled = begun[:]
        rng.shuffle(shuffled)
        found = one.admit(limits, tick_ms, begun, no_top_tags())
        assert found == other.admit(limits, tick_ms, shuffled, no_top_tags()), "their order has no effect"
        through = [each for each in begun if each.key not in found]
        used = sum(at > tick_ms - HOUR_MS for at in admitted)
        assert len(through) == min(len(begun), cap - used), "none beyond the cap, and none refused without need"
        lowest = min((each.lower for each in through), default=1.0)
        assert all(each.lower <= lowest for each in begun if each.key in found), "the most harmful first"
        assert all(reason.signal == "new_suppressions_per_hour" for reason in found.values())
        assert all((reason.value, reason.threshold) == (cap, cap) for reason in found.values())
        admitted += [tick_ms] * len(through)


@settings(max_examples=150, deadline=None)
@given(ticks, st.integers(1, 5), st.randoms())
def test_recovered_breakers_refuse_the_same_keys(steps, cap, rng):
    """The next owner recovers the decisions, of the last tick only a part, and decides the rest."""
    limits, first = Valves(new_suppressions_per_hour=cap), CircuitBreakers(1)
    published: list[Decision] = []
    for number, names in enumerate(steps, 1):
        tick_ms, begun = number * TICK, begun_at(number, names)
        truth = first.admit(limits, tick_ms, begun, no_top_tags())
        decided = [
            decision(one.hashtag, scope_decision("review" if one.key in truth else "suppress", tick_ms))
            for one in begun
        ]
        part = rng.sample(decided, rng.randint(0, len(decided)))
        next_owner = CircuitBreakers(1)
        next_owner.recover([*published, *part, *published[:3]], tick_ms - TICK)
        remaining = [one for one in begun if one.hashtag not in {each.hashtag for each in part}]
        assert set(next_owner.admit(limits, tick_ms, remaining, no_top_tags())) == {one.key for one in remaining} & set(
            truth
        )
        published += decided


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_admit_keeps_to_hidden_share_of_top_tags(seed):
    rng = random.Random(seed)
    keys = np.array(sorted({rng.randrange(1, 40) << 10 | rng.choice([0, 2, 3]) for _ in range(60)}))
    tweets = np.array([rng.randrange(1, 12) for _ in keys])
    hidden = {key for key in keys.tolist() if rng.random() < 0.1}
    limits = Valves(top_tags=10, suppressed_share_of_top=0.3)
    begun = [
        NewSuppression(key, f"tag{key}", "IN", rng.random())
        for key in keys.tolist()
        if key not in hidden and rng.random() < 0.4
    ]
    found = CircuitBreakers(1).admit(limits, TICK, begun, TopTags(keys, tweets, hidden.__contains__, 10))
    for country in (0, 2, 3):
        of_country = [
            (size, key) for key, size in zip(keys.tolist(), tweets.tolist(), strict=True) if key & 1023 == country
        ]
        least = sorted((size for size, _ in of_country), reverse=True)[:10][-1] if len(of_country) >= 10 else 0
        top = {key for size, key in of_country if size >= least}
        before = len(top & hidden)
        new = [one for one in begun if one.key in top]
        through = [one for one in new if one.key not in found]
        assert len(through) == min(len(new), max(3 - before, 0))
    assert all(reason.signal == "suppressed_share_of_top" for reason in found.values())


def test_top_hidden_max_is_whole_number_of_tags():
    assert Valves(top_tags=100, suppressed_share_of_top=0.29).top_hidden_max == 29
    assert Valves(top_tags=20).top_hidden_max == 20


# ---- early ----


def test_early_decisions_count_both_settled_only_settled():
    limits, breakers = Valves(new_suppressions_per_hour=2), CircuitBreakers(1)
    assert breakers.admit_early(limits, TICK, NewSuppression(1 << 10, "a", "IN"), no_top_tags())
    assert breakers.admit_early(limits, TICK, NewSuppression(1 << 10, "a", "IN"), no_top_tags()), (
        "a repeat is not counted"
    )
    assert breakers.admit_early(limits, TICK, NewSuppression(2 << 10, "b", "IN"), no_top_tags())
    assert not breakers.admit_early(limits, TICK, NewSuppression(3 << 10, "c", "IN"), no_top_tags())
    assert breakers.admit(limits, TICK, begun_at(1, [1, 2, 3]), no_top_tags()).keys() == {3 << 10}, (
        "early ones do not count"
    )
    assert not breakers.admit_early(limits, 2 * TICK, NewSuppression(4 << 10, "d", "IN"), no_top_tags())
    assert breakers.admit_early(limits, TICK + HOUR_MS, NewSuppression(4 << 10, "d", "IN"), no_top_tags())


def test_admit_early_keeps_to_hidden_share_of_top_tags():
    """One of the five biggest may be hidden, by a settled or an early decision."""
    limits, breakers = Valves(top_tags=5, suppressed_share_of_top=0.2), CircuitBreakers(1)
    keys, hidden = np.arange(1, 7) << 10, set[int]()
    top = TopTags(keys, np.array([60, 50, 40, 30, 20, 10]), hidden.__contains__, limits.top_tags)
    assert breakers.admit_early(limits, TICK, NewSuppression(1 << 10, "a", ""), top)
    hidden.add(1 << 10)
    assert breakers.admit_early(limits, TICK, NewSuppression(1 << 10, "a", ""), top), (
        "a hidden tag may be hidden in another scope"
    )
    assert not breakers.admit_early(limits, TICK, NewSuppression(2 << 10, "b", ""), top)
    assert breakers.admit_early(limits, TICK, NewSuppression(6 << 10, "f", ""), top), "it is none of the biggest"


def test_early_decision_that_settled_counts_once():
    limits, breakers = Valves(new_suppressions_per_hour=2), CircuitBreakers(1)
    assert breakers.admit_early(limits, TICK, NewSuppression(1 << 10, "a", "IN"), no_top_tags())
    assert breakers.admit(limits, TICK, [NewSuppression(1024, "a", "IN", 0.5)], no_top_tags()) == {}
    assert breakers.admit_early(limits, 2 * TICK, NewSuppression(2 << 10, "b", "IN"), no_top_tags())
    assert not breakers.admit_early(limits, 2 * TICK, NewSuppression(3 << 10, "c", "IN"), no_top_tags())


def test_recover_counts_early_decisions():
    limits, breakers = Valves(new_suppressions_per_hour=1), CircuitBreakers(1)
    breakers.recover([decision("a", scope_decision("suppress", TICK, provisional=True), settled_ms=0)], 0)
    assert not breakers.admit_early(limits, 2 * TICK, NewSuppression(2 << 10, "b", "IN"), no_top_tags())
    assert breakers.admit(limits, 2 * TICK, begun_at(2, [1]), no_top_tags()) == {}


def test_was_hidden_reads_recovered_ticks():
    breakers = CircuitBreakers(1)
    decisions = [decision("a", scope_decision(action, at)) for action, at in (("suppress", 10_000), ("clear", 40_000))]
    breakers.recover(decisions, 20_000)
    assert [breakers.was_hidden("a", "IN", at) for at in (0, 10_000, 30_000)] == [False, True, True]
    assert breakers.was_hidden("a", "IN", 40_000), (
        "a tick that is decided again counts the big tags as they were before it"
    )
    assert not breakers.was_hidden("a", "IN", 50_000)


# ---- reviews beyond their caps ----


def cases_at(at: int, tweets: list[int], valve: str = "uncorroborated", **given: object) -> list[NewCase]:
    return [
        NewCase(
            key=1000 * at + n, hashtag=f"tag{n}at{at}", country="IN", valve=valve, tweets=count,
            **{"lower": 0.5, **given},
        )
        for n, count in enumerate(tweets)
    ]  # fmt: skip


def refused(breakers: CircuitBreakers, limits: Valves, tick_ms: int, cases: list[NewCase]) -> set[int]:
    return breakers.admit_cases(limits, tick_ms, "uncorroborated", cases).refused


def asked(hashtag: str, action: str, at: int) -> Decision:
    return decision(hashtag, replace(scope_decision(action, at), valve="uncorroborated"))


def test_largest_cases_are_admitted_up_to_their_cap_in_an_hour():
    limits, breakers = Valves(uncorroborated_per_hour=3), CircuitBreakers(1)
    assert refused(breakers, limits, TICK, cases_at(1, [20, 50])) == set()
    assert refused(breakers, limits, 2 * TICK, cases_at(2, [20, 50, 30])) == {2000, 2002}
    assert refused(breakers, limits, HOUR_MS, cases_at(3, [20])) == {3000}
    assert refused(breakers, limits, TICK + HOUR_MS, cases_at(4, [20, 10, 5])) == {4002}


@pytest.mark.parametrize(("cap", "shards", "least_refused"), [(24, 8, 3), (24, 7, 4), (1, 8, 1), (0, 8, 0)])
def test_cap_of_cases_is_divided_over_the_shards(cap: int, shards: int, least_refused: int):
    limits, cases = Valves(uncorroborated_per_hour=cap), cases_at(0, list(range(99, 89, -1)))
    assert refused(CircuitBreakers(shards), limits, TICK, cases) == set(range(least_refused, 10))


def test_cases_are_admitted_by_silence_reach_bound_growth_then_corroboration():
    limits = Valves(uncorroborated_per_hour=1)
    (worst,) = cases_at(1, [20], lower=0.1)
    better = [{"is_over": True}, {"tweets": 21}, {"lower": 0.2}, {"burst": 1.5}, {"corroboration": 2}, {"hashtag": "a"}]
    for number, change in enumerate(better, 1):
        first = altered(worst, key=number, **change)
        for order in ([worst, first], [first, worst]):
            assert refused(CircuitBreakers(1), limits, TICK, order) == {worst.key}
        worst = altered(worst, **change) if "hashtag" not in change else worst


def test_recover_counts_each_case_once():
    limits, breakers = Valves(uncorroborated_per_hour=3), CircuitBreakers(1)
    breakers.recover([asked("a", "review", TICK), asked("a", "clear", 2 * TICK), asked("b", "review", TICK)], 2 * TICK)
    assert refused(breakers, limits, 3 * TICK, cases_at(3, [20, 10])) == {3001}


def test_each_valve_has_its_own_cap():
    limits, breakers = Valves(uncorroborated_per_hour=1, unread_per_hour=1), CircuitBreakers(1)
    assert not refused(breakers, limits, TICK, cases_at(1, [20]))
    admission = breakers.admit_cases(limits, TICK, "not_assessed", cases_at(2, [20], "not_assessed"))
    assert admission == (set(), {})


def unread_review(tick_ms: int, tweets: int, unread: dict[str, int], *more: DecisionReason) -> ScopeDecision:
    return replace(
        scope_decision("review", tick_ms), valve="not_assessed",
        reasons=(DecisionReason("scored_share", 0, 0.5), *more),
        evidence=Evidence(
            window_ms=600_000, tweets=tweets, authors=tweets, scored=0, share=0.0, lower=0.0, upper=1.0, unread=unread,
            copies=0.0, young=0.0, links=0.0,
        ),
    )  # fmt: skip


def test_one_case_stands_for_each_country_and_unread_language_beyond_the_cap():
    limits, breakers = Valves(unread_per_hour=1), CircuitBreakers(1)
    languages = ["ta", "ta", "bn", "ta", "bn"]
    cases = [
        NewCase.of(number, f"tag{number}", "IN", [unread_review(TICK, 50 - number, {"zxx": 40, language: 9})])
        for number, language in enumerate(languages)
    ]
    admission = breakers.admit_cases(limits, TICK, "not_assessed", cases)
    assert admission.refused == {3, 4}, "the largest is a case of its own"
    assert admission.summaries == {
        1: DecisionReason("unread_per_hour", 1, 1), 2: DecisionReason("unread_per_hour", 1, 1),
    }  # fmt: skip
    later = [altered(case, hashtag=f"{case.hashtag}later") for case in cases[1:3]]
    assert breakers.admit_cases(limits, 2 * TICK, "not_assessed", later) == ({1, 2}, {}), "one in an hour"
    abroad = [altered(cases[1], country="LK")]
    assert breakers.admit_cases(limits, 2 * TICK, "not_assessed", abroad).summaries.keys() == {1}
    assert breakers.admit_cases(limits, TICK + HOUR_MS, "not_assessed", later).summaries.keys() == {2}


def test_cap_of_zero_begins_no_case_of_a_language():
    cases = cases_at(1, [20, 10], "not_assessed")
    assert CircuitBreakers(1).admit_cases(Valves(unread_per_hour=0), TICK, "not_assessed", cases) == ({1000, 1001}, {})


def test_recovered_breakers_know_the_case_of_a_language():
    """It does not count as one of the cap, and keeps the next one from beginning."""
    summary = DecisionReason("unread_per_hour", 3, 1)
    breakers, limits = CircuitBreakers(1), Valves(unread_per_hour=1)
    breakers.recover([decision("a", unread_review(TICK, 50, {"ta": 9}, summary))], TICK)
    cases = cases_at(2, [30, 20], "not_assessed", language="ta")
    assert breakers.admit_cases(limits, 2 * TICK, "not_assessed", cases) == ({2001}, {})


# ---- refused decisions ----


def test_recover_counts_hold_that_becomes_suppression_once():
    """A policy with another mode replaces the action of a tag that stays hidden."""
    limits, breakers = Valves(new_suppressions_per_hour=2), CircuitBreakers(1)
    breakers.recover(
        [decision("a", scope_decision("hold", TICK)), decision("a", scope_decision("suppress", 2 * TICK))], 2 * TICK
    )
    assert breakers.admit(limits, 3 * TICK, begun_at(3, [1, 2]), no_top_tags()).keys() == {2 << 10}


def test_refused_decision_is_review_with_breaker_as_reason():
    before = {SCOPE: scope_decision("clear", 0), ("abuse", "search"): scope_decision("suppress", 0)}
    after = {SCOPE: scope_decision("suppress", TICK), ("abuse", "search"): scope_decision("suppress", 0)}
    breaker = DecisionReason("new_suppressions_per_hour", 5, 5)
    assert newly_hiding(before, after) == {SCOPE: after[SCOPE]}
    assert as_reviews(before, after, breaker) == {
        SCOPE: replace(after[SCOPE], action="review", valve="new_suppressions_per_hour", reasons=(breaker,))
    }


def test_refused_suppression_of_a_discounted_tag_stays_a_discount():
    before = {SCOPE: replace(scope_decision("discount", 0), weight=0.3)}
    after = {SCOPE: scope_decision("suppress", TICK)}
    assert as_reviews(before, after, DecisionReason("new_suppressions_per_hour", 20, 20)) == before


@pytest.mark.parametrize("mode", ["suppress", "hold_for_review"])
def test_refused_decision_stays_review_until_it_ends(mode):
    rule = altered(RULE, mode=mode)
    state = replace(scope_decision("review", 0), valve="new_suppressions_per_hour")

    def step(state, level, tick_ms):
        return decide(RuleResult(level), state, rule_under_breaker(rule, state, level), tick_ms, scope=SCOPE,
                      protected=False, max_automated_ms=86_400_000)  # fmt: skip

    for tick_ms in range(TICK, 40 * TICK, TICK):
        state = step(state, OVER if tick_ms % 20_000 else BETWEEN, tick_ms)
        assert state is not None and (state.action, state.since_ms) == ("review", 0)
        assert state.valve == "new_suppressions_per_hour"
    clear = step(state, UNDER, 40 * TICK)
    assert clear is not None and (clear.action, clear.valve) == ("clear", "")
    assert rule_under_breaker(rule, clear, OVER) is rule
    again = step(clear, OVER, 44 * TICK)
    assert again is not None and again.action == {"suppress": "suppress", "hold_for_review": "hold"}[mode]


def test_refused_decision_follows_changed_mode():
    state = replace(scope_decision("review", 0), valve="new_suppressions_per_hour")
    shadow = altered(RULE, mode="shadow")
    assert rule_under_breaker(shadow, state, OVER) is shadow


# ---- the dead-man's rule ----


def table(scored: list[int], share: list[float], authors: int = 100) -> EvidenceTable:
    m = len(scored)
    return evidence_table(
        tweets=np.full(m, 200),
        authors=np.full(m, authors),
        scored=np.array(scored, int),
        share=np.array([[one] * 2 for one in share]).reshape(m, 2),
    )


def test_scorer_fault_when_scorer_is_silent():
    limits = Valves(least_scored=0.5)
    assert scorer_fault(limits, table([64] * 5, [0.1] * 5)) is None
    assert scorer_fault(limits, table([32] * 5, [0.1] * 5)) is None
    fault = scorer_fault(limits, table([64, 0, 0, 0, 0], [0.1] * 5))
    assert fault == DecisionReason("least_scored", 0.2, 0.5), "at most 64 authors of a tag are sampled"
    assert scorer_fault(Valves(), table([0] * 5, [0.1] * 5)) is None
    assert scorer_fault(limits, None) is None and scorer_fault(limits, table([], [])) is None


def test_scorer_fault_when_all_tags_are_harmful():
    limits = Valves(most_harmful=0.5)
    assert scorer_fault(limits, table([64] * 30, [0.9] * 14 + [0.1] * 16)) is None
    assert scorer_fault(limits, table([64] * 30, [0.9] * 30)) == DecisionReason("most_harmful", 0.9, 0.5)
    assert scorer_fault(limits, table([64] * 19, [0.9] * 19)) is None, "one campaign is no drift"
    assert scorer_fault(limits, table([0] * 30, [float("nan")] * 30)) is None
