"""The audit log on a real broker: exactly once whatever is killed, one writer alone, and tampering found."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition as KafkaPartition
from pydantic import SecretStr

from moderation.audit.chain import Entry, decode_entry
from moderation.audit.log import read_topic
from moderation.audit.writer import AuditBroken, AuditTakenOver, AuditWriter
from moderation.drafts import Draft, tag_of
from moderation.writer import Desk
from streams.clock import now_ms
from streams.errors import DependencyAway
from streams.log.topics import create_topics
from streams.settings import Settings

pytestmark = pytest.mark.integration
KEY = "k" * 32


@pytest.fixture
def keyed(topics: Settings) -> Settings:
    return topics.model_copy(update={"audit_key": SecretStr(KEY)})


def draft(tag: str) -> Draft:
    return Draft(tag_of(tag), "block", "*", ("trends",), "ann", "r", now_ms() + 3_600_000)


async def send(settings: Settings, topic: str, partition: int, values: Sequence[bytes | None]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5) as producer:
        for value in values:
            await producer.send(settings.topic(topic), value, key=b"k", partition=partition)
        await producer.flush()


async def raw(settings: Settings) -> list[bytes]:
    return [value or b"" async for _, value in read_topic(settings)]


async def entries(settings: Settings) -> list[Entry]:
    return [decode_entry(value) for value in await raw(settings)]


def sources(log: Sequence[Entry]) -> list[tuple[str, int, int]]:
    return [(e.source.topic, e.source.partition, e.source.offset) for e in log]


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "HUSHTAG_KAFKA": settings.kafka,
        "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix,
        "HUSHTAG_AUDIT_KEY": KEY,
        "HUSHTAG_LOG_LEVEL": "warning",
    }


def command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [str(Path(sys.executable).parent / "hushtag"), "audit", *arguments]
    return subprocess.run(program, env=environment(settings), capture_output=True, text=True, timeout=60)


async def test_everything_decided_is_in_the_log_once(keyed: Settings, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    async with Desk(keyed) as desk:
        await desk.override([draft("one"), draft("two")])
        await send(keyed, "suppression-decisions", 2, [b'{"kind":"progress"}', b'{"kind":"decision"}', b"\xff"])
        await send(keyed, "policy", 0, [b'{"revision":"r"}', None])
        async with AuditWriter(keyed, heads) as writer:
            assert await writer.catch_up() == 6
            assert await writer.catch_up() == 0
            await desk.override([draft("three")])
            assert await writer.catch_up() == 1
            writer.export_head()
    async with AuditWriter(keyed, heads) as again:
        assert await again.catch_up() == 0
    log = await entries(keyed)
    assert sorted(sources(log)) == [
        *(("moderation", 0, offset) for offset in range(3)),
        ("policy", 0, 0),
        ("policy", 0, 1),
        ("suppression-decisions", 2, 1),
        ("suppression-decisions", 2, 2),
    ]
    result = await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads))
    assert result.returncode == 0, result.stderr
    assert "all entries, 7" in result.stdout
    told = await asyncio.to_thread(command, keyed, "export", "--kind", "override", "--tag", "#Three")
    assert [json.loads(line)["target"] for line in told.stdout.splitlines()] == ["three"]


async def test_kill_9_in_the_middle_loses_and_doubles_nothing(keyed: Settings, tmp_path: Path) -> None:
    """The process is killed again and again while records arrive; each successor goes on where the log ends."""
    heads, count = tmp_path / "heads", 6_000
    program = [str(Path(sys.executable).parent / "hushtag"), "audit", "run", "--heads", str(heads)]

    async def produce() -> None:
        for start in range(0, count, 500):
            values = [b'{"kind":"decision","hashtag":"t%d"}' % n for n in range(start, start + 500)]
            await send(keyed, "suppression-decisions", start // 500 % 4, values)
            await asyncio.sleep(0.3)

    producing = asyncio.create_task(produce())
    killed = 0
    while not producing.done():
        process = subprocess.Popen(program, env=environment(keyed), stderr=subprocess.DEVNULL)
        await asyncio.sleep(1.6 + 0.13 * killed)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        killed += 1
    await producing
    assert killed >= 2
    finished = await asyncio.to_thread(command, keyed, "run", "--once", "--heads", str(heads))
    assert finished.returncode == 0, finished.stderr
    log = await entries(keyed)
    assert sorted(sources(log)) == [("suppression-decisions", p, o) for p in range(4) for o in range(count // 4)]
    assert (await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads))).returncode == 0


async def test_a_second_writer_takes_over_and_the_first_writes_no_more(keyed: Settings, tmp_path: Path) -> None:
    async with AuditWriter(keyed, tmp_path / "heads") as first:
        await send(keyed, "policy", 0, [b'{"serial":1}'])
        await first.catch_up()
        async with AuditWriter(keyed, tmp_path / "heads") as second:
            await send(keyed, "policy", 0, [b'{"serial":2}'])
            with pytest.raises(AuditTakenOver):
                await first.catch_up()
            assert await second.catch_up() == 1
    assert sources(await entries(keyed)) == [("policy", 0, 0), ("policy", 0, 1)]


async def test_records_that_were_gone_are_a_note_in_the_log(keyed: Settings, tmp_path: Path) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"decision"}'] * 10)
    admin = KafkaAdminClient(bootstrap_servers=keyed.kafka)
    try:
        admin.delete_records({KafkaPartition(keyed.topic("suppression-decisions"), 1): 6})
    finally:
        admin.close()
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        assert await writer.catch_up() == 5
    log = await entries(keyed)
    assert "offsets 0 to 5 were gone" in log[0].note
    assert [entry.source.offset for entry in log] == [5, 6, 7, 8, 9]


async def test_progress_that_retention_took_is_no_loss(keyed: Settings, tmp_path: Path) -> None:
    await send(keyed, "suppression-decisions", 1, [b'{"kind":"progress"}'] * 10)
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        assert await writer.catch_up() == 0
        assert await writer.write(writer.checkpoints()) == 1
    admin = KafkaAdminClient(bootstrap_servers=keyed.kafka)
    try:
        admin.delete_records({KafkaPartition(keyed.topic("suppression-decisions"), 1): 10})
    finally:
        admin.close()
    async with AuditWriter(keyed, tmp_path / "heads") as writer:
        assert await writer.catch_up() == 0
    [entry] = await entries(keyed)
    assert (entry.source.offset, entry.note.startswith("read up to here")) == (9, True)


TAMPERINGS: list[tuple[Callable[[list[bytes]], list[bytes]], int, str]] = [
    (lambda log: [*log[:3], log[3].replace(b"ann", b"ben"), *log[4:]], 3, "changed"),
    (lambda log: [*log[:3], *log[4:]], 3, "missing"),
    (lambda log: [*log[:3], log[4], log[3], *log[5:]], 3, "out of order"),
    (lambda log: log[:6], 6, "cut off"),
]


@pytest.mark.parametrize(("tamper", "seq", "what"), TAMPERINGS, ids=[what for _, _, what in TAMPERINGS])
async def test_tampering_is_found(
    keyed: Settings, tmp_path: Path, tamper: Callable[[list[bytes]], list[bytes]], seq: int, what: str
) -> None:
    """Whoever can write to Kafka replaces the topic by a forged one; the heads stay where they were."""
    heads = tmp_path / "heads"
    async with Desk(keyed) as desk:
        await desk.override([draft(f"t{n}") for n in range(8)])
    async with AuditWriter(keyed, heads) as writer:
        await writer.catch_up()
        writer.export_head()
    log = await raw(keyed)
    admin = KafkaAdminClient(bootstrap_servers=keyed.kafka)
    try:
        admin.delete_topics([keyed.topic("audit")])
    finally:
        admin.close()
    await asyncio.to_thread(remade, keyed)
    await send(keyed, "audit", 0, tamper(log))
    result = await asyncio.to_thread(command, keyed, "verify", "--heads", str(heads), "--json")
    told = json.loads(result.stdout)
    assert (result.returncode, told["bad"]["seq"], told["bad"]["what"]) == (3, seq, what)
    with pytest.raises(AuditBroken, match=f"entry {seq}: {what}"):
        async with AuditWriter(keyed, heads):
            pass


def remade(settings: Settings) -> None:
    """The broker takes a moment to let go of a topic's name."""
    deadline = time.monotonic() + 20
    while True:
        try:
            create_topics(settings)
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


async def test_without_a_broker_it_says_so(keyed: Settings, tmp_path: Path) -> None:
    away = keyed.model_copy(update={"kafka": "127.0.0.1:1"})
    with pytest.raises(DependencyAway):
        async with AuditWriter(away, tmp_path / "heads"):
            pass
