"""Backup, restore and reshard, measured by size: how long each takes, and how soon automated flags can return.

    python -m benchmarks.restore --decisions 100000 --tweets 500000

A backup of many decisions of people with their audit log is taken and restored into new topics. Then a worker reads a
backlog, the shards are halved, and the next worker counts the same tweets again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaAdminClient
from rich.console import Console
from rich.table import Table

from benchmarks.backlog import fill
from benchmarks.machine import machine
from benchmarks.side_by_side import PARTITIONS
from devkit.stack import LocalStack
from moderation.publiclog.entries import LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition
from streams.backup.equal_offsets import EqualOffsetWriter
from streams.backup.manifest import ORDER
from streams.backup.reshard import reshard
from streams.backup.restore import restore_backup
from streams.backup.stamping import producer_times
from streams.backup.take import take_backup
from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.log.decisions import Progress, decode_record
from streams.log.moderation import Override, encode_moderation
from streams.log.policies import PolicyRecord, encode_policy_record
from streams.log.reading import LogReader, connection
from streams.log.topics import create_topics
from streams.policy import parse_policy
from streams.settings import Settings

console = Console(stderr=True)
REPORTS = 1_000_000
"""Offsets that workers' reports on their policy files have taken: ten workers need three weeks for them."""
_POLICY = Path("config/demo-policy.yaml")


@contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Measure one step in seconds."""
    console.log(step)
    began = time.monotonic()
    yield
    seconds[step] = time.monotonic() - began


def decision(number: int) -> Override:
    """Return a person's block of a hashtag, of usual length."""
    return Override(
        id=f"id{number:014d}", hashtag=f"hashtag{number}", display=f"Hashtag{number}", country="IN",
        surfaces=("search", "trends"), actor="moderator@example.org", reason="incites violence against a community",
        at_ms=now_ms(), action="block", expires_at_ms=now_ms() + 30 * 24 * HOUR_MS,
    )  # fmt: skip


async def fill_topics(settings: Settings, decisions: int) -> None:
    """Write decisions, their audit log, a policy and the offsets of reports."""
    end, at_ms = LogEnd(), now_ms()
    policy = parse_policy(_POLICY.read_bytes(), str(_POLICY), shards=settings.shards)
    live = PolicyRecord(
        revision=policy.revision, serial=policy.serial, policy=policy.canonical, model_revision="0" * 12,
        from_tick_ms=0, proposed_at_ms=at_ms, proposed_by="w1", text=_POLICY.read_text(),
    )  # fmt: skip
    with producer_times(settings, [*map(settings.topic, ORDER)]):
        async with (
            EqualOffsetWriter(settings, settings.topic("moderation")) as people,
            EqualOffsetWriter(settings, settings.topic("audit")) as audit,
            EqualOffsetWriter(settings, settings.topic("audit-openings")) as openings,
            EqualOffsetWriter(settings, settings.topic("policy")) as policies,
        ):
            for number in range(decisions):
                value, key = encode_moderation(decision(number))
                await people.write(number, at_ms, key, value)
                source = SourcePosition("moderation", 0, number, at_ms)
                [entry] = end.extend([AuditInput(source, key, value)])
                await audit.write(number, at_ms, b"%d" % number, entry.leaf)
                await openings.write(number, at_ms, b"%d" % number, entry.opening.encode())
            await policies.write(REPORTS, at_ms, b"p", encode_policy_record(live))
            for writer in (people, audit, openings, policies):
                await writer.flush()


