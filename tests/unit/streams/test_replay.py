"""The reference against the obvious way, on random logs: late, duplicate, broken, ahead, old, from everywhere."""

from __future__ import annotations

import dataclasses
import json
import random
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from models.share import Scale
from streams.errors import HushtagError
from streams.log.decisions import Decision
from streams.policy import Policy, parse_policy
from streams.replay import Replay, read_lines
from streams.scoring import TextScorer
from tests.support.naive import adjusted, decisions, minute_rows
from tests.support.naive_facts import teller
from tests.support.orders_world import HEAD, World, accounts

RULE = SimpleNamespace(
    window=120_000, min_tweets=6, min_authors=4, suppress_at=0.45, clear_at=0.3, confidence=0.9, dwell=20_000,
    expiry=60_000, score_floor=2,
)  # fmt: skip
POLICY = """
serial: 1
surfaces: [trends]
windows: [2m]
score_floor: 2
evidence_floor: 2
early_confidence: 0.9
categories:
  hateful_conduct:
    mode: shadow
    min_tweets: 6
    min_authors: 4
    suppress_at: 0.45
    clear_at: 0.3
    confidence: 0.9
    dwell: 20s
    expiry: 1m
"""
START_MS = 1_611_600_000_000


class WordScorer:
    """Harm is a word."""

    revision = "0" * 12
    categories = ("hateful_conduct",)

    def score(self, texts):
        p = np.array([harm(text) for text in texts], np.float32)
        return np.stack([p, p], axis=1)


def harm(text: str) -> float:
    return 0.875 if "bad" in text else 0.125


SCALE = (
    ((0.15, 0.8, 0.02, 0.03), (1e-4, -1e-5, 2e-4)),
    ((0.2, 0.5, 0.01, 0.02), (3e-4, 0.0, 5e-4)),
)
"""Of two groups, one column: a text's number says which it is in."""


def group(text: str) -> int:
    return int(text.split()[1]) % 2


class GroupingWords(WordScorer):
    """The same, and what its scores mean in either group."""

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


def make_policy(text: str = POLICY) -> Policy:
    return parse_policy(text, "test.yaml")


def random_log(seed: int, n: int = 3_000, partitions: int = 3) -> list[dict[str, object]]:
    """Log lines of some minutes, in every way that a log can be unpleasant."""
    rng = random.Random(seed)
    offsets, log_ms, lines, past = [0] * partitions, [START_MS] * partitions, [], []
    now = START_MS
    for number in range(n):
        now += int(rng.expovariate(1 / 250))
        partition = rng.randrange(partitions)
        log_ms[partition] = max(log_ms[partition], now + rng.randrange(200))
        kind = rng.random()
        late = rng.choice([0, 100, 4_000, 9_000, 70_000, 4_000_000]) if kind < 0.2 else 50
        event = log_ms[partition] - late if kind < 0.9 else log_ms[partition] + rng.choice([500, 100_000, 200_000])
        wave = (now - START_MS) // 90_000 % 2
        tag = f"Tag{int(rng.paretovariate(0.8)) % 40}"
        tweet = {
            "id": str(number), "author_id": str(rng.randrange(300)), "created_at_ms": event,
            "text": f"{'bad' if rng.random() < (0.9 if wave and tag < 'Tag2' else 0.2) else 'good'} {number}",
            "country": rng.choice(["IN", "IN", "US", ""]), "hashtags": rng.sample([tag, tag.upper(), "other"], 2),
        }  # fmt: skip
        value: str | None = json.dumps(tweet)
        if kind > 0.97 and past:
            value = rng.choice(past)
        elif kind > 0.96:
            value = rng.choice(["", "{", '{"id": 1}', None])
        past.append(value)
        lines.append(
            {"partition": partition, "offset": offsets[partition], "log_time_ms": log_ms[partition], "value": value}
        )
        offsets[partition] += 1
    return lines


