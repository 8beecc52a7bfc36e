"""Safety valves: never more than the policy allows, the same for whoever counts, and nothing refused without need."""

from __future__ import annotations

import random
from dataclasses import replace as altered

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.judging.circuit_breakers import (  # fmt: skip
    HOUR_MS,
    Begun,
    Crowd,
    ShardValves,
    newly_hiding,
    refused,
    rule_under_valve,
    scorer_fault,
)
from streams.judging.evidence import EvidenceTable
from streams.judging.hysteresis import decide
from streams.judging.levels import BETWEEN, OVER, UNDER, Standing
from streams.log.decisions import Decision, Reason, Ruling, version_of
from streams.policy.rules import NO_CORROBORATION, Rule
from streams.policy.shape import Valves

TICK = 10_000
SCOPE = ("abuse", "trends")
RULE = Rule("suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 30_000, 100_000, NO_CORROBORATION)


def ruling(action: str, since_ms: int, *, provisional: bool = False) -> Ruling:
    return Ruling(
        category="abuse", surface="trends", action=action, since_ms=since_ms, expires_at_ms=since_ms + 100_000,
        provisional=provisional,
    )  # fmt: skip


def decision(hashtag: str, one: Ruling, *, settled_ms: int | None = None) -> Decision:
    return Decision(
        hashtag=hashtag, display=hashtag, country="IN", rulings=(one,), version=version_of(1, one.since_ms),
        tick_ms=one.since_ms, settled_ms=one.since_ms if settled_ms is None else settled_ms,
        decided_at_ms=one.since_ms, policy_revision="0", model_revision="0", provisional=one.provisional,
    )  # fmt: skip


def no_crowd() -> Crowd:
    none = np.zeros(0, np.int64)
    return Crowd(none, none, lambda key: False, 20)


def begun_at(at: int, names: list[int]) -> list[Begun]:
    return [Begun(name << 10, f"tag{name}at{at}", "IN", (name * 7 % 10) / 10) for name in names]


ticks = st.lists(st.lists(st.integers(1, 9), unique=True, max_size=6), min_size=1, max_size=12)


@pytest.mark.simulation
@settings(max_examples=150, deadline=None)
@given(ticks, st.integers(1, 6), st.sampled_from([1, 2, 3]), st.integers(1, 40), st.randoms())
def test_in_no_hour_more_begins_than_the_share_of_the_cap(steps, cap, shards, minutes, rng):
    limits = Valves(new_suppressions_per_hour=cap * shards)
    one, other = ShardValves(shards), ShardValves(shards)
    admitted: list[int] = []
    for number, names in enumerate(steps, 1):
        tick_ms = number * minutes * 60_000
        begun = begun_at(number, names)
        shuffled = begun[:]
        rng.shuffle(shuffled)
        found = one.admit(limits, tick_ms, begun, no_crowd())
        assert found == other.admit(limits, tick_ms, shuffled, no_crowd()), "the order in which they come is nothing"
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
def test_a_successor_refuses_the_same_wherever_it_takes_over(steps, cap, rng):
    """It reads the decisions back; of the tick that was being said it knows a part, and says the rest."""
    limits, first = Valves(new_suppressions_per_hour=cap), ShardValves(1)
    said: list[Decision] = []
    for number, names in enumerate(steps, 1):
        tick_ms, begun = number * TICK, begun_at(number, names)
        truth = first.admit(limits, tick_ms, begun, no_crowd())
        spoken = [decision(one.hashtag, ruling("review" if one.key in truth else "suppress", tick_ms)) for one in begun]
        part = rng.sample(spoken, rng.randint(0, len(spoken)))
        successor = ShardValves(1)
        successor.recover([*said, *part, *said[:3]], tick_ms - TICK)
        left = [one for one in begun if one.hashtag not in {each.hashtag for each in part}]
        assert set(successor.admit(limits, tick_ms, left, no_crowd())) == {one.key for one in left} & set(truth)
        said += spoken


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_of_the_biggest_tags_only_so_many_are_hidden(seed):
    rng = random.Random(seed)
    keys = np.array(sorted({rng.randrange(1, 40) << 10 | rng.choice([0, 2, 3]) for _ in range(60)}))
    tweets = np.array([rng.randrange(1, 12) for _ in keys])
    hidden = {key for key in keys.tolist() if rng.random() < 0.1}
    limits = Valves(top_tags=10, suppressed_share_of_top=0.3)
    begun = [
        Begun(key, f"tag{key}", "IN", rng.random()) for key in keys.tolist() if key not in hidden and rng.random() < 0.4
    ]
    found = ShardValves(1).admit(limits, TICK, begun, Crowd(keys, tweets, hidden.__contains__, 10))
    for country in (0, 2, 3):
        of_country = [
            (size, key) for key, size in zip(keys.tolist(), tweets.tolist(), strict=True) if key & 1023 == country
        ]
        bar = sorted((size for size, _ in of_country), reverse=True)[:10][-1] if len(of_country) >= 10 else 0
        top = {key for size, key in of_country if size >= bar}
        before = len(top & hidden)
        new = [one for one in begun if one.key in top]
        through = [one for one in new if one.key not in found]
        assert len(through) == min(len(new), max(3 - before, 0))
    assert all(reason.signal == "suppressed_share_of_top" for reason in found.values())


def test_share_of_the_top_is_whole_tags():
    assert Valves(top_tags=100, suppressed_share_of_top=0.29).top_hidden_max == 29
    assert Valves(top_tags=20).top_hidden_max == 20


# ---- early ----


def test_early_ones_count_both_and_settled_ones_only_settled():
    limits, valves = Valves(new_suppressions_per_hour=2), ShardValves(1)
    assert valves.admit_early(limits, TICK, "a", "IN", 1 << 10, no_crowd())
    assert valves.admit_early(limits, TICK, "a", "IN", 1 << 10, no_crowd()), "the same once more takes no room"
    assert valves.admit_early(limits, TICK, "b", "IN", 2 << 10, no_crowd())
    assert not valves.admit_early(limits, TICK, "c", "IN", 3 << 10, no_crowd())
    assert valves.admit(limits, TICK, begun_at(1, [1, 2, 3]), no_crowd()).keys() == {3 << 10}, "early ones do not count"
    assert not valves.admit_early(limits, 2 * TICK, "d", "IN", 4 << 10, no_crowd())
    assert valves.admit_early(limits, TICK + HOUR_MS, "d", "IN", 4 << 10, no_crowd())


def test_early_ones_leave_most_of_the_biggest_tags_alone():
    """Of the five biggest one may be hidden, whether a tick or a look has hidden it."""
    limits, valves = Valves(top_tags=5, suppressed_share_of_top=0.2), ShardValves(1)
    keys, hidden = np.arange(1, 7) << 10, set[int]()
    crowd = Crowd(keys, np.array([60, 50, 40, 30, 20, 10]), hidden.__contains__, limits.top_tags)
    assert valves.admit_early(limits, TICK, "a", "", 1 << 10, crowd)
    hidden.add(1 << 10)
    assert valves.admit_early(limits, TICK, "a", "", 1 << 10, crowd), "for something else, too"
    assert not valves.admit_early(limits, TICK, "b", "", 2 << 10, crowd)
    assert valves.admit_early(limits, TICK, "f", "", 6 << 10, crowd), "none of the biggest"


def test_an_early_one_that_has_settled_counts_once():
    limits, valves = Valves(new_suppressions_per_hour=2), ShardValves(1)
    assert valves.admit_early(limits, TICK, "a", "IN", 1 << 10, no_crowd())
    assert valves.admit(limits, TICK, [Begun(1024, "a", "IN", 0.5)], no_crowd()) == {}
    assert valves.admit_early(limits, 2 * TICK, "b", "IN", 2 << 10, no_crowd())
    assert not valves.admit_early(limits, 2 * TICK, "c", "IN", 3 << 10, no_crowd())


def test_a_successor_counts_early_ones_too():
    limits, valves = Valves(new_suppressions_per_hour=1), ShardValves(1)
    valves.recover([decision("a", ruling("suppress", TICK, provisional=True), settled_ms=0)], 0)
    assert not valves.admit_early(limits, 2 * TICK, "b", "IN", 2 << 10, no_crowd())
    assert valves.admit(limits, 2 * TICK, begun_at(2, [1]), no_crowd()) == {}


def test_a_successor_knows_what_was_hidden_at_ticks_that_were_said():
    valves = ShardValves(1)
    said = [decision("a", ruling(action, at)) for action, at in (("suppress", 10_000), ("clear", 40_000))]
    valves.recover(said, 20_000)
    assert [valves.hid("a", "IN", at) for at in (0, 10_000, 30_000)] == [False, True, True]
    assert valves.hid("a", "IN", 40_000), "a judge that says the whole tick counts the big tags as they stood before it"
    assert not valves.hid("a", "IN", 50_000)


# ---- a ruling past a valve ----


def test_a_hold_that_becomes_a_suppression_begins_once():
    """By a policy with another mode: it hides as before, and a successor counts what the judge counted."""
    limits, valves = Valves(new_suppressions_per_hour=2), ShardValves(1)
    valves.recover([decision("a", ruling("hold", TICK)), decision("a", ruling("suppress", 2 * TICK))], 2 * TICK)
    assert valves.admit(limits, 3 * TICK, begun_at(3, [1, 2]), no_crowd()).keys() == {2 << 10}


def test_a_refused_ruling_is_a_review_with_the_valve_among_its_reasons():
    before = {SCOPE: ruling("clear", 0), ("abuse", "search"): ruling("suppress", 0)}
    after = {SCOPE: ruling("suppress", TICK), ("abuse", "search"): ruling("suppress", 0)}
    valve = Reason("new_suppressions_per_hour", 5, 5)
    assert newly_hiding(before, after) == {SCOPE: after[SCOPE]}
    assert refused(before, after, valve) == {
        SCOPE: replace(after[SCOPE], action="review", valve="new_suppressions_per_hour", reasons=(valve,))
    }


@pytest.mark.parametrize("mode", ["suppress", "hold_for_review"])
def test_it_stays_a_review_until_it_ends_even_when_there_is_room_again(mode):
    rule = altered(RULE, mode=mode)
    state = replace(ruling("review", 0), valve="new_suppressions_per_hour")

    def step(state, level, tick_ms):
        return decide(Standing(level), state, rule_under_valve(rule, state), tick_ms, category="abuse",
                      surface="trends", never=False, max_automated_ms=86_400_000)  # fmt: skip

    for tick_ms in range(TICK, 40 * TICK, TICK):
        state = step(state, OVER if tick_ms % 20_000 else BETWEEN, tick_ms)
        assert state is not None and (state.action, state.since_ms) == ("review", 0)
        assert state.valve == "new_suppressions_per_hour"
    clear = step(state, UNDER, 40 * TICK)
    assert clear is not None and (clear.action, clear.valve) == ("clear", "")
    assert rule_under_valve(rule, clear) is rule
    again = step(clear, OVER, 44 * TICK)
    assert again is not None and again.action == {"suppress": "suppress", "hold_for_review": "hold"}[mode]


def test_another_mode_takes_over_from_a_refused_one():
    state = replace(ruling("review", 0), valve="new_suppressions_per_hour")
    shadow = altered(RULE, mode="shadow")
    assert rule_under_valve(shadow, state) is shadow


# ---- the dead-man's rule ----


def table(scored: list[int], share: list[float], authors: int = 100) -> EvidenceTable:
    m = len(scored)
    zero = np.zeros(m)
    return EvidenceTable(600_000, np.arange(1, m + 1), np.full(m, 200), np.full(m, authors), np.array(scored, int),
                         np.array([[one] * 2 for one in share]).reshape(m, 2), zero, zero, zero, [()] * m,
                         zero)  # fmt: skip


def test_a_scorer_that_falls_silent_is_noticed():
    limits = Valves(least_scored=0.5)
    assert scorer_fault(limits, table([64] * 5, [0.1] * 5)) is None
    assert scorer_fault(limits, table([32] * 5, [0.1] * 5)) is None
    fault = scorer_fault(limits, table([64, 0, 0, 0, 0], [0.1] * 5))
    assert fault == Reason("least_scored", 0.2, 0.5), "64 authors of a tag are sampled at most"
    assert scorer_fault(Valves(), table([0] * 5, [0.1] * 5)) is None
    assert scorer_fault(limits, None) is None and scorer_fault(limits, table([], [])) is None


def test_a_scorer_that_calls_everything_harmful_is_noticed():
    limits = Valves(most_harmful=0.5)
    assert scorer_fault(limits, table([64] * 30, [0.9] * 14 + [0.1] * 16)) is None
    assert scorer_fault(limits, table([64] * 30, [0.9] * 30)) == Reason("most_harmful", 0.9, 0.5)
    assert scorer_fault(limits, table([64] * 19, [0.9] * 19)) is None, "one campaign is no drift"
    assert scorer_fault(limits, table([0] * 30, [float("nan")] * 30)) is None
