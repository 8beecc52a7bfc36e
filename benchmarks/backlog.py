"""The backlog that all contenders of `make bench` read: tweets of a firehose, under the log times of their creation.

A backlog's log times must be its producer's, so its topics need CreateTime: `create_topics(..., create_time=True)`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from aiokafka import AIOKafkaProducer

from benchmarks.side_by_side import PARTITIONS, console
from devkit.simulation.firehose import firehose
from streams.constants import PANE_MS

TEXTS = 262_144
"""Distinct texts that tweets are drawn from: a scorer and a compressor meet few of them twice in a pane."""
_CHUNK = 1_500 * PARTITIONS
"""Tweets made and sent at a time: a batch for each partition, of native payloads."""

Shape = Literal["native", "v1.1"]


@dataclass(frozen=True)
class Backlog:
    """Tweets of one topic."""

    tweets: int
    records: int
    """The tweets, and one record in each partition that closes the last pane."""
    settles_ms: int
    """End of the last tweet's pane: once every shard has settled up to here, all tweets have."""


@dataclass(frozen=True)
class Times:
    """Log times of a backlog, milliseconds since the epoch."""

    start_ms: int
    """Log time of the first tweet."""
    settles_ms: int
    """End of the last tweet's pane, 1 ms after the last tweet."""
    closing_ms: int
    """Log time of the closing records."""


def times_of(tweets: int, rate: float, newest_ms: int, slack_ms: int) -> Times:
    """Place a backlog in log time.

    A watermark stays `slack_ms` behind the greatest log time read, and shards settle a pane at up to half its length
    after the watermark has passed it. So the last pane needs a later log time to settle. An idle source's time would
    advance, too, but only a second or two after the last tweet was read, and the clock would measure that wait: each
    partition ends with a record whose log time is late enough.

    Args:
        tweets: number of tweets, at least 1.
        rate: tweets a second of log time.
        newest_ms: no record is newer.
        slack_ms: how far behind the greatest log time a watermark stays.

    >>> times_of(1_000_000, 50_000, 100_000, 5_500)
    Times(start_ms=60000, settles_ms=80000, closing_ms=95500)
    """
    settles_ms = (newest_ms - slack_ms - PANE_MS) // PANE_MS * PANE_MS
    return Times(settles_ms - 1 - _after_ms(tweets - 1, rate), settles_ms, settles_ms + slack_ms + PANE_MS)


async def fill(kafka: str, topic: str, tweets: int, shape: Shape, rate: float, age_ms: int, slack_ms: int) -> Backlog:
    """Write a backlog; but for its times, each of the same size and shape is the same.

    Args:
        kafka: bootstrap servers, host:port.
        topic: existing topic with `PARTITIONS` partitions.
        tweets: number of tweets, at least 1.
        shape: shape of the payloads, see `firehose`.
        rate: tweets a second of log time, regardless of how fast they are written.
        age_ms: how old the newest record is when the first one is written.
        slack_ms: how far behind the greatest log time a watermark stays.

    Raises:
        KafkaError: a batch was not acknowledged.
    """
    times = times_of(tweets, rate, int(time.time() * 1000) - age_ms, slack_ms)
    payloads = firehose(1, tweets, shape, texts=TEXTS, start_ms=times.start_ms, per_second=rate)
    closing = list(firehose(2, PARTITIONS, shape, start_ms=times.closing_ms, per_second=1e6))
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, request_timeout_ms=120_000, max_batch_size=512 * 1024,
        compression_type="zstd",
    )  # fmt: skip
    sent: list[asyncio.Future[Any]] = []

    async def send(chunk: Sequence[bytes], log_times_ms: Sequence[int]) -> None:
        for partition in range(PARTITIONS):
            own = slice(partition, None, PARTITIONS)
            for batch in batches(producer, chunk[own], log_times_ms[own]):
                sent.append(await producer.send_batch(batch, topic, partition=partition))

    async with producer:
        with console.status(f"writing {tweets:,} tweets ({shape})"):
            for first in range(0, tweets, _CHUNK):
                chunk = list(islice(payloads, _CHUNK))
                numbers = range(first, first + len(chunk))
                await send(chunk, [times.start_ms + _after_ms(number, rate) for number in numbers])
            await send(closing, [times.closing_ms] * len(closing))
            await asyncio.gather(*sent)
    return Backlog(tweets, tweets + len(closing), times.settles_ms)


def _after_ms(number: int, rate: float) -> int:
    """Return how long after the first tweet this one was created, as the firehose has it."""
    return int(number * 1000 / rate)


def batches(
    producer: AIOKafkaProducer, payloads: Sequence[bytes], log_times_ms: Sequence[int] | None = None
) -> Iterator[Any]:
    """Pack payloads into closed batches.

    Args:
        producer: started producer whose batch size applies.
        payloads: values of the records, in order.
        log_times_ms: timestamp of each record; None: the time at which it is packed.
    """
    times: Sequence[int | None] = [None] * len(payloads) if log_times_ms is None else log_times_ms
    batch = producer.create_batch()
    for payload, log_ms in zip(payloads, times, strict=True):
        if batch.append(key=None, value=payload, timestamp=log_ms) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            batch.append(key=None, value=payload, timestamp=log_ms)
    if batch.record_count():
        batch.close()
        yield batch
