"""Cost of the crowds of cases on a local Kafka: the first read of the evidence, what it keeps, and one crowd.

    python -m benchmarks.crowd [--tags 4000] [--hours 2] [--cases 500]

Made-up evidence in the form that a judge writes it: every tag at each tick over the shortest window, and at each
minute over the longest. Writing it takes a minute, which is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from aiokafka import AIOKafkaProducer

from benchmarks.impact import evidence, policies
from benchmarks.machine import machine
from devkit.stack.jars import default_cache
from devkit.stack.local_run import LocalRun
from moderation.domain.crowd.follower import CrowdFollower
from streams.clock import monotonic_seconds
from streams.constants import HOUR_MS, PANE_MS
from streams.log.reading import connection
from streams.log.topic_specs import EVIDENCE
from streams.settings import Settings

SHARDS = 8


async def fill(settings: Settings, tags: int, hours: int) -> int:
    """Write the evidence of all shards, whose time begins at 0; return its bytes."""
    policy, size = policies()[0], 0
    async with AIOKafkaProducer(**connection(settings), linger_ms=50, max_batch_size=1024 * 1024) as sender:
        for shard in range(SHARDS):
            for value in evidence(policy, shard, tags // SHARDS, hours * HOUR_MS // PANE_MS, SHARDS):
                size += len(value)
                await sender.send(settings.topic(EVIDENCE), value, partition=shard)
    return size


async def measure(settings: Settings, hours: int, hashtags: Collection[str]) -> dict[str, float]:
    """Return the duration of the first read and of one crowd, the CPU time, and the memory that is kept."""

    async def open_hashtags() -> Collection[str]:
        return hashtags

    end_ms = hours * HOUR_MS
    async with CrowdFollower(settings, open_hashtags, clock=lambda: end_ms) as follower:
        began, cpu, calls = monotonic_seconds(), time.process_time(), 1
        while not (crowd := await follower.read("hashtag0of0", "*", 0)).complete:
            calls += 1
        seconds, cpu_seconds = monotonic_seconds() - began, time.process_time() - cpu
        again = monotonic_seconds()
        points = len((await follower.read("hashtag0of0", "*", 0)).points)
        assert points == len(crowd.points) > 0
        return {
            "first_seconds": round(seconds, 1),
            "cpu_seconds": round(cpu_seconds, 1),
            "kept_mb": round(follower.nbytes / 1e6, 1),
            "crowd_ms": round(1e3 * (monotonic_seconds() - again), 1),
            "points": points,
        }


def main() -> None:
    """Start Kafka, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, default=4_000)
    parser.add_argument("--hours", type=int, default=2)
    parser.add_argument("--cases", type=int, default=500)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=default_cache()) as name,
        LocalRun(Path(name), HUSHTAG_SHARDS=str(SHARDS)) as local,
    ):
        local.start_servers()
        local.create_topics()
        size = asyncio.run(fill(local.settings, asked.tags, asked.hours))
        hashtags = {f"hashtag{number}of{number % SHARDS}" for number in range(asked.cases)}
        figures = asyncio.run(measure(local.settings, asked.hours, hashtags))
    print(f"{asked.hours} h of {asked.tags:,} tags, {size / 1e6:,.0f} MB, {asked.cases} open cases, on {machine()}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
