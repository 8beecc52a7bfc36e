"""Speed, side by side, in one run on one broker: a bare loop, hushtag's whole pipeline, Faust as its docs say.

    make bench            or    python -m benchmarks.throughput --tweets 1000000

All three read the same topic: every tweet tagged, tags Zipf-distributed. The bare loop (aiokafka, msgspec, panes in a
dict) does a part of the job and is what we are measured against; hushtag repartitions, samples authors, scores, decides
and publishes flags. The tweets are as old as after an outage, so nobody looks at them before their panes settle. What
that costs is in the second part: at half of hushtag's load, the time from a tweet to the flag that a client sees, and
the CPU that the same tweets take when they come as they are written.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from hushtag_client import FlagsClient
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.peers.watch import watch
from benchmarks.side_by_side import PARTITIONS, Result, bare
from streams.log.topics import create_topics
from streams.settings import Settings
from streams.simulation.firehose import firehose
from streams.stack import LocalStack

console = Console(stderr=True)
PROBES = 40
GENERATING_MS = 0.03
"""What making a tweet of the load may take."""
LOAD_SECONDS = 0.02
"""So often the load is sent."""
DEADLINE_SECONDS = 600.0
TWEETS, CPU = "hushtag_tweets_total", "process_cpu_seconds_total"
WAYS = (("one process", ["ingest,judge,publish"]), ("ingest apart", ["ingest", "judge,publish"]))
HARSH = "you disgusting vermin, filthy animals, get out of our country"


async def fill(kafka: str, topics: Sequence[str], tweets: int, shape: str) -> None:
    """Write the backlog that all contenders read, the same into each topic."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, linger_ms=20, max_batch_size=512 * 1024, compression_type="zstd"
    )
    await producer.start()
    payloads: Iterator[bytes] = firehose(1, tweets, shape, start_ms=int(time.time() * 1000))  # type: ignore[arg-type]
    with console.status(f"writing {tweets:,} tweets ({shape})"):
        for number, payload in enumerate(payloads):
            for topic in topics:
                await producer.send(topic, payload, partition=number % PARTITIONS)
            if not number % 20_000:
                await asyncio.sleep(0)
    await producer.stop()


