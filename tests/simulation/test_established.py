"""Established authors: settled decisions under attacks equal a naive reference, and contain every outcome."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from streams.judging import evidence, evidence_builder
from streams.judging.standing import established
from streams.log.decisions import Decision
from streams.log.lines import read_lines
from streams.replay import Replay
from streams.scoring import TextScorer
from tests.support.attacked_log import attacked_log, own_words
from tests.support.naive_decisions import NaiveRule, NaiveState, decisions, naive_state, words
from tests.support.naive_facts import teller
from tests.support.orders_world import OrdersWorld, accounts
from tests.support.word_policy import START_MS, WordScorer, harm, make_policy

pytestmark = pytest.mark.simulation

RULE = NaiveRule(
    window=60_000, past=240_000, min_tweets=8, min_authors=6, suppress_at=0.45, clear_at=0.3, confidence=0.8,
    dwell=20_000, expiry=180_000, score_floor=2, min_established=8, innocent_past=25, clear_after=30_000,
)  # fmt: skip
POLICY = """
serial: 1
surfaces: [trends]
windows: [1m, 4m]
score_floor: 2
evidence_floor: 2
early_confidence: 0.9
categories:
  hateful_conduct:
    mode: suppress
    windows: [1m]
    min_tweets: 8
    min_authors: 6
    suppress_at: 0.45
    clear_at: 0.3
    confidence: 0.8
    dwell: 20s
    expiry: 3m
    min_established: 8
    innocent_past: 25
    clear_after: 30s
    corroborate: {need: 1, authors: 1}
"""
SEEDS = range(7)
ALONE = replace(RULE, corroborated=frozenset({"tag0"}), cases=9)
ALONE_POLICY = POLICY.replace("{need: 1, authors: 1}", "{need: 1, term: true}") + (
    "curated_terms: [{term: tag0, match: exact}]\nvalves: {uncorroborated_per_hour: 9}\n"
)

Change = tuple[str, str, int, NaiveState]


def replayed(
    lines: list[dict[str, object]], people: Sequence[dict[str, object]] = (), policy: str = POLICY, shards: int = 3
) -> list[Change]:
    moderation = read_lines(json.dumps(line).encode() for line in people)
    replay = Replay(range(3), make_policy(policy), TextScorer(WordScorer()), shards=shards, moderation=moderation)
    return [
        (one.hashtag, one.country, one.tick_ms, naive_state(one.rulings[0]))
        for one in replay.run(read_lines(json.dumps(line).encode() for line in lines))
        if isinstance(one, Decision)
    ]


@cache
def changes(seed: int) -> list[Change]:
    return sorted(replayed(attacked_log(seed)))


@pytest.mark.parametrize("seed", SEEDS)
def test_decisions_under_attack_equal_naive_reference(seed):
    assert changes(seed) == sorted(decisions(attacked_log(seed), RULE, harm))


@cache
def changes_alone(seed: int, cap: int) -> list[Change]:
    policy = ALONE_POLICY.replace("per_hour: 9", f"per_hour: {cap}")
    return sorted(replayed(attacked_log(seed), policy=policy, shards=1))


@pytest.mark.parametrize("seed", SEEDS)
def test_decisions_without_corroboration_equal_naive_reference(seed):
    """One hashtag of four is corroborated. People are asked about the others, up to a cap."""
    assert changes_alone(seed, 9) == sorted(decisions(attacked_log(seed), ALONE, harm))


@pytest.mark.parametrize("seed", SEEDS)
def test_cases_without_corroboration_change_no_action(seed):
    def acting(cap: int) -> list[Change]:
        return [one for one in changes_alone(seed, cap) if one[-1].valve != "uncorroborated"]

    assert acting(9) == acting(0)


def test_histories_without_corroboration_contain_every_outcome():
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        before: dict[tuple[str, str], NaiveState] = {}
        for tag, country, _, state in changes_alone(seed, 9):
            was = before.get((tag, country), NaiveState())
            before[tag, country] = state
            seen[f"{was.valve} {was.action} to {state.valve} {state.action}"] += was.action != state.action
        seen["refused"] += len(changes_alone(seed, 9)) < len(changes_alone(seed, 1_000))
    for outcome in (
        " clear to uncorroborated review", "uncorroborated review to uncorroborated clear",
        "uncorroborated review to  discount", "uncorroborated clear to uncorroborated review", "refused",
    ):  # fmt: skip
        assert seen[outcome] > 1, (outcome, seen)


def withheld_accounts(*ids: int) -> list[dict[str, object]]:
    """Make log lines of the moderation topic that withhold accounts in India from the second minute on."""
    world = OrdersWorld()
    world.now_ms = START_MS + 100_000
    order = world.intake(accounts(*ids))
    world.review(order)
    world.rule(order, "withheld", *map(str, ids))
    world.step(order, "final")
    return [
        {"partition": 0, "offset": at, "log_time_ms": world.now_ms, "key": key.decode(), "value": value.decode()}
        for at, (value, key) in enumerate(world.log.records)
    ]


@pytest.mark.parametrize("seed", [3, 7])
def test_decisions_with_withheld_accounts_equal_naive_reference(seed):
    """A sample without the hidden accounts has fewer rows than one that stands for more authors."""
    lines, people = attacked_log(seed, n=1_600, quiet_ms=200_000), withheld_accounts(*range(20, 50))
    policy = POLICY.replace("innocent_past: 25", "innocent_past: 50")
    actual = sorted(replayed(lines, people, policy))
    assert actual == sorted(decisions(lines, replace(RULE, innocent_past=50), harm, teller(people)))
    assert actual != sorted(replayed(lines, policy=policy))
    assert any(state.valve for _, country, _, state in actual if country == "IN")


def test_histories_contain_every_outcome():
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        before: dict[tuple[str, str], NaiveState] = {}
        for tag, country, tick, state in changes(seed):
            was = before.get((tag, country), NaiveState())
            before[tag, country] = state
            seen[f"{was.action} to {state.action}"] += was.action != state.action
            seen["without"] += state.without and not was.without
            seen["confirmed"] += was.without and not state.without and state.action == was.action
            seen["ended at once"] += was.without and not was.below and state.action == "clear" and tick < was.expires
            seen["ended after a time"] += was.below > 0 and state.action == "clear" and tick - was.below >= 30_000
            seen["other weight"] += was.since == state.since and was.weight != state.weight
            seen["innocent past"] += state.valve == "innocent_past" != was.valve
            seen["over again"] += was.below > 0 and state.below == 0 and state.since == was.since
    for outcome in (
        "clear to suppress", "clear to discount", "suppress to discount", "discount to suppress", "suppress to clear",
        "discount to clear", "without", "confirmed", "ended at once", "ended after a time", "other weight",
        "innocent past", "over again",
    ):  # fmt: skip
        assert seen[outcome] > 1, (outcome, seen)


def test_authors_of_hidden_tags_change_decisions(monkeypatch):
    for module in (evidence, evidence_builder):
        monkeypatch.setattr(
            module, "established", lambda sample, keys, _, earlier: established(sample, keys, None, earlier)
        )
    different = [seed for seed in SEEDS if sorted(replayed(attacked_log(seed))) != changes(seed)]
    assert len(different) > len(SEEDS) / 2


def test_own_words_are_unique():
    numbers = random.Random(1).sample(range(64**3), 2_000)
    assert len({words(own_words(number)) for number in numbers}) == len(numbers)
