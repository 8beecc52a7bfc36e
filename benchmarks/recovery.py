"""Recovery time after kill -9: the new worker's start, the end of the backlog, and flags that stand throughout.

    make recovery         or    python -m benchmarks.recovery --rate 10000

The windows are full: an hour of settled panes is on the log first. The real cores settle one minute of tweets at the
rate given. Its panes are written sixty times, each time as another minute with other tweets and authors, and other
rarely used hashtags: a restart reads only the settled panes of an hour of tweets. Then tweets flow at that rate, the
worker is killed and started again at once. What is seen is read from the topics and at a client, never from the worker
itself: how far the newest partial and the last settled tick lie behind. Draws docs/images/recovery.svg.

A consumer that keeps nothing reads the same panes first (`benchmarks.recovery_history`): no restart is faster. At the
end, judges that were never killed read the same log, and their settled decisions must be the worker's
(`benchmarks.recovery_reference`). Hashtags that are suppressed since the kill are explained by them.

Of a platform's tweets few have a hashtag: 12.8% of 8.2 million in Otsuka, Wallace and Chiu 2016, "A hashtag
recommendation system for Twitter data streams", table 1 (1.3 hashtags each, as here). By default all have one;
`--tagged 0.2` leaves it out of four in five.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil
import redis
from aiokafka import AIOKafkaProducer
from hushtag_client import FlagsClient, keys
from hushtag_client.registers import decode as decode_register
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console

from benchmarks.backlog import batches
from benchmarks.chart import LineChart, svg
from benchmarks.live import HARSH
from benchmarks.machine import machine
from benchmarks.pipeline import PipelineProcesses
from benchmarks.recovery_history import BareRead, read_bare, settled_minute, write_history
from benchmarks.recovery_reference import SettledComparison, compare_settled, explain_new
from benchmarks.side_by_side import PARTITIONS
from devkit.simulation.firehose import firehose
from devkit.stack import LocalStack
from streams.cli.inputs import load_policy_file
from streams.constants import MINUTE_MS
from streams.counting.block_counts import Flush
from streams.log.decisions import Progress, decode_record
from streams.log.partials import decode_partial
from streams.log.topics import create_topics
from streams.settings import Settings

console = Console(stderr=True)
CAUGHT_UP_SECONDS = 1.0
STANDING = "standing"


@dataclass(frozen=True)
class Sample:
    """One look from outside."""

    at: float
    """Seconds since the new worker's start."""
    newest: float
    """Lag of the newest partial, in seconds, of the slowest source."""
    settled: float
    """Lag of the last settled tick, in seconds, of the slowest shard."""
    settling: int
    """Number of shards with a new settled tick that lags no more than before the kill."""


