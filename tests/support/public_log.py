"""A public log on a broker for tests: keys, commands, records of its sources, and forged entries."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition as KafkaPartition
from pydantic import SecretStr

from devkit.stack.ports import free_port
from moderation.log.drafts import OverrideDraft
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.publisher import AuditPublisher
from moderation.publiclog.reading import read_entries
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from moderation.publiclog.writer import AuditWriter
from streams.clock import now_ms
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, AUDIT_OPENINGS
from streams.log.topics import create_topics
from streams.naming import tag_of
from streams.settings import Settings

LOG_KEY = PrivateKey("example.com/log", KeyKind.log, b"l" * 32)
NEW_LOG_KEY = PrivateKey("example.com/log", KeyKind.log, b"n" * 32)
WITNESS_KEYS = (
    PrivateKey("w1.example", KeyKind.witness, b"1" * 32),
    PrivateKey("w2.example", KeyKind.witness, b"2" * 32),
)
HUSHTAG = str(Path(sys.executable).parent / "hushtag")


def with_keys(settings: Settings, *, witnesses: str = "", folder: str = "") -> Settings:
    """Add the log's keys to settings."""
    return settings.model_copy(
        update={
            "audit_key": SecretStr(LOG_KEY.encode()),
            "audit_log_key": str(LOG_KEY.public_key),
            "audit_witnesses": witnesses,
            "audit_folder": folder,
        }
    )


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a command with these settings."""
    return os.environ | {
        "HUSHTAG_KAFKA": settings.kafka,
        "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix,
        "HUSHTAG_AUDIT_KEY": settings.audit_key.get_secret_value(),
        "HUSHTAG_AUDIT_LOG_KEY": settings.audit_log_key,
        "HUSHTAG_AUDIT_WITNESSES": settings.audit_witnesses,
        "HUSHTAG_AUDIT_FOLDER": settings.audit_folder,
        "HUSHTAG_LOG_LEVEL": "warning",
    }


def command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hushtag audit` with these settings."""
    program = [HUSHTAG, "audit", *arguments]
    return subprocess.run(program, env=environment(settings), capture_output=True, text=True, timeout=120)


def draft(tag: str) -> OverrideDraft:
    """Build a person's block of a hashtag."""
    return OverrideDraft(tag_of(tag), "block", "*", ("trends",), "ann", "r", now_ms() + 3_600_000)


async def send(settings: Settings, topic: str, partition: int, values: Sequence[bytes | None]) -> None:
    """Write records to a topic, without a transaction."""
    await send_pairs(settings, topic, partition, [(b"k", value) for value in values])


async def send_pairs(
    settings: Settings, topic: str, partition: int, pairs: Sequence[tuple[bytes | None, bytes | None]]
) -> None:
    """Write (key, value) pairs to a topic, without a transaction."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5) as producer:
        for key, value in pairs:
            await producer.send(settings.topic(topic), value, key=key, partition=partition)
        await producer.flush()


async def entries(settings: Settings) -> list[AuditEntry]:
    """Read all entries of the log."""
    async with aclosing(read_entries(settings)) as found:
        return [entry async for entry in found]


async def raw(settings: Settings, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    """Read the committed records of a topic as (key, value)."""
    async with LogReader(connection(settings), settings.topic(topic), committed_only=True) as reader:
        return [(record.key, record.value) async for batch in reader.to_end() for record in batch]


async def end_of_the_log(settings: Settings) -> int:
    """Return the end offset of the topic of leaves."""
    async with LogReader(connection(settings), settings.topic(AUDIT)) as reader:
        return (await reader.bounds())[0].end


async def append_without_writer(settings: Settings, *inputs: AuditInput) -> None:
    """Append entries that commit to their openings, as a program with write access can while no writer runs."""
    end = LogEnd()
    for entry in await entries(settings):
        one = entry.input
        assert one is not None
        end.apply(entry.leaf, one)
    added = end.extend(inputs)
    numbered = [(str(entry.number).encode(), entry) for entry in added]
    await send_pairs(settings, AUDIT_OPENINGS, 0, [(key, entry.opening.encode()) for key, entry in numbered])
    await send_pairs(settings, AUDIT, 0, [(key, entry.leaf) for key, entry in numbered])


def decision_input(offset: int, value: bytes, log_time_ms: int = 1) -> AuditInput:
    """Build a record of partition 1 of the decisions."""
    return AuditInput(SourcePosition("suppression-decisions", 1, offset, log_time_ms), b"k", value)


async def replace_topic(settings: Settings, topic: str, pairs: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    """Delete a topic, create it again and write other records to it."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        admin.delete_topics([settings.topic(topic)])
    finally:
        admin.close()
    await asyncio.to_thread(_create_once_free, settings)
    await send_pairs(settings, topic, 0, pairs)


def _create_once_free(settings: Settings) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            create_topics(settings)
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def drop_decisions(settings: Settings, partition: int, before: int) -> None:
    """Let retention remove decisions."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        admin.delete_records({KafkaPartition(settings.topic("suppression-decisions"), partition): before})
    finally:
        admin.close()


@contextmanager
def witness_process(
    state: Path, key: PrivateKey = WITNESS_KEYS[0], port: int = 0
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `hushtag witness`; yield its item of HUSHTAG_AUDIT_WITNESSES, and the process."""
    port = port or free_port()
    program = [HUSHTAG, "witness", "--key", key.encode(), "--state", str(state), "--log-key", str(LOG_KEY.public_key)]
    program += ["--listen", f"127.0.0.1:{port}", *([] if state.exists() else ["--new"])]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the witness ended"
            yield f"{key.public_key} http://127.0.0.1:{port}", process
        finally:
            process.kill()


async def grow(settings: Settings, count: int, *, sign: bool = True) -> None:
    """Log decisions, and sign the log."""
    await send(settings, "suppression-decisions", 1, [b'{"kind":"decision","n":%d}' % n for n in range(count)])
    async with AuditWriter(settings) as writer:
        await writer.catch_up()
        if sign:
            await writer.sign()


async def publish(settings: Settings, folder: Path) -> int:
    """Publish once, and return the size."""
    async with AuditPublisher(settings, folder) as publisher:
        return await publisher.publish()