def delete_all(settings: Settings) -> None:
    """Delete all topics of a run."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    admin.delete_topics([name for name in admin.list_topics() if name.startswith(settings.topic_prefix)])
    while any(name.startswith(settings.topic_prefix) for name in admin.list_topics()):
        time.sleep(0.1)
    admin.close()


async def measure_restore(settings: Settings, folder: Path, decisions: int) -> dict[str, float]:
    """Measure backup and restore; return seconds by step, and the size of the backup in MB."""
    seconds: dict[str, float] = {}
    await asyncio.to_thread(create_topics, settings)
    with timed(seconds, "fill"):
        await fill_topics(settings, decisions)
    with timed(seconds, "backup"):
        await take_backup(settings, folder)
    with timed(seconds, "backup again"):
        await take_backup(settings, folder)
    delete_all(settings)
    with timed(seconds, "restore"):
        await restore_backup(settings, folder, actor="bench", reason="bench", clear_flags=True, report=console.log)
    seconds["MB"] = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    delete_all(settings)
    return seconds


async def settled_ms(settings: Settings) -> int:
    """Return the lowest settled tick over all shards; 0 where one has none."""
    settled = dict.fromkeys(range(settings.shards), 0)
    async with LogReader(connection(settings), settings.topic("suppression-decisions")) as reader:
        async for batch in reader.to_end():
            for entry in (decode_record(record.value) for record in batch):
                if isinstance(entry, Progress):
                    settled[entry.shard] = max(settled[entry.shard], entry.settled_ms)
    return min(settled.values())


async def wait_until_settled(settings: Settings, at_ms: int) -> None:
    """Wait until every shard has settled a moment."""
    while (settled := await settled_ms(settings)) < at_ms:
        console.log(f"{max(0, at_ms - settled) / 1000:,.0f} s to settle" if settled else "no tick has settled")
        await asyncio.sleep(2.0)


def measure_reshard(settings: Settings, tweets: int, minutes: int) -> dict[str, float]:
    """Measure a reshard after a backlog of tweets; return seconds by step."""
    seconds: dict[str, float] = {}
    create_topics(settings, tweets_partitions=PARTITIONS, create_time=True)
    slack_ms = settings.allowed_lateness_ms + settings.max_broker_skew_ms
    written = asyncio.run(
        fill(settings.kafka, settings.topic("tweets"), tweets, "native", tweets / (60 * minutes), 10_000, slack_ms)
    )
    with worker(settings), timed(seconds, "first count"):
        asyncio.run(wait_until_settled(settings, written.settles_ms))
    with timed(seconds, "reshard"):
        asyncio.run(reshard(settings, settings.shards // 2, actor="bench", reason="bench", report=console.log))
    halved = settings.model_copy(update={"shards": settings.shards // 2})
    with worker(halved), timed(seconds, "windows full again"):
        asyncio.run(wait_until_settled(halved, written.settles_ms))
    return seconds


@contextmanager
def worker(settings: Settings) -> Iterator[None]:
    """Run a whole worker; stop it at the end."""
    own = {f"HUSHTAG_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_defaults=True).items()}
    command = [sys.executable, "-m", "streams.cli.main", "worker"]
    process = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decisions", type=int, nargs="*", default=[10_000, 100_000], help="sizes of the backup")
    parser.add_argument("--tweets", type=int, default=500_000, help="tweets before the reshard; 0: none")
    parser.add_argument("--minutes", type=int, default=10, help="log time of these tweets")
    options = parser.parse_args()
    table = Table(title=machine(), title_justify="left")
    for name in ("decisions", "backup MB", "backup s", "nothing new s", "restore s"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as data, LocalStack(Path(data) / "stack", heap_mb=512) as stack:
        base = Settings(kafka=stack.kafka, redis_url=stack.redis_url, policy=_POLICY, encoder="off", metrics_port=0)
        for number, decisions in enumerate(options.decisions):
            settings = base.model_copy(update={"topic_prefix": f"r{number}."})
            durations = asyncio.run(measure_restore(settings, Path(data) / f"b{number}", decisions))
            row = [durations["MB"], durations["backup"], durations["backup again"], durations["restore"]]
            table.add_row(f"{decisions:,}", *(f"{value:.1f}" for value in row))
        Console().print(table)
        if options.tweets:
            settings = base.model_copy(update={"topic_prefix": "s.", "group": "s"})
            durations = measure_reshard(settings, options.tweets, options.minutes)
            for step, value in durations.items():
                print(f"{options.tweets:,} tweets of {options.minutes} minutes: {step}: {value:.1f} s")


if __name__ == "__main__":
    main()
