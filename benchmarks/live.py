"""hushtag at a steady load: how long after a tweet its flag is visible, and what a tweet costs.

Also measures what a client's answer costs.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
import timeit
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aiokafka import AIOKafkaProducer
from hushtag_client import FlagsClient

from benchmarks.backlog import TEXTS, batches
from benchmarks.pipeline import PipelineProcesses, require_judged
from benchmarks.side_by_side import PARTITIONS, console
from benchmarks.worker_metrics import CPU, TWEETS, Scrape
from devkit.simulation.firehose import firehose
from streams.constants import PANE_MS

PROBES = 100
_PAUSE_SECONDS = 0.05
"""Pause between a flag and the next probe."""
WARM_UP_SECONDS = 10.0
"""Duration of the load before the first probe."""
_SETTLING_SECONDS = 2 * PANE_MS / 1000
"""Time until the first panes of a load have settled, up to 20 s after their first tweet."""
_COUNTED_SECONDS = 2 * PANE_MS / 1000
_MAKING_MS, _DRAWING_MS = 0.01, 3_000
"""Upper bounds on the time to make one tweet of the load, and to draw the texts of all."""
_SEND_SECONDS = 0.02
"""Pause between two sends of the load."""
Windows = Literal["empty", "full"]
GOAL_SECONDS: dict[Windows, tuple[float, float]] = {"empty": (0.2, 0.5), "full": (0.2, 0.8)}
"""Goals for the median and the 99th percentile."""
HARSH = "you disgusting vermin, filthy animals, get out of our country"


@dataclass(frozen=True)
class Live:
    """hushtag at a steady load."""

    waits: list[float]
    """Seconds from a tweet to its flag, ascending: of `PROBES` probes, or of those that the load lasted for."""
    cpu_per_million: float
    """CPU seconds for a million tweets, early looks included."""
    windows: Windows = "empty"
    """Whether an hour had settled before."""

    def __str__(self) -> str:
        p50, p99 = GOAL_SECONDS[self.windows]
        return (
            f"{self.windows} windows, p50 {self.percentile(0.5):.2f} s (goal ≤ {p50}), "
            f"p99 {self.percentile(0.99):.2f} s (goal ≤ {p99}), "
            f"the slowest of {len(self.waits)} {self.waits[-1]:.2f} s; {self.cpu_per_million:.1f} CPU s per million"
        )

    def percentile(self, part: float) -> float:
        """Return a percentile by nearest rank: the smallest wait that at least this part of all do not exceed.

        Args:
            part: in (0, 1].
        """
        return self.waits[math.ceil(len(self.waits) * part) - 1]


def make_load(tweets: int, rate: float) -> list[bytes]:
    """Make the payloads of a steady load, and return when the first one is due."""
    start_ms = int(time.time() * 1000 + _DRAWING_MS + tweets * _MAKING_MS)
    with console.status(f"making {tweets:,} tweets"):
        payloads = list(firehose(2, tweets, texts=TEXTS, start_ms=start_ms, per_second=rate))
    time.sleep(max(0.0, start_ms / 1000 - time.time()))
    return payloads


async def send_steadily(producer: AIOKafkaProducer, topic: str, payloads: Sequence[bytes], rate: float) -> None:
    """Send payloads at a rate, in whole batches: the load shares the cores with the worker that is measured.

    Args:
        producer: started producer.
        topic: existing topic with `PARTITIONS` partitions.
        payloads: tweets, sent in order and once.
        rate: payloads a second.
    """
    start, number = time.monotonic(), 0
    while number < len(payloads):
        due = min(len(payloads), int((time.monotonic() - start) * rate))
        for partition in range(PARTITIONS):
            for batch in batches(producer, payloads[number + partition : due : PARTITIONS]):
                await producer.send_batch(batch, topic, partition=partition)
        number = due
        await asyncio.sleep(_SEND_SECONDS)


async def live(pipeline: PipelineProcesses, rate: float, seconds: float, windows: Windows = "empty") -> Live:
    """Measure the time from a tweet to its flag at a client, and what a tweet costs, at a steady load.

    Each probe is a new hashtag. Its harmful tweets are sent at once; the clock starts with the last of them, which
    crosses the floors.

    Raises:
        BenchmarkFailed: nothing was judged.
    """
    settings = pipeline.settings
    topic, tweets = settings.topic("tweets"), int(rate * seconds) + 1
    payloads = make_load(tweets, rate)
    latencies: list[float] = []

    async def probe(client: FlagsClient, producer: AIOKafkaProducer, number: int) -> None:
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
                latencies.append(time.monotonic() - sent)
                return
            await asyncio.sleep(0.002)
        latencies.append(float("inf"))

    async with AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=2, max_batch_size=512 * 1024) as producer:
        with (
            FlagsClient(settings.redis_url) as client,
            console.status(f"a steady {rate:,.0f} tweets/s for {seconds:.0f} s"),
        ):
            loading = asyncio.create_task(send_steadily(producer, topic, payloads, rate))
            await asyncio.sleep(WARM_UP_SECONDS)
            before = pipeline.scrape()
            while len(latencies) < PROBES and not loading.done():
                await probe(client, producer, len(latencies))
                await asyncio.sleep(_PAUSE_SECONDS)
            after = pipeline.scrape()
            loading.cancel()
    require_judged("steady load", after, before)
    return Live(sorted(latencies), _cpu_per_million(before, after), windows)


def cpu_of_load(pipeline: PipelineProcesses, name: str, rate: float) -> float:
    """Return the CPU seconds of a million tweets that a pipeline reads as they are written.

    Counts over whole panes, after the first have settled: each second settles as many tweets as it reads.

    Raises:
        BenchmarkFailed: nothing was judged.
    """
    pipeline.wait_ready()
    settings = pipeline.settings
    payloads = make_load(int(rate * (_SETTLING_SECONDS + _COUNTED_SECONDS + 1)), rate)

    async def count() -> tuple[Scrape, Scrape]:
        async with AIOKafkaProducer(bootstrap_servers=settings.kafka, max_batch_size=512 * 1024) as producer:
            loading = asyncio.create_task(send_steadily(producer, settings.topic("tweets"), payloads, rate))
            await asyncio.sleep(_SETTLING_SECONDS)
            before = pipeline.scrape()
            await asyncio.sleep(_COUNTED_SECONDS)
            after = pipeline.scrape()
            loading.cancel()
            return before, after

    with console.status(f"{name}: a steady {rate:,.0f} tweets/s"):
        before, after = asyncio.run(count())
    require_judged(name, after, before)
    return _cpu_per_million(before, after)


def _cpu_per_million(before: Scrape, after: Scrape) -> float:
    read, cpu = [after.total(name) - before.total(name) for name in (TWEETS, CPU)]
    return cpu / read * 1e6


def lookups_per_check(redis_url: str) -> float:
    """Return what a client's answer on a normalised tag costs, in lookups of a dict of as many tags.

    The best of many runs of each.
    """
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