def run(lines, policy: Policy, scorer=WordScorer(), **options):  # noqa: B008
    replay = Replay(range(3), policy, TextScorer(scorer), **options)
    said = list(replay.run(read_lines(json.dumps(line).encode() for line in lines)))
    rows = {
        (row.hashtag, row.country, row.start_ms): (row.tweets, row.authors)
        for row in said
        if not isinstance(row, Decision)
    }
    return rows, [one for one in said if isinstance(one, Decision)]


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
    _, said = run(lines, make_policy(), shards=2)
    told = [
        (one.hashtag, one.country, one.tick_ms, "suppress" if one.rulings[0].action == "shadow" else "clear")
        for one in said
    ]
    expected = decisions(lines, RULE, harm)
    assert sorted(told) == sorted(expected)
    assert {action for *_, action in told} == {"suppress", "clear"}


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(2))
def test_shares_by_groups_of_languages_equal_those_of_the_naive_reference(seed):
    lines = random_log(seed)
    _, said = run(lines, make_policy(), GroupingWords(), shards=2)
    told = [
        (one.hashtag, one.country, one.tick_ms, "suppress" if one.rulings[0].action == "shadow" else "clear")
        for one in said
    ]
    expected = decisions(lines, RULE, harm, bounds=lambda texts: adjusted(texts, harm, group, SCALE, RULE.confidence))
    assert sorted(told) == sorted(expected)
    assert sorted(expected) != sorted(decisions(lines, RULE, harm)), "it makes a difference"


def random_moderation(seed: int) -> list[dict[str, object]]:
    """Log lines of the moderation topic: most of the accounts that write are spoken of while the log runs."""
    rng, world, times = random.Random(seed), World(), []
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
                pass  # the state machine does not have that step
        times += [world.now_ms] * (len(world.log.records) - len(times))
    return [
        {"partition": 0, "offset": at, "log_time_ms": times[at], "key": key.decode(), "value": value.decode()}
        for at, (value, key) in enumerate(world.log.records)
    ]


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(2))
def test_what_is_said_of_accounts_counts_as_in_the_naive_reference(seed):
    lines, people = random_log(seed), random_moderation(seed)
    moderation = list(read_lines(json.dumps(line).encode() for line in people))
    _, said = run(lines, make_policy(), shards=2, moderation=moderation)
    told = [
        (one.hashtag, one.country, one.tick_ms, "suppress" if one.rulings[0].action == "shadow" else "clear")
        for one in said
    ]
    assert sorted(told) == sorted(decisions(lines, RULE, harm, teller(people)))
    assert said != run(lines, make_policy(), shards=2)[1], "it made a difference"


@pytest.mark.simulation
@pytest.mark.parametrize("shards", [1, 5])
def test_shards_flushes_and_early_looks_change_nothing_that_is_settled(shards):
    lines = random_log(1)
    text = POLICY.replace("mode: shadow", "mode: suppress").replace(
        "expiry: 1m", "expiry: 1m\n    corroborate: {need: 1, authors: 1}"
    )
    policy = make_policy(text)
    rows, said = run(lines, policy, shards=3)

    other_rows, other = run(lines, policy, shards=shards, early=True, flush_ms=100, flush_records=37)
    assert other_rows == rows
    assert any(r.provisional for one in other for r in one.rulings), "the log has something to see early"
    assert history(other) == history(said)


def history(said):
    """The settled rulings of each key, every change once."""
    found = {}
    for one in said:
        rulings = tuple(ruling for ruling in one.rulings if not ruling.provisional)
        past = found.setdefault((one.hashtag, one.country), [()])
        if (
            rulings != past[-1]
            and one.tick_ms == one.settled_ms
            and any(r.since_ms == one.tick_ms or r.expires_at_ms for r in rulings)
        ):
            past.append(rulings)
    return {key: past for key, past in found.items() if len(past) > 1}
