"""Speed, side by side, in one run on one broker: a bare loop, hushtag's whole pipeline, Faust as its docs say.

    make bench            or    python -m benchmarks.throughput --tweets 1000000

All three read the same topic: every tweet tagged, tags Zipf-distributed. The bare loop (aiokafka, msgspec, panes in a
dict) does a part of the job and is what we are measured against; hushtag repartitions, samples authors, scores, decides
and publishes flags. By their log time the tweets came at --rate, whatever this machine took to write them: what a pane
costs when it settles grows far more slowly than the tweets in it. They are as old as after an outage, so nobody looks
at them before their panes settle. What that costs is in the second part: at half of hushtag's load, the time from a
tweet to the flag that a client sees, and the CPU that tweets take when they come as they are written, to windows that
are nearly empty. Then what a client's answer costs, and whether two workers take more CPU for a tweet than one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from benchmarks.live import WARM_UP_SECONDS, live, lookups_per_check
from benchmarks.machine import machine
from benchmarks.peers.watch import watch
from benchmarks.pipeline import CPU, Pipeline
from benchmarks.side_by_side import PARTITIONS, Result, bare, console
from devkit.simulation.firehose import firehose
from devkit.stack import LocalStack
from streams.log.topics import create_topics
from streams.settings import Settings

DEADLINE_SECONDS = 600.0
WAYS = (("one process", ["ingest,judge,publish"]), ("ingest apart", ["ingest", "judge,publish"]))
SHARES = {"native": 1.0, "v1.1": 0.2}
"""Of the tweets, for payloads of each shape: those of v1.1 are ten times as long."""


async def fill(kafka: str, topics: Sequence[str], tweets: int, shape: str, rate: float, age_ms: int) -> None:
    """Write the backlog that all contenders read, the same into each topic: it came at a rate, the last so long ago."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, linger_ms=20, max_batch_size=512 * 1024, compression_type="zstd"
    )
    await producer.start()
    start_ms = int(time.time() * 1000 - age_ms - tweets / rate * 1000)
    payloads: Iterator[bytes] = firehose(1, tweets, shape, start_ms=start_ms, per_second=rate)  # type: ignore[arg-type]
    with console.status(f"writing {tweets:,} tweets ({shape})"):
        for number, payload in enumerate(payloads):
            log_ms = start_ms + int(number / rate * 1000)
            for topic in topics:
                await producer.send(topic, payload, partition=number % PARTITIONS, timestamp_ms=log_ms)
            if not number % 20_000:
                await asyncio.sleep(0)
    await producer.stop()


def faust_documented(kafka: str, topic: str, tweets: int, shape: str) -> None:
    """Faust as its documentation says: an agent, a hopping table of counts, one event per tweet."""
    import faust

    group = f"{os.getpid()}{random.randrange(10**6)}"
    app = faust.App(f"bench-faust-{group}", broker=f"kafka://{kafka}", store="memory://", web_enabled=False,
                    worker_redirect_stdouts=False, datadir=".cache/faust",
                    topic_partitions=PARTITIONS, consumer_auto_offset_reset="earliest")  # fmt: skip
    counts = app.Table(f"counts-{group}", default=int, partitions=PARTITIONS).hopping(600, 60, expires=600)
    source = app.topic(topic, value_type=bytes, value_serializer="raw")
    done = 0

    @app.agent(source)
    async def count(stream: Any) -> None:
        nonlocal done
        async for value in stream:
            if not done:
                print("started", flush=True)
            for word in json.loads(value)["text"].split():
                if word[0] == "#":
                    counts[word.lower()] += 1
            done += 1
            if done >= tweets:
                os._exit(0)

    faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def measure(name: str, contender: str, kafka: str, topic: str, tweets: int, shape: str = "native") -> Result:
    """Run one contender in a process of its own, from its first fetch to its last tweet."""
    command = [sys.executable, "-m", "benchmarks.throughput", "--contender", contender, "--kafka", kafka,
               "--topic", topic, "--tweets", str(tweets), "--shape", shape]  # fmt: skip
    with console.status(f"{name}: {tweets:,} tweets"), tempfile.NamedTemporaryFile() as log:
        measured = watch(command, {}, Path(log.name), DEADLINE_SECONDS)
    return Result(name, tweets, measured.seconds, measured.cpu_seconds, measured.peak_mb)


