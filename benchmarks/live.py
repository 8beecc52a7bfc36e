"""hushtag at a steady load: how long after a tweet its flag is seen, and what a tweet costs. What an answer costs."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
import timeit
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from hushtag_client import FlagsClient

from benchmarks.pipeline import CPU, TWEETS, Pipeline
from benchmarks.side_by_side import PARTITIONS, console
from devkit.simulation.firehose import firehose

PROBES = 100
_PAUSE_SECONDS = 0.05
"""Between a flag and the next probe."""
WARM_UP_SECONDS = 10.0
"""Of load before the first probe."""
_GENERATING_MS = 0.03
"""What making a tweet of the load may take."""
_LOAD_SECONDS = 0.02
"""So often the load is sent."""
HARSH = "you disgusting vermin, filthy animals, get out of our country"


@dataclass(frozen=True)
class Live:
    """hushtag at a steady load."""

    waits: list[float]
    """Seconds from a tweet to its flag, ascending: of `PROBES`, or of so many as the load lasted for."""
    cpu_per_million: float
    """CPU seconds for a million tweets that are looked at early."""

    def percentile(self, part: float) -> float:
        """By nearest rank: the smallest wait that so many of all, or more, do not exceed; `part` in (0, 1]."""
        return self.waits[math.ceil(len(self.waits) * part) - 1]


async def live(pipeline: Pipeline, rate: float, seconds: float) -> Live:
    """Tweet → flag visible to a client, and what a tweet costs, at a steady load.

    A probe is a hashtag of its own; its harmful tweets come at once, and the clock starts with the last of them, the
    one that crosses the floors.
    """
    settings = pipeline.settings
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=2, max_batch_size=512 * 1024)
    await producer.start()
    topic = settings.topic("tweets")
    start_ms = int(time.time() * 1000) + int(rate * seconds * _GENERATING_MS)
    tweets = int(rate * seconds) + 1
    with console.status(f"making {tweets:,} tweets"):
        payloads = list(firehose(2, tweets, "native", start_ms=start_ms, per_second=rate))
    await asyncio.sleep(max(0.0, start_ms / 1000 - time.time()))
    found: list[float] = []

    async def load() -> None:
        """Whole batches of tweets that were made before: who makes the load shares the cores with who is measured."""
        start, number = time.monotonic(), 0
        while number < len(payloads):
            due = min(len(payloads), int((time.monotonic() - start) * rate))
            for partition in range(PARTITIONS):
                for batch in batches(producer, payloads[number + partition : due : PARTITIONS]):
                    await producer.send_batch(batch, topic, partition=partition)
            number = due
            await asyncio.sleep(_LOAD_SECONDS)

    async def probe(client: FlagsClient, number: int) -> None:
        tag, base = f"probe{number}x{os.getpid()}", time.time_ns()
        for author in range(40):
            now_ms = int(time.time() * 1000)
            tweet = {
                "id": str(base + author),
                "author_id": str(base // 1000 + author),
                "created_at_ms": now_ms,
                "text": f"{HARSH} {author} #{tag}",
                "country": "IN",
                "author_created_at_ms": now_ms - 86_400_000,
            }
            await producer.send(topic, json.dumps(tweet).encode(), partition=author % PARTITIONS)
        await producer.flush()
        sent = time.monotonic()
        while time.monotonic() - sent < 20:
            if not client.check(tag, "trends", "IN").shown:
                found.append(time.monotonic() - sent)
                return
            await asyncio.sleep(0.002)
        found.append(float("inf"))

    with (
        FlagsClient(settings.redis_url) as client,
        console.status(f"a steady {rate:,.0f} tweets/s for {seconds:.0f} s"),
    ):
        loading = asyncio.create_task(load())
        await asyncio.sleep(WARM_UP_SECONDS)
        before = [pipeline.metric(name) for name in (TWEETS, CPU)]
        while len(found) < PROBES and not loading.done():
            await probe(client, len(found))
            await asyncio.sleep(_PAUSE_SECONDS)
        read, cpu = [pipeline.metric(name) - was for name, was in zip((TWEETS, CPU), before, strict=True)]
        loading.cancel()
    await producer.stop()
    return Live(sorted(found), cpu / read * 1e6)


def batches(producer: AIOKafkaProducer, payloads: Sequence[bytes]) -> Iterator[Any]:
    """Some payloads as closed batches."""
    batch = producer.create_batch()
    for payload in payloads:
        if batch.append(key=None, value=payload, timestamp=None) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            batch.append(key=None, value=payload, timestamp=None)
    if batch.record_count():
        batch.close()
        yield batch


def lookups_per_check(redis_url: str) -> float:
    """What a client's answer on a normalised tag costs in lookups of a dict of as many; the best of many runs each."""
    tags = [f"tag{number}" for number in range(1_000)]
    with FlagsClient(redis_url) as client:
        client.wait_until_ready(30)
        names = {"check": client.check, "table": dict.fromkeys(tags, 1)}
        timers = [
            timeit.Timer(statement, globals=names)
            for statement in ("check('tag700', 'trends', 'IN')", "table['tag700']")
        ]
        check, lookup = map(min, zip(*[[timer.timeit(1_000) for timer in timers] for _ in range(500)], strict=True))
    return check / lookup