@dataclass
class Observer:
    """Follows the partials and the decisions."""

    settings: Settings
    newest_ms: dict[int, int] = field(default_factory=dict)
    settled_ms: dict[int, int] = field(default_factory=dict)
    stood_ms: dict[int, int] = field(default_factory=dict)
    """`settled_ms` at the kill."""
    ending: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Read both topics from their ends until `ending` is set."""
        partials, decisions = (self.settings.topic(name) for name in ("hashtag-partials", "suppression-decisions"))
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka, group_id=None, max_partition_fetch_bytes=2**22)
        # Every marker goes to every shard: one shard's log has the markers of all sources.
        tps = [TopicPartition(partials, 0), *(TopicPartition(decisions, n) for n in range(self.settings.shards))]
        consumer.assign(tps)
        consumer.seek_to_end()
        while not self.ending.is_set():
            for tp, records in consumer.poll(timeout_ms=50).items():
                for record in records:
                    self._note(decode_partial(record.value) if tp.topic == partials else decode_record(record.value))
        consumer.close()

    def _note(self, record: object) -> None:
        if isinstance(record, Flush):
            self.newest_ms[record.source] = max(self.newest_ms.get(record.source, 0), record.newest_ms)
        elif isinstance(record, Progress):
            self.settled_ms[record.shard] = max(self.settled_ms.get(record.shard, 0), record.settled_ms)

    def look(self, start: float, as_before: float = 0.0) -> Sample:
        """Return the current progress. `as_before`: greatest lag of a shard without a fault, in seconds."""
        now_ms = time.time() * 1000
        newest = min(self.newest_ms.values()) if len(self.newest_ms) == PARTITIONS else 0
        settled_ms = {shard: self.settled_ms.get(shard, 0) for shard in range(self.settings.shards)}
        settling = [
            settled_at_ms > self.stood_ms.get(shard, 0) and now_ms - settled_at_ms <= as_before * 1000
            for shard, settled_at_ms in settled_ms.items()
        ]
        lags = [(now_ms - reached_ms) / 1000 for reached_ms in (newest, min(settled_ms.values()))]
        return Sample(time.monotonic() - start, *lags, sum(settling))


class KillableWorker(PipelineProcesses):
    """One process with all stages, which may be killed."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        super().__init__(settings, folder, ["ingest,judge,publish"])

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self._processes[0].kill()
        self._processes[0].wait()

    def cpu_seconds(self) -> float:
        """CPU time of the process so far."""
        used = psutil.Process(self._processes[0].pid).cpu_times()
        return float(used.user + used.system)

    def ready(self) -> bool:
        """Return whether /readyz answers 200, asked once."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.metrics_port}/readyz", timeout=1):
                return True
        except OSError:
            return False


def flagged(settings: Settings) -> set[str]:
    """The hashtags that are suppressed in Redis."""
    with redis.Redis.from_url(settings.redis_url) as server:
        registers = map(decode_register, server.hvals(keys.REGISTERS))
        return {register.hashtag for register in registers if register.action in ("suppress", "hold")}


async def feed(settings: Settings, rate: float, tagged: float) -> None:
    """Send tweets of the present time, for ever; the campaign sends ten of them a second. Runs in a separate process.

    Args:
        settings: addresses and topic names.
        rate: tweets a second.
        tagged: share of the tweets that have a hashtag, in [0, 1].
    """
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5, max_batch_size=2**18)
    await producer.start()
    topic, number = settings.topic("tweets"), 0
    payloads: list[bytes] = list(firehose(4, 200_000, "native", start_ms=int(time.time() * 1000), per_second=rate))
    bare = int(len(payloads) * (1 - tagged))
    payloads[:bare] = map(_without_hashtags, payloads[:bare])
    Random(4).shuffle(payloads)
    start = time.monotonic()
    while True:
        due, values = int((time.monotonic() - start) * rate), []
        for tweet in range(number, due):
            harsh = not tweet % max(1, int(rate / 10))
            values.append(_harsh(tweet) if harsh else _renewed(payloads[tweet % len(payloads)], tweet))
        for partition in range(PARTITIONS):  # whole batches: who makes the load shares the cores with who is measured
            for batch in batches(producer, values[partition::PARTITIONS]):
                await producer.send_batch(batch, topic, partition=partition)
        number = due
        await asyncio.sleep(0.02)


def _without_hashtags(payload: bytes) -> bytes:
    """The same tweet with none."""
    return payload[: payload.rindex(b'"hashtags":[')] + b'"hashtags":[]}'


def _renewed(payload: bytes, number: int) -> bytes:
    """The same tweet under an id and a time of now."""
    ident = b'{"id":"%d"' % (int(time.time() * 1000) * 1_000_000 + number % 1_000_000)
    rest = payload[payload.index(b",") :]
    begin = rest.index(b'"created_at_ms":') + len(b'"created_at_ms":')
    end = begin + 13
    return ident + rest[:begin] + b"%d" % int(time.time() * 1000) + rest[end:]


def _harsh(number: int) -> bytes:
    now_ms = int(time.time() * 1000)
    return json.dumps(
        {
            "id": str(now_ms * 1_000_000 + 999_999), "author_id": str(number), "created_at_ms": now_ms,
            "text": f"{HARSH} {number % 7}", "hashtags": [STANDING], "country": "IN",
        }
    ).encode()  # fmt: skip


@dataclass
class RecoveryOutcome:
    """Observations of one recovery."""

    rate: float
    tagged: float
    samples: list[Sample]
    first: float = 0.0
    """The first new partial."""
    caught_up: float = 0.0
    settled: float = 0.0
    ready: float = 0.0
    history_bytes: int = 0
    bare: BareRead = field(default_factory=BareRead)
    compared: SettledComparison = field(default_factory=SettledComparison)
    ready_cpu: float = 0.0
    """CPU seconds of the new worker's process when it was ready."""
    settled_cpu: float = 0.0
    half_settled: float = 0.0
    """Half of the shards settle as before."""
    checks: int = 0
    unflagged: int = 0
    new: set[str] = field(default_factory=set)
    """New suppressions since the kill. The traffic has harmful texts, so they need not be wrong."""


