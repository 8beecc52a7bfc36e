"""A policy and a scorer for tests in which one word means harm, and random logs of such tweets."""

from __future__ import annotations

import json
import random

import numpy as np

from streams.policy import Policy, parse_policy

START_MS = 1_611_600_000_000
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


class WordScorer:
    """A scorer for which harm is one word."""

    revision = "0" * 12
    categories = ("hateful_conduct",)

    def score(self, texts):
        p = np.array([harm(text) for text in texts], np.float32)
        return np.stack([p, p], axis=1)


def harm(text: str) -> float:
    return 0.875 if "bad" in text else 0.125


def make_policy(text: str = POLICY) -> Policy:
    return parse_policy(text, "test.yaml")


def random_log(seed: int, n: int = 3_000, partitions: int = 3) -> list[dict[str, object]]:
    """Make log lines of some minutes with late, repeated, broken, early and old tweets."""
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


def history(decisions):
    """Return the settled decisions of each key, every change once."""
    found = {}
    for one in decisions:
        rulings = tuple(ruling for ruling in one.rulings if not ruling.provisional)
        past = found.setdefault((one.hashtag, one.country), [()])
        if (
            rulings != past[-1]
            and one.tick_ms == one.settled_ms
            and any(r.since_ms == one.tick_ms or r.expires_at_ms for r in rulings)
        ):
            past.append(rulings)
    return {key: past for key, past in found.items() if len(past) > 1}


def corroborated_policy(
    signals: str = "copies: 0.9, successor: 0.4",
    mode: str = "suppress",
    expiry: str = "10m",
    dwell: str = "20s",
    more: str = "",
) -> Policy:
    text = POLICY.replace("mode: shadow", f"mode: {mode}\n    corroborate: {{need: 1, {signals}}}")
    return make_policy(
        text.replace("[2m]", "[30s]")
        .replace("expiry: 1m", f"expiry: {expiry}")
        .replace("dwell: 20s", f"dwell: {dwell}")
        + more
    )
