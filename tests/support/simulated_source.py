"""Random source logs of a simulated history: waves of harmful tweets, attacks, campaigns and protests."""

from __future__ import annotations

import json
import random
from typing import Any

from streams.log.lines import LogRecord
from tests.support.attacked_log import DAY_MS, SCENES, speaker
from tests.support.simulated_sizes import AUTHORS, PARTITIONS, START_MS, Span


def random_source(rng: random.Random, seed: int, span: Span) -> list[list[LogRecord]]:
    """Draw source logs: waves of tweets by hashtag, with late, doubled and broken records, and deletions.

    In some waves a part of the tweets of each partition is harmful, by accounts of any age with a few texts. The others
    are scenes of `tests.support.attacked_log`. Some logs begin with calm waves.
    """
    deletions = random.Random(f"deletions {seed}")
    deleted = deletions.choice([0, 0.1, 0.1, 0.3])
    logs: list[list[LogRecord]] = [[] for _ in range(PARTITIONS)]
    past: list[bytes] = []
    tweets: list[dict[str, Any]] = []
    at_ms = [START_MS] * PARTITIONS
    mean_ms = rng.choice(span.mean_ms)
    now_ms, number = START_MS, 0
    quiet = rng.randrange(PARTITIONS)  # one partition is idle for a while
    quiet_from_ms = START_MS + rng.randrange(span.log_seconds) * 1000
    harm = {
        (tag, wave, one): rng.choice([0.05, 0.05, 0.95, 0.95])
        for tag in range(4)
        for wave in range(9)
        for one in range(3)
    }
    calm_waves = rng.choice([0, 0, 2])
    scenes = {
        (tag, wave): "calm" if wave < calm_waves else rng.choice(["", "", "anger", *SCENES])
        for tag in range(4)
        for wave in range(9)
    }
    while now_ms < span.log_end_ms:
        now_ms += int(rng.expovariate(1 / mean_ms))
        partition = rng.randrange(PARTITIONS)
        if partition == quiet and quiet_from_ms <= now_ms < quiet_from_ms + span.quiet_ms:
            continue
        log_ms = at_ms[partition] = max(at_ms[partition], now_ms)
        number += 1
        tag = min(int(rng.paretovariate(1.0)) - 1, 3)
        wave = (log_ms - START_MS) // span.wave_ms % 9
        event_ms = log_ms - (rng.choice([4_000, 9_000, 4_000_000]) if rng.random() < 0.15 else rng.randrange(400))
        if rng.random() < 0.02:
            event_ms = log_ms + rng.choice([900, 200_000])
        scene = scenes[tag, wave]
        if scene:
            spoken = speaker(rng, scene, event_ms, number, AUTHORS)
            spoken["text"] = str(spoken["text"]).replace("bad", rng.choice(["bad", "bad rude"]))
        else:
            bad = rng.random() < harm[tag, wave, partition]
            word = rng.choice(["bad", "bad rude"]) if bad else "good"
            spoken = {
                "author_id": str(rng.randrange(AUTHORS)),
                "text": f"{word} {'xyz'[rng.randrange(3)] * rng.randrange(1, 9)}",
                "author_created_at_ms": event_ms - rng.choice([1, 400]) * DAY_MS,
            }
        tweet = {
            "id": str(number),
            "created_at_ms": event_ms,
            **spoken,
            "country": rng.choice(["IN", "US", ""]),
            "hashtags": [rng.choice([f"Tag{tag}", f"tag{tag}"]), *["All"][: rng.random() < 0.3]],
        }
        value = json.dumps(tweet).encode()
        if past and rng.random() < 0.03:
            value = rng.choice(past[-20:])
        elif rng.random() < 0.01:
            value = b"{"
        tweets.append(tweet)
        if deletions.random() < deleted:
            value = json.dumps(retraction(deletions, tweets)).encode()
        past.append(value)
        logs[partition].append(LogRecord(partition, len(logs[partition]), log_ms, None, value))
    for partition, log in enumerate(logs):
        for end_ms in (span.closed_ms, span.end_ms):
            log.append(LogRecord(partition, len(log), end_ms, None, b"the end"))
    return logs


def retraction(rng: random.Random, tweets: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a deletion of a tweet; the last tweet was never sent, others arrive later in another partition."""
    tweet = rng.choice(tweets[-200:])
    return rng.choice(
        [
            {"kind": "delete", **{name: tweet[name] for name in ("id", "created_at_ms", "hashtags", "country")}},
            {"kind": "delete", "id": tweet["id"]},
            {"status_withheld": {"id": tweet["id"], "withheld_in_countries": [rng.choice(["IN", "US", "XX"])]}},
        ]
    )
