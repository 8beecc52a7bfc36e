"""Replay compared with a naive reference on random logs with late, duplicate and broken records."""

from __future__ import annotations

import dataclasses
import json
import random
from itertools import pairwise

import numpy as np
import pytest

from models.share import Scale
from streams.errors import HushtagError
from streams.log.decisions import Decision
from streams.log.lines import read_lines
from streams.policy import Policy
from streams.replay import Replay
from streams.scoring import TextScorer
from tests.support.naive import adjusted, minute_rows
from tests.support.naive_decisions import NaiveRule, NaiveState, decisions, naive_state
from tests.support.naive_facts import teller
from tests.support.orders_world import HEAD, OrdersWorld, accounts
from tests.support.word_policy import POLICY, START_MS, WordScorer, harm, history, make_policy, random_log

RULE = NaiveRule(
    window=120_000, min_tweets=6, min_authors=4, suppress_at=0.45, clear_at=0.3, confidence=0.9, dwell=20_000,
    expiry=60_000, score_floor=2, mode="shadow",
)  # fmt: skip


SCALE = (
    ((0.15, 0.8, 0.02, 0.03), (1e-4, -1e-5, 2e-4)),
    ((0.2, 0.5, 0.01, 0.02), (3e-4, 0.0, 5e-4)),
)
"""Scale of two groups, one column; the group of a text follows its number."""


def group(text: str) -> int:
    return int(text.split()[1]) % 2


class GroupingWords(WordScorer):
    """Word scorer with a scale for each of two groups."""

    scale = Scale(
        np.repeat([[moments] for moments, _ in SCALE], 2, axis=1),
        np.repeat([[errors] for _, errors in SCALE], 2, axis=1),
    )

    def score_points(self, points, offsets):
        return self.score_groups(points, offsets)[0]

    def score_groups(self, points, offsets):
        whole = points.tobytes().decode("utf-32-le")
        texts = [whole[first:end].rstrip("\n") for first, end in pairwise(offsets.tolist())]
        return self.score(texts), np.array([group(text) for text in texts], np.uint8)


def run(lines, policy: Policy, scorer=WordScorer(), **options):  # noqa: B008
    replay = Replay(range(3), policy, TextScorer(scorer), **options)
    emitted = list(replay.run(read_lines(json.dumps(line).encode() for line in lines)))
    rows = {
        (row.hashtag, row.country, row.start_ms): (row.tweets, row.authors)
        for row in emitted
        if not isinstance(row, Decision)
    }
    return rows, [one for one in emitted if isinstance(one, Decision)]


def changes(emitted) -> list[tuple[str, str, int, NaiveState]]:
    """Return the changes of the only scope as the naive reference does."""
    return [(one.hashtag, one.country, one.tick_ms, naive_state(one.rulings[0])) for one in emitted]


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(4))
def test_minute_panes_equal_the_naive_reference(seed):
    lines = random_log(seed)
    rows, _ = run(lines, make_policy(), shards=3)
    assert rows == minute_rows(lines)


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(4))
def test_settled_decisions_equal_the_naive_reference(seed):
    lines = random_log(seed)
    _, emitted = run(lines, make_policy(), shards=2)
    actual = changes(emitted)
    assert sorted(actual) == sorted(decisions(lines, RULE, harm))
    assert {state.action for *_, state in actual} == {"shadow", "clear"}


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(2))
def test_language_group_shares_equal_the_naive_reference(seed):
    lines = random_log(seed)
    _, emitted = run(lines, make_policy(), GroupingWords(), shards=2)
    actual = changes(emitted)
    expected = decisions(
        lines,
        RULE,
        harm,
        bounds=lambda mean, counts: adjusted(mean, counts, SCALE, RULE.confidence),
        group=group,
        groups=len(SCALE),
    )
    assert sorted(actual) == sorted(expected)
    assert sorted(expected) != sorted(decisions(lines, RULE, harm)), "it makes a difference"


def random_moderation(seed: int) -> list[dict[str, object]]:
    """Make log lines of the moderation topic with records about most of the tweeting accounts."""
    rng, world, times = random.Random(seed), OrdersWorld(), []
    orders = []
    for number in range(30):
        world.now_ms = START_MS + 25_000 * number + rng.randrange(10_000)
        if number < 2:
            ids = range(150) if number else range(50, 200)
            orders.append(world.intake(accounts(*ids), dataclasses.replace(HEAD, country=["IN", "US"][number])))
            world.review(orders[number])
        elif rng.random() < 0.25:
            world.protect(str(rng.randrange(200, 300)))
        else:
            order = rng.choice(orders)
            try:
                if rng.random() < 0.6:
                    first = 0 if order is orders[1] else 50
                    some = rng.sample(range(first, first + 150), 60)
                    outcome = rng.choice(["withheld", "withheld", "suspended", "declined"])
                    world.rule(order, outcome, *map(str, some))
                else:
                    expires_ms = world.now_ms + rng.choice([15_000, 200_000])
                    world.step(order, rng.choice(["interim", "interim", "final"]), expires_at_ms=expires_ms)
            except HushtagError:
                pass  # not a transition of the state machine
        times += [world.now_ms] * (len(world.log.records) - len(times))
    return [
        {"partition": 0, "offset": at, "log_time_ms": times[at], "key": key.decode(), "value": value.decode()}
        for at, (value, key) in enumerate(world.log.records)
    ]


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(2))
def test_account_facts_equal_the_naive_reference(seed):
    lines, people = random_log(seed), random_moderation(seed)
    moderation = list(read_lines(json.dumps(line).encode() for line in people))
    _, emitted = run(lines, make_policy(), shards=2, moderation=moderation)
    actual = changes(emitted)
    assert sorted(actual) == sorted(decisions(lines, RULE, harm, teller(people)))
    assert emitted != run(lines, make_policy(), shards=2)[1], "it made a difference"


@pytest.mark.simulation
@pytest.mark.parametrize("shards", [1, 5])
def test_shards_flushes_and_early_firings_keep_settled_results(shards):
    lines = random_log(1)
    text = POLICY.replace("mode: shadow", "mode: suppress").replace(
        "expiry: 1m", "expiry: 1m\n    corroborate: {need: 1, authors: 1}"
    )
    policy = make_policy(text)
    rows, emitted = run(lines, policy, shards=3)

    other_rows, other = run(lines, policy, shards=shards, early=True, flush_ms=100, flush_records=37)
    assert other_rows == rows
    assert any(r.provisional for one in other for r in one.rulings), "the log has something to see early"
    assert history(other) == history(emitted)