def wait(what: str, true: object, seconds: float) -> None:
    """Until a condition holds."""
    deadline = time.monotonic() + seconds
    with console.status(what):
        while not true():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise SystemExit(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.05)


def without_valves(policy: str) -> str:
    """A policy's text without its valves: an hour of harmful texts in ever new tags is past the cap of any."""
    return re.sub(r"^valves:\n(?:[ #].*\n|\n)*", "", policy, flags=re.MULTILINE)


def run(rate: float, minutes: int, seconds: float, tagged: float = 1.0) -> RecoveryOutcome:
    """History, load, kill, and what follows."""
    with tempfile.TemporaryDirectory() as name, LocalStack(Path(name), heap_mb=1024) as stack:
        policy = Path(name) / "policy.yaml"
        policy.write_text(
            without_valves(Path("config/policy.yaml").read_text().replace("mode: shadow", "mode: suppress"))
        )
        settings = Settings(
            kafka=stack.kafka, redis_url=stack.redis_url, metrics_port=29_465, policy=policy, instance_id="one",
            encoder="off",
        )  # fmt: skip
        create_topics(settings, tweets_partitions=PARTITIONS, create_time=True)
        with console.status("settling a minute"):
            minute = settled_minute(rate * tagged, load_policy_file(policy, settings.shards), settings)
        end_ms = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
        with console.status(f"writing {minutes} minutes of history"):
            size = asyncio.run(write_history(settings, minutes, end_ms, minute))
        with console.status("reading it without a judge"):
            bare = asyncio.run(read_bare(settings, end_ms))
        observer = Observer(settings)
        thread = threading.Thread(target=observer.follow, daemon=True)
        thread.start()
        worker = KillableWorker(settings, Path(name))
        wait("the first worker", worker.ready, 300)
        feeder = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.recovery",
                "--feed",
                stack.kafka,
                "--rate",
                str(rate),
                "--tagged",
                str(tagged),
            ]
        )
        try:
            with FlagsClient(settings.redis_url) as client:
                outcome = _strike(worker, observer, client, rate, tagged, seconds, Path(name))
        finally:
            feeder.kill()
            feeder.wait()
            observer.ending.set()
            thread.join()
        outcome.history_bytes, outcome.bare = size, bare
        with console.status("judging the same log without a kill"):
            outcome.compared = asyncio.run(compare_settled(settings, observer.stood_ms))
        return outcome


def worst_settled(observer: Observer, seconds: float) -> float:
    """Return the greatest lag of the last settled tick without a fault, watched for more than a pane."""
    start, worst = time.monotonic(), 0.0
    while time.monotonic() - start < seconds:
        worst = max(worst, observer.look(start).settled)
        time.sleep(0.05)
    return worst


