"""Duration of reading ten sampled texts by position, as the API does. `python -m benchmarks.texts`.

On a local Kafka, whose source topic has many tweets in batches as a busy producer sends them. Each reading is recorded,
the texts are encrypted and kept, and the ids are new each time. Prints percentiles, and a JSON line at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from pathlib import Path

import numpy as np
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from benchmarks.machine import machine
from devkit.stack.jars import default_cache
from devkit.stack.local_run import LocalRun
from moderation.domain.texts.reader import open_text_reader
from moderation.log.service import ModerationService
from streams.clock import monotonic_seconds, now_ms
from streams.log.decisions import SampledAt
from streams.log.reading import connection
from streams.log.topic_specs import TWEETS
from streams.settings import Settings

PARTITIONS = 4
TEXTS = 10
GOAL_MS = 300


async def fill(settings: Settings, tweets: int) -> None:
    """Write tweets to all partitions, in large batches."""
    async with AIOKafkaProducer(**connection(settings), linger_ms=50, max_batch_size=256 * 1024) as sender:
        at_ms = now_ms()
        for number in range(tweets):
            payload = {"id": str(number), "author_id": "7", "created_at_ms": at_ms, "text": f"{'word ' * 40}{number}"}
            await sender.send(settings.topic(TWEETS), json.dumps(payload).encode(), partition=number % PARTITIONS)


async def measure(settings: Settings, tweets: int, readings: int) -> list[float]:
    """Milliseconds of each reading of ten texts that were not read before."""
    rng, durations_ms = random.Random(5), []
    unread = iter(rng.sample(range(tweets), readings * TEXTS))
    async with ModerationService(settings) as service, open_text_reader(settings, service) as reader:
        for _ in range(readings):
            ids = [next(unread) for _ in range(TEXTS)]
            places = [SampledAt(number % PARTITIONS, number // PARTITIONS, "en") for number in ids]
            began = monotonic_seconds()
            texts = await reader.read("tag", [*map(str, ids)], places, actor="bench", purpose="benchmark")
            durations_ms.append(1_000 * (monotonic_seconds() - began))
            assert {text.state for text in texts} == {"shown"}
    return durations_ms


def main() -> None:
    """Start the parts, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tweets", type=int, default=200_000)
    parser.add_argument("--readings", type=int, default=200)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=default_cache()) as name,
        LocalRun(Path(name), HUSHTAG_SHARDS="2") as local,
    ):
        local.start_servers()
        local.create_topics()
        settings = local.settings.model_copy(update={"texts_key": SecretStr("k" * 32)})
        asyncio.run(fill(settings, asked.tweets))
        print(f"{asked.readings} readings of {TEXTS} texts among {asked.tweets:,} tweets on {machine()}")
        durations_ms = asyncio.run(measure(settings, asked.tweets, asked.readings))
    first, *others = durations_ms
    p50, p95 = np.percentile(others, [50, 95]).tolist()
    print(f"first {first:.0f} ms, then p50 {p50:.0f} ms, p95 {p95:.0f} ms; goal: p95 below {GOAL_MS} ms")
    print(json.dumps({"first_ms": round(first), "p50_ms": round(p50), "p95_ms": round(p95), "met": p95 < GOAL_MS}))


if __name__ == "__main__":
    main()
