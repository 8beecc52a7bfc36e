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
from streams.constants import MINUTE_MS
from streams.log.decisions import Progress, encode_record
from streams.log.lines import LogRecord
from streams.log.panes import PaneRecord, decode_pane_record
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
    found: list[Written] = []

    def keep(shard: int, pane: Pane, records: list[bytes]) -> None:
        if pane.start_ms < MINUTE_MS:
            found.extend(Written(shard, decode_pane_record(one)) for one in records)

    cores = Cores(policy, settings.hash_key.get_secret_value().encode(), keep)
    batch: list[LogRecord] = []
    for number, payload in enumerate(firehose(3, int(rate * 80), "native", start_ms=0, per_second=rate)):
        batch.append(LogRecord(0, number, int(number * 1000 / rate), None, payload))
        if len(batch) >= rate / 4:
            cores.read(batch)
            batch = []
    return found


def restamped(one: PaneRecord, start_ms: int, copy: int) -> bytes:
    """The record of another minute: other tweets, and other hashtags where they are used but once."""
    hashtags = "".join(f"{name}v{copy}\n" if name.startswith("once") else f"{name}\n" for name in one.names).encode()
    author, tweet = (
        np.frombuffer(one.author, "<u8") + np.uint64(copy),
        structs.replace(one.tweet, base=one.tweet.base + copy),
    )
    record = structs.replace(
        one, start_ms=start_ms + one.start_ms, hashtags=hashtags, tweet=tweet, author=author.tobytes()
    )
    return msgspec.msgpack.encode(record)


async def write_history(settings: Settings, minutes: int, end_ms: int, minute: list[Written]) -> int:
    """Settled panes of so many minutes before `end_ms`, and the progress that stands for them; bytes of the panes."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5, max_request_size=2**22)
    await producer.start()
    size, start_ms, topic = 0, end_ms - minutes * MINUTE_MS, settings.topic("hashtag-panes")
    for number in range(minutes):
        begin_ms = start_ms + number * MINUTE_MS
        for one in minute:
            value = restamped(one.record, begin_ms, number)
            size += len(value)
            written_ms = begin_ms + one.record.start_ms + one.record.length_ms + 16_000
            await producer.send(topic, value, partition=one.shard, timestamp_ms=written_ms)
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
    """Cost of reading the topic of panes by a consumer that keeps nothing."""

    megabytes: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """CPU time of this process alone, without the broker's."""


async def read_bare(settings: Settings) -> BareRead:
    """Read all panes once, two shards at a time, as a recovering worker does."""
    began, used, size = time.monotonic(), time.process_time(), 0
    slots = asyncio.Semaphore(2)

    async def read(shard: int) -> int:
        tp, found = TopicPartition(settings.topic("hashtag-panes"), shard), 0
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka, auto_offset_reset="earliest", max_partition_fetch_bytes=4 * 2**20
        )
        async with slots, consumer:
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            while await consumer.position(tp) < end:
                records = await consumer.getmany(timeout_ms=1_000)
                found += sum(len(record.value) for batch in records.values() for record in batch)
        return found

    size = sum(await asyncio.gather(*map(read, range(settings.shards))))
    return BareRead(size / 1e6, time.monotonic() - began, time.process_time() - used)