def _strike(
    worker: KillableWorker,
    observer: Observer,
    client: FlagsClient,
    rate: float,
    tagged: float,
    seconds: float,
    folder: Path,
) -> RecoveryOutcome:
    start = time.monotonic()

    def steady() -> bool:
        seen = observer.look(start)
        return seen.newest < CAUGHT_UP_SECONDS and not client.check(STANDING, "trends", "IN").shown

    wait("steady, and the campaign flagged", steady, 180)
    settled_before = worst_settled(observer, 15)
    wait("steady", steady, 60)
    stood = flagged(worker.settings)
    worker.kill()
    observer.stood_ms = dict(observer.settled_ms)
    start, killed_ms = time.monotonic(), int(time.time() * 1000)
    worker = KillableWorker(worker.settings, folder)
    outcome = RecoveryOutcome(rate, tagged, [])
    while time.monotonic() - start < seconds or not (outcome.caught_up and outcome.settled and outcome.ready):
        if time.monotonic() - start > 180:
            break
        seen = observer.look(start, settled_before + 0.5)
        outcome.samples.append(seen)
        if not outcome.first and min(observer.newest_ms.values()) > killed_ms:
            outcome.first = seen.at
        if not outcome.caught_up and outcome.first and seen.newest < CAUGHT_UP_SECONDS:
            outcome.caught_up = seen.at
        if not outcome.settled and seen.settling == worker.settings.shards:
            outcome.settled, outcome.settled_cpu = seen.at, worker.cpu_seconds()
        if not outcome.half_settled and seen.settling >= worker.settings.shards / 2:
            outcome.half_settled = seen.at
        if not outcome.ready and worker.ready():
            outcome.ready, outcome.ready_cpu = time.monotonic() - start, worker.cpu_seconds()
        outcome.checks += 1
        outcome.unflagged += client.check(STANDING, "trends", "IN").shown
        if not outcome.checks % 10:
            outcome.new |= flagged(worker.settings) - stood
        time.sleep(0.05)
    worker.stop()
    return outcome


def drawing(outcome: RecoveryOutcome) -> str:
    """The two lags over time."""
    return svg(
        LineChart(
            f"After kill -9 at {outcome.rate:,.0f} tweets/s, {outcome.tagged:.0%} tagged, an hour in the windows",
            "seconds since the new worker's start",
            "seconds behind",
            {
                "newest partial": [(sample.at, sample.newest) for sample in outcome.samples],
                "last settled tick": [(sample.at, sample.settled) for sample in outcome.samples],
            },
            moments={
                f"partials caught up, {outcome.caught_up:.1f} s": outcome.caught_up,
                f"settling as before, {outcome.settled:.1f} s": outcome.settled,
            },
        )
    )


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000, help="tweets a second while the worker is killed")
    parser.add_argument("--tagged", type=float, default=1.0, help="part of the tweets that have a hashtag")
    parser.add_argument("--minutes", type=int, default=60, help="of settled panes, before")
    parser.add_argument("--seconds", type=float, default=30, help="how long to look on, at least")
    parser.add_argument("--picture", type=Path, default=Path("docs/images/recovery.svg"))
    parser.add_argument("--feed", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.feed:
        asyncio.run(feed(Settings(kafka=options.feed), options.rate, options.tagged))
        return
    outcome = run(options.rate, options.minutes, options.seconds, options.tagged)
    options.picture.write_text(drawing(outcome))
    print(
        f"kill -9 at {options.rate:,.0f} tweets/s, {options.tagged:.0%} of them tagged, windows of 10 min and 1 h over "
        f"{options.minutes} min of as many ({outcome.history_bytes / 1e6:,.0f} MB of settled panes); seconds from the "
        "new worker's start:"
    )
    print(f"first new partial {outcome.first:.1f}, caught up {outcome.caught_up:.1f}, ready {outcome.ready:.1f}, "
          f"settled tick as before {outcome.settled:.1f} (half of the shards {outcome.half_settled:.1f})")  # fmt: skip
    print(f"CPU seconds of its process: when ready {outcome.ready_cpu:.1f}, when settling as before "
          f"{outcome.settled_cpu:.1f}")  # fmt: skip
    bare, compared = outcome.bare, outcome.compared
    new = explain_new(sorted(outcome.new), compared)
    print(f"reading these panes without a judge: {bare.seconds:.1f} s, {bare.cpu_seconds:.1f} CPU seconds, "
          f"{bare.megabytes:,.0f} MB")  # fmt: skip
    print(f"the standing flag was missing in {outcome.unflagged} of {outcome.checks} checks; tags "
          f"suppressed since that were not before: {len(outcome.new)} ({new})")  # fmt: skip
    print(f"settled changes of a judge that was not killed: {compared.changes}; hashtags that differ: "
          f"{len(compared.different)}", *compared.different[:5], sep="\n  ")  # fmt: skip
    print(machine())
    if os.environ.get("CI"):
        sys.exit(outcome.unflagged > 0 or bool(compared.different))


if __name__ == "__main__":
    main()
