"""An hour of settled panes for the recovery benchmarks, and what reading it costs without a judge."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from msgspec import structs

from benchmarks.cores import Cores
from devkit.simulation.firehose import firehose
from streams.backup.stamping import producer_times
from streams.constants import MINUTE_MS, SHORT_WINDOW_MS
from streams.log.decisions import Progress, encode_record
from streams.log.lines import LogRecord
from streams.log.panes import PaneRecord, decode_pane_record, topic_of
from streams.log.topic_specs import PANES, SHORT_PANES
from streams.pipeline.judge_partition import PROGRESS_KEY
from streams.policy import Policy
from streams.settings import Settings
from streams.windows.pane import Pane


@dataclass(frozen=True)
class Written:
    """A record of a settled pane, as the cores wrote it."""

    shard: int
    record: PaneRecord


def settled_minute(rate: float, policy: Policy, settings: Settings) -> list[Written]:
    """Return the pane records of all shards for one minute of traffic: six panes of ten seconds, and the minute's."""
    written: list[Written] = []

    def keep(shard: int, pane: Pane, records: list[bytes]) -> None:
        if pane.start_ms < MINUTE_MS:
            written.extend(Written(shard, decode_pane_record(record)) for record in records)

    cores = Cores(policy, settings.hash_key.get_secret_value().encode(), keep)
    batch: list[LogRecord] = []
    for number, payload in enumerate(firehose(3, int(rate * 80), "native", start_ms=0, per_second=rate)):
        batch.append(LogRecord(0, number, int(number * 1000 / rate), None, payload))
        if len(batch) >= rate / 4:
            cores.read(batch)
            batch = []
    return written


def restamped(record: PaneRecord, start_ms: int, copy: int) -> bytes:
    """The record of another minute: other tweets, and other hashtags where they are used but once."""
    hashtags = "".join(f"{name}v{copy}\n" if name.startswith("once") else f"{name}\n" for name in record.names).encode()
    author, tweet = (
        np.frombuffer(record.author, "<u8") + np.uint64(copy),
        structs.replace(record.tweet, base=record.tweet.base + copy),
    )
    record = structs.replace(
        record, start_ms=start_ms + record.start_ms, hashtags=hashtags, tweet=tweet, author=author.tobytes()
    )
    return msgspec.msgpack.encode(record)


async def write_history(settings: Settings, minutes: int, end_ms: int, minute: list[Written]) -> int:
    """Settled panes of so many minutes before `end_ms`, and the progress that stands for them; bytes of the panes."""
    with producer_times(settings, [settings.topic(name) for name in (PANES, SHORT_PANES)]):
        return await _write(settings, minutes, end_ms, minute)


async def _write(settings: Settings, minutes: int, end_ms: int, minute: list[Written]) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5, max_request_size=2**22)
    await producer.start()
    size, start_ms = 0, end_ms - minutes * MINUTE_MS
    for number in range(minutes):
        begin_ms = start_ms + number * MINUTE_MS
        for written in minute:
            value = restamped(written.record, begin_ms, number)
            size += len(value)
            written_ms = begin_ms + written.record.start_ms + written.record.length_ms + 16_000
            topic = settings.topic(topic_of(written.record.length_ms))
            await producer.send(topic, value, partition=written.shard, timestamp_ms=written_ms)
    for shard in range(settings.shards):
        record = Progress(shard=shard, settled_ms=end_ms, position=0, replay_offset=0, activations=[],
                        minutes_from_ms=start_ms)  # fmt: skip
        await producer.send(
            settings.topic("suppression-decisions"), encode_record(record), key=PROGRESS_KEY, partition=shard
        )
    await producer.stop()
    return size


@dataclass(frozen=True)
class BareRead:
    """Cost of reading what a restart reads of the topics of panes, by a consumer that keeps nothing."""

    megabytes: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """CPU time of this process alone, without the broker's."""


async def read_bare(settings: Settings, end_ms: int) -> BareRead:
    """Read all long panes, and the last short ones, two shards at a time as a worker does.

    Args:
        settings: addresses and topic names.
        end_ms: end of the last settled pane.
    """
    began, used = time.monotonic(), time.process_time()
    slots = asyncio.Semaphore(2)

    async def read(topic: str, since_ms: int, shard: int) -> int:
        tp, size = TopicPartition(settings.topic(topic), shard), 0
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka, auto_offset_reset="earliest", max_partition_fetch_bytes=4 * 2**20
        )
        async with slots, consumer:
            consumer.assign([tp])
            consumer.seek(tp, (await consumer.offsets_for_times({tp: since_ms}))[tp].offset)
            end = (await consumer.end_offsets([tp]))[tp]
            while await consumer.position(tp) < end:
                records = await consumer.getmany(timeout_ms=1_000)
                size += sum(len(record.value) for batch in records.values() for record in batch)
        return size

    sinces = ((PANES, 0), (SHORT_PANES, end_ms - SHORT_WINDOW_MS))
    size = sum(await asyncio.gather(*(read(*since, shard) for since in sinces for shard in range(settings.shards))))
    return BareRead(size / 1e6, time.monotonic() - began, time.process_time() - used)
