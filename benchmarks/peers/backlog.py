"""The topics that all peers read, and the plain count of what is in them.

The stream is the firehose of 20,000 tweets a second, thinned: as many fewer hashtags as tweets, so that a window has
about as many rows for each tweet as the firehose's; a job's cost hangs on that. Slow peers read a topic of their own,
with the first tweets of the same stream in the same partitions, so that they end. A record's timestamp is its tweet's
`created_at`: what each framework's documentation takes as event time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks.peers.windows import PANE_MS, Row, Uses, last_closed_ms, read_row, rows_of_windows
from benchmarks.side_by_side import PARTITIONS
from devkit.simulation.firehose import firehose

_FIREHOSE_PER_SECOND = 20_000
_FIREHOSE_TAGS = 50_000


class _Tweet(msgspec.Struct):
    created_at_ms: int
    country: str
    hashtags: list[str]


@dataclass(frozen=True)
class PeerBacklog:
    """A topic, and the rows that its windows have."""

    topic: str
    tweets: int
    until_ms: int
    rows: list[Row]


def make_topic(kafka: str, topic: str) -> None:
    """A topic that keeps its producers' timestamps, however old."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    configs = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=configs)])
    admin.close()


async def fill(kafka: str, topics: dict[int, str], per_second: float) -> dict[int, PeerBacklog]:
    """Write the first N tweets of one stream into each topic, N being its key, and count them plainly.

    Args:
        kafka: bootstrap servers, host:port.
        topics: number of tweets to the name of an existing topic.
        per_second: how many tweets a second of event time.

    Raises:
        KafkaError: a record was not acknowledged; what is counted would not be what is there.
    """
    most = max(topics)
    start_ms = (int((time.time() - most / per_second) * 1000)) // PANE_MS * PANE_MS
    decode = msgspec.json.Decoder(_Tweet).decode
    uses: Uses = {}
    newest_ms = [0] * PARTITIONS
    backlogs: dict[int, PeerBacklog] = {}
    tags = max(1, int(_FIREHOSE_TAGS * per_second / _FIREHOSE_PER_SECOND))
    payloads = firehose(1, most, tags=tags, start_ms=start_ms, per_second=per_second)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, request_timeout_ms=120_000, linger_ms=20,
        max_batch_size=512 * 1024, compression_type="zstd",
    ) as producer:  # fmt: skip
        sent: list[asyncio.Future[RecordMetadata]] = []
        for number, payload in enumerate(payloads):
            tweet, partition = decode(payload), number % PARTITIONS
            newest_ms[partition] = tweet.created_at_ms
            for hashtag in tweet.hashtags:
                panes = uses.setdefault((hashtag.lower(), tweet.country), {})
                pane = tweet.created_at_ms // PANE_MS
                panes[pane] = panes.get(pane, 0) + 1
            for size, topic in topics.items():
                if number < size:
                    at_ms = tweet.created_at_ms
                    sent.append(await producer.send(topic, payload, partition=partition, timestamp_ms=at_ms))
            if number + 1 in topics:
                until_ms = last_closed_ms(newest_ms)
                rows = list(rows_of_windows(uses, until_ms))
                backlogs[number + 1] = PeerBacklog(topics[number + 1], number + 1, until_ms, rows)
            if len(sent) >= 20_000:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)
    return backlogs


async def read_rows(kafka: str, topic: str) -> Iterable[Row]:
    """Read the rows that a peer has written."""
    tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    rows: list[Row] = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest") as consumer:
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        await consumer.seek_to_beginning(*tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                rows += [read_row(record.value) for record in records]
    return rows
