"""The decision loop: reviews beyond their caps do not begin, and leave no trace."""

from __future__ import annotations

import numpy as np

from streams.counting.keys import Tags
from streams.judging.circuit_breakers import CircuitBreakers
from streams.judging.levels import OVER, OVER_ALONE, UNDER, UNREAD, RuleResult
from streams.judging.step import ScopeDecisions, Step, step
from streams.log.decisions import DecisionReason
from streams.policy import Policy, Rule
from tests.support.rule_results import RULE, SCOPE, TICK, result
from tests.support.word_policy import POLICY, make_policy

CAPPED = make_policy(POLICY + "valves: {uncorroborated_per_hour: 1}\n")


class LevelsOfKeys:
    """A tick at which each key has a level in one scope."""

    scopes = (SCOPE,)

    def __init__(self, levels: dict[int, int]) -> None:
        self._levels = levels

    def rule(self, key: int, scope: tuple[str, str]) -> Rule:
        return RULE

    def result(self, key: int, scope: tuple[str, str]) -> RuleResult:
        return result(self._levels[key])

    def is_gone(self, key: int, scope: tuple[str, str]) -> bool:
        return False

    def sizes(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)


class Shard:
    """Settled decisions of some hashtags, in the alphabet's order."""

    def __init__(self, policy: Policy = CAPPED, names: tuple[str, ...] = ("first", "second")) -> None:
        self.tags, self.breakers, self.policy = Tags(), CircuitBreakers(1), policy
        self.keys = [self.tags.key(name, "IN") for name in names]
        self.states: dict[int, ScopeDecisions] = {key: {} for key in self.keys}

    def tick(self, tick_ms: int, *levels: int) -> Step:
        evaluation = LevelsOfKeys(dict(zip(self.keys, levels, strict=True)))
        return step(
            self.states, evaluation, self.policy, self.breakers, tick_ms,
            tags=self.tags, protected=frozenset(), paused=False,
        )  # fmt: skip

    def valves(self) -> list[str | None]:
        return [self.states[key][SCOPE].valve if self.states[key] else None for key in self.keys]


def test_case_beyond_the_cap_does_not_begin_and_is_not_published():
    shard = Shard()
    done = shard.tick(TICK, OVER_ALONE, OVER_ALONE)
    assert shard.valves() == ["uncorroborated", None]
    assert (set(done.publish), set(done.before)) == ({shard.keys[0]}, {shard.keys[0]})
    assert not done.refused


def test_refused_case_holds_back_no_suppression():
    shard = Shard()
    shard.tick(TICK, OVER_ALONE, OVER_ALONE)
    done = shard.tick(2 * TICK, OVER, OVER)
    assert [shard.states[key][SCOPE].action for key in shard.keys] == ["suppress", "suppress"]
    assert done.publish == set(shard.keys)


def test_cap_refuses_no_decision_of_what_is_in_force():
    shard = Shard()
    shard.tick(TICK, OVER_ALONE, OVER)
    for number in range(2, 12):
        shard.tick(number * TICK, OVER_ALONE, OVER_ALONE)
        expected = "suppress" if number < 8 else "clear"
        assert number > 10 or shard.states[shard.keys[1]][SCOPE].action == expected
    ended = shard.states[shard.keys[1]][SCOPE]
    assert (ended.action, ended.valve) == ("clear", ""), "a suppression ends as if its tag were between"


def test_cap_of_zero_asks_nobody():
    shard = Shard(make_policy(POLICY + "valves: {uncorroborated_per_hour: 0}\n"))
    assert not shard.tick(TICK, OVER_ALONE, OVER_ALONE).publish and shard.valves() == [None, None]


def test_unread_case_beyond_the_cap_stands_for_its_language_once():
    shard = Shard(make_policy(POLICY + "valves: {unread_per_hour: 1}\n"), names=("first", "second", "third"))
    done = shard.tick(TICK, UNREAD, UNREAD, UNREAD)
    assert shard.valves() == ["not_assessed", "not_assessed", None] and done.publish == set(shard.keys[:2])
    first, second = (shard.states[key][SCOPE].reasons[1:] for key in shard.keys[:2])
    assert (first, second) == ((), (DecisionReason("unread_per_hour", 1, 1),))
    for number in range(2, 9):
        assert not shard.tick(number * TICK, UNREAD, UNREAD, UNREAD).publish - set(shard.keys[:2])
    assert shard.states[shard.keys[1]][SCOPE].reasons[1:] == second, "a renewal keeps it"


def test_refused_unread_case_leaves_a_dwell_as_it_was():
    shard = Shard(make_policy(POLICY + "valves: {unread_per_hour: 0}\n"))
    shard.tick(TICK, OVER_ALONE, UNDER)
    for number in range(2, 5):
        shard.tick(number * TICK, UNDER, UNDER)
    ended = shard.states[shard.keys[0]][SCOPE]
    assert (ended.action, ended.valve) == ("clear", "uncorroborated")
    assert not shard.tick(5 * TICK, UNREAD, UNDER).publish and shard.states[shard.keys[0]][SCOPE] is ended