def contend(
    stack: LocalStack, folder: Path, tweets: int, rate: float, shape: str, with_faust: int, live_seconds: float
) -> None:
    """The contenders, one after the other, and then hushtag at a steady load."""
    ways = [(f"hushtag, whole pipeline, {name}", processes, _settings(stack, folder, f"{shape}{len(processes)}."))
            for name, processes in WAYS]  # fmt: skip
    topics = [settings.topic("tweets") for _, _, settings in ways]
    for _, _, settings in ways:
        create_topics(settings, tweets_partitions=PARTITIONS)
    asyncio.run(fill(stack.kafka, topics, tweets, shape, rate, ways[0][2].timely_ms))
    results = [measure("bare aiokafka + msgspec + panes", "bare", stack.kafka, topics[0], tweets, shape)]
    pipeline: Pipeline | None = None
    for row, processes, settings in ways:
        if pipeline is not None:
            pipeline.stop()
        pipeline = Pipeline(settings, folder, processes)
        results.append(pipeline.read_all(row, tweets))
    assert pipeline is not None
    if with_faust:
        results.append(measure("Faust as documented (hopping table)", "faust", stack.kafka, topics[0], with_faust))
    show(results, shape)
    if live_seconds:
        half = results[2].per_second / 2
        found = asyncio.run(live(pipeline, half, live_seconds))
        print(f"tweet → flag at a client, at {half:,.0f} tweets/s: p50 {found.percentile(0.5):.2f} s, "
              f"p99 {found.percentile(0.99):.2f} s, the slowest of {len(found.waits)} {found.waits[-1]:.2f} s; "
              f"{found.cpu_per_million:.1f} CPU s per million")  # fmt: skip
    pipeline.stop()


def cpu_per_million(stack: LocalStack, folder: Path, workers: int, tweets: int, rate: float) -> float:
    """CPU seconds of a million tweets that equal workers read as they are written, each its share."""
    settings = _settings(stack, folder, f"shared{workers}.")
    create_topics(settings, tweets_partitions=PARTITIONS)
    pipeline = Pipeline(settings, folder, ["ingest,judge,publish"] * workers)
    pipeline.wait_ready()
    before = pipeline.metric(CPU)
    asyncio.run(fill(stack.kafka, [settings.topic("tweets")], tweets, "native", rate, settings.timely_ms))
    pipeline.wait_until_read(tweets)
    spent = pipeline.metric(CPU) - before
    pipeline.stop()
    return spent / tweets * 1e6


def _settings(stack: LocalStack, folder: Path, prefix: str) -> Settings:
    policy = folder / "policy.yaml"
    policy.write_text(Path("config/demo-policy.yaml").read_text() + "\nmax_tags_per_pane: 10000000  # all count\n")
    return Settings(
        kafka=stack.kafka, redis_url=stack.redis_url, metrics_port=29_464, policy=policy, topic_prefix=prefix,
        group=prefix.rstrip("."), encoder="off",
    )  # fmt: skip


def show(results: list[Result], shape: str) -> None:
    """The table; ratios are to the bare loop of this run."""
    base = results[0]
    table = Table("", "tweets/s", "× bare", "CPU s per million", "× bare", "peak MB", title=f"{shape} payloads")
    for one in results:
        table.add_row(
            one.name, f"{one.per_second:,.0f}", f"{one.per_second / base.per_second:.2f}", f"{one.cpu_per_million:.1f}",
            f"{one.cpu_per_million / base.cpu_per_million:.2f}", f"{one.peak_mb:,.0f}",
        )  # fmt: skip
    Console(width=110).print(table)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tweets", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=50_000, help="tweets a second by their log time")
    parser.add_argument("--shape", choices=[*SHARES, "both"], default="both")
    parser.add_argument("--faust", type=int, default=10_000, help="tweets for Faust's hopping table; 0 leaves it out")
    parser.add_argument("--live-seconds", type=float, default=60.0, help="at a steady load; 0 leaves it out")
    for hidden in ("--contender", "--kafka", "--topic"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if 0 < given.live_seconds <= WARM_UP_SECONDS:
        parser.error(
            f"--live-seconds {given.live_seconds:g}: say 0, or more than the {WARM_UP_SECONDS:g} of warming up"
        )
    if given.contender:
        {"bare": bare, "faust": faust_documented}[given.contender](given.kafka, given.topic, given.tweets, given.shape)
        return
    print(machine())
    with tempfile.TemporaryDirectory() as name, LocalStack(Path(name), heap_mb=1024) as stack:
        for shape in SHARES if given.shape == "both" else [given.shape]:
            native = shape == "native"
            contend(
                stack, Path(name), int(given.tweets * SHARES[shape]), given.rate, shape,
                given.faust if native else 0, given.live_seconds if native else 0,
            )  # fmt: skip
        print(f"a client's answer on a normalised tag: {lookups_per_check(stack.redis_url):.1f} lookups of a dict")
        one, two = (cpu_per_million(stack, Path(name), workers, given.tweets // 2, given.rate) for workers in (1, 2))
        print(f"two workers: {two:.1f} CPU s per million where one takes {one:.1f}: {two / one:.2f} x")


if __name__ == "__main__":
    main()