def faust_documented(kafka: str, topic: str, tweets: int, shape: str) -> None:
    """Faust as its documentation says: an agent, a hopping table of counts, one event per tweet."""
    import faust

    group = f"{os.getpid()}{random.randrange(10**6)}"
    app = faust.App(f"bench-faust-{group}", broker=f"kafka://{kafka}", store="memory://", web_enabled=False,
                    worker_redirect_stdouts=False,
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

    app.worker_start() if False else faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def measure(name: str, contender: str, kafka: str, topic: str, tweets: int, shape: str = "native") -> Result:
    """Run one contender in a process of its own, from its first fetch to its last tweet."""
    command = [sys.executable, "-m", "benchmarks.throughput", "--contender", contender, "--kafka", kafka,
               "--topic", topic, "--tweets", str(tweets), "--shape", shape]  # fmt: skip
    with console.status(f"{name}: {tweets:,} tweets"), tempfile.NamedTemporaryFile() as log:
        measured = watch(command, {}, Path(log.name), DEADLINE_SECONDS)
    return Result(name, tweets, measured.seconds, measured.cpu_seconds, measured.peak_mb)


class Pipeline:
    """hushtag's worker as it runs in production: all stages in one process, or each set of them in its own."""

    def __init__(self, settings: Settings, folder: Path, processes: Sequence[str]) -> None:
        self.settings = settings
        self._log = (folder / "worker.log").open("a")
        self._ports = [settings.metrics_port + number for number in range(len(processes))]
        self._processes: list[subprocess.Popen[bytes]] = []
        for port, stages in reversed(list(zip(self._ports, processes, strict=True))):
            if self._processes:
                self._wait_ready(port + 1)  # whoever reads what this one writes
            own = settings.model_copy(update={"metrics_port": port}).model_dump(exclude_defaults=True)
            environment = {**os.environ, **{f"HUSHTAG_{name.upper()}": str(value) for name, value in own.items()}}
            command = [sys.executable, "-m", "streams.cli.main", "worker", "--stages", stages]
            self._processes.append(subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log))

    def metric(self, name: str) -> float:
        """Sum over labels and processes; 0 of one that does not answer."""
        return sum(self._metric(port, name) for port in self._ports)

    def _metric(self, port: int, name: str) -> float:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            if any(process.poll() is not None for process in self._processes):
                raise SystemExit(f"a worker ended: {Path(self._log.name).read_text()[-2000:]}") from None
            return 0.0
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def _wait_ready(self, port: int) -> None:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    return
            except OSError:
                self._metric(port, "up")
                time.sleep(0.1)

    def read_all(self, name: str, tweets: int) -> Result:
        """From the first tweet to all panes judged and all flags written."""
        with console.status(f"{name}: {tweets:,} tweets"):
            while (before := self.metric(TWEETS)) == 0:
                time.sleep(0.02)
            start, cpu = time.monotonic(), self.metric(CPU)
            while self.metric(TWEETS) < tweets or self.metric("hushtag_judge_backlog_records") > 0:
                time.sleep(0.1)
            seconds = time.monotonic() - start
            cpu = self.metric(CPU) - cpu
            memory = self.metric("process_resident_memory_bytes") / 2**20
        return Result(name, tweets - int(before), seconds, cpu, memory)

    def stop(self) -> None:
        """SIGTERM."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(20)


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


@dataclass(frozen=True)
class Live:
    """hushtag at a steady load."""

    waits: list[float]
    """(PROBES,) seconds from a tweet to its flag, ascending."""
    cpu_per_million: float
    """CPU seconds for a million tweets that are looked at early."""

    def percentile(self, part: float) -> float:
        return self.waits[min(len(self.waits) - 1, int(len(self.waits) * part))]


async def live(pipeline: Pipeline, rate: float, seconds: float) -> Live:
    """Tweet → flag visible to a client, and what a tweet costs, at a steady load.

    A probe is a hashtag of its own; its harmful tweets come at once, and the clock starts with the last of them, the
    one that crosses the floors.
    """
    settings = pipeline.settings
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=2, max_batch_size=512 * 1024)
    await producer.start()
    topic = settings.topic("tweets")
    start_ms = int(time.time() * 1000) + int(rate * seconds * GENERATING_MS)
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
            await asyncio.sleep(LOAD_SECONDS)

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
        console.status(f"latency at {rate:,.0f} tweets/s for {seconds:.0f} s"),
    ):
        loading = asyncio.create_task(load())
        await asyncio.sleep(seconds / 4)
        before = [pipeline.metric(name) for name in (TWEETS, CPU)]
        for number in range(PROBES):
            await probe(client, number)
            await asyncio.sleep(seconds / 2 / PROBES / 2)
        read, cpu = [pipeline.metric(name) - was for name, was in zip((TWEETS, CPU), before, strict=True)]
        loading.cancel()
    await producer.stop()
    return Live(sorted(found), cpu / read * 1e6)


def run(tweets: int, shape: str, with_faust: int, latency_seconds: float) -> None:
    """Everything, and the table."""
    with tempfile.TemporaryDirectory() as name, LocalStack(Path(name), heap_mb=1024) as stack:
        policy = Path(name, "policy.yaml")
        policy.write_text(Path("config/demo-policy.yaml").read_text() + "\nmax_tags_per_pane: 10000000  # all count\n")
        ways = [(f"hushtag, whole pipeline, {name}", processes, Settings(
            kafka=stack.kafka, redis_url=stack.redis_url, metrics_port=29_464, policy=policy,
            topic_prefix=f"bench{len(processes)}.", encoder="off",
        )) for name, processes in WAYS]  # fmt: skip
        for _, _, settings in ways:
            create_topics(settings, tweets_partitions=PARTITIONS)
        topics = [settings.topic("tweets") for _, _, settings in ways]
        asyncio.run(fill(stack.kafka, topics, tweets, shape))
        with console.status("letting the tweets grow old"):
            time.sleep(ways[0][2].timely_ms / 1000)
        results = [measure("bare aiokafka + msgspec + panes", "bare", stack.kafka, topics[0], tweets, shape)]
        pipeline: Pipeline | None = None
        for row, processes, settings in ways:
            if pipeline is not None:
                pipeline.stop()
            pipeline = Pipeline(settings, Path(name), processes)
            results.append(pipeline.read_all(row, tweets))
        assert pipeline is not None
        if with_faust:
            results.append(measure("Faust as documented (hopping table)", "faust", stack.kafka, topics[0], with_faust))
        show(results, shape)
        if latency_seconds:
            rate = results[2].per_second / 2
            found = asyncio.run(live(pipeline, rate, latency_seconds))
            print(f"tweet → flag at a client, at {rate:,.0f} tweets/s: p50 {found.percentile(0.5):.2f} s, "
                  f"p99 {found.percentile(0.99):.2f} s, {len(found.waits)} probes; "
                  f"{found.cpu_per_million:.1f} CPU s per million")  # fmt: skip
        pipeline.stop()


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
    print(machine())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tweets", type=int, default=600_000)
    parser.add_argument("--shape", choices=["native", "v1.1"], default="native")
    parser.add_argument("--faust", type=int, default=10_000, help="tweets for Faust's hopping table; 0 leaves it out")
    parser.add_argument("--latency-seconds", type=float, default=40.0, help="0 leaves it out")
    for hidden in ("--contender", "--kafka", "--topic"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender:
        {"bare": bare, "faust": faust_documented}[given.contender](given.kafka, given.topic, given.tweets, given.shape)
    else:
        run(given.tweets, given.shape, given.faust, given.latency_seconds)


if __name__ == "__main__":
    main()
