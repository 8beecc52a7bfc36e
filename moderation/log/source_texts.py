"""Records of the source topic by their positions, a few at a time.

A consumer waits between two places of a partition. So positions are fetched with Kafka's own request, the next one of
every partition at once, in a fraction of the time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Self

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError, NoError, OffsetOutOfRangeError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from streams.errors import DependencyAway, TopicsError
from streams.log.kafka_security import check_login, lacking, may_see, refusal
from streams.log.reading import connection
from streams.log.silence import answer_within
from streams.log.topic_specs import TWEETS
from streams.settings import Settings

Position = tuple[int, int]
"""A partition and an offset in it."""
_FETCH_BYTES = 64 * 1024
"""Bytes fetched of a partition; the broker returns at least one batch, however large."""
_RETRY_SECONDS = 0.1


class SourceTexts:
    """Reader of single records of `tweets`: an async context manager, safe for concurrent calls; connects on first use.

    Raises (from `read`):
        DependencyAway: Kafka does not answer.
        BrokerRefuses: the broker refuses the login, or does not let this user read the topic.
        TopicsError: the topic does not exist.
    """

    def __init__(self, settings: Settings) -> None:
        self._kafka = connection(settings)
        self._topic = settings.topic(TWEETS)
        self._client: AIOKafkaClient | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._close()

    async def read(self, positions: Iterable[Position], since_ms: int) -> dict[Position, bytes | None]:
        """Read the payloads at some positions.

        Args:
            positions: where to read.
            since_ms: least log time of a record that is returned.

        Returns:
            The payloads, without those that the topic no longer has, and without older ones.
        """
        offsets_by_partition: dict[int, set[int]] = defaultdict(set)
        for partition, offset in positions:
            offsets_by_partition[partition].add(offset)
        if not offsets_by_partition:
            return {}
        servers, limit_seconds = self._kafka["bootstrap_servers"], self._kafka.silence_seconds
        async with self._lock:
            try:
                return await answer_within(limit_seconds, self._read(offsets_by_partition, since_ms))
            except TimeoutError:
                await self._close()
                raise DependencyAway(
                    f"Kafka at {servers}: no texts within {limit_seconds:g} s",
                    fix="is the broker up, and HUSHTAG_KAFKA right?",
                ) from None
            except KafkaError as error:
                await self._close()
                if isinstance(error, KafkaConnectionError):
                    await check_login(self._kafka)  # every failure is reported as an unreachable broker
                refused = refusal(error, self._kafka, resource=self._topic)
                raise refused or DependencyAway(f"Kafka at {servers}: {error}") from error

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> AIOKafkaClient:
        if self._client is None:
            client = AIOKafkaClient(**self._kafka)
            try:
                await client.bootstrap()
                # A request by name would create a missing topic, if the broker has `auto.create.topics.enable`.
                if self._topic not in (await client.fetch_all_metadata()).topics():
                    if not await may_see(client, self._topic):
                        raise lacking("Describe", f"topic {self._topic}", self._kafka)
                    raise TopicsError(f"topic {self._topic} does not exist", fix="hushtag topics create")
                await client.set_topics([self._topic])
            except BaseException:
                await client.close()
                raise
            self._client = client
        return self._client

    async def _read(self, offsets_by_partition: dict[int, set[int]], since_ms: int) -> dict[Position, bytes | None]:
        client = await self._connected()
        existing = client.cluster.partitions_for_topic(self._topic) or set()
        remaining = {
            partition: sorted(offsets) for partition, offsets in offsets_by_partition.items() if partition in existing
        }
        payloads: dict[Position, bytes | None] = {}
        while remaining := {partition: offsets for partition, offsets in remaining.items() if offsets}:
            requests = [self._fetch(client, partition, offsets[0]) for partition, offsets in remaining.items()]
            answers = [answer for answer in await asyncio.gather(*requests) if answer is not None]
            fetched = [partition for answer in answers for _, partitions in answer.topics for partition in partitions]
            moved = [
                _take(partition, remaining[partition], code, parts, payloads, since_ms)
                for partition, code, *parts in fetched
            ]
            if not all(moved) or len(moved) < len(requests):
                await asyncio.sleep(_RETRY_SECONDS)
                await client.force_metadata_update()
        return payloads

    async def _fetch(self, client: AIOKafkaClient, partition: int, offset: int) -> Any:
        """Fetch from one position; of several partitions the broker would return a whole batch of the first alone."""
        leader = client.cluster.leader_for_partition(TopicPartition(self._topic, partition))
        if leader is None or leader < 0:
            return None
        topics = [(self._topic, [(partition, offset, _FETCH_BYTES)])]
        return await client.send(leader, FetchRequest(0, 1, _FETCH_BYTES, 0, topics))


def _take(
    partition: int,
    offsets: list[int],
    code: int,
    parts: list[Any],
    payloads: dict[Position, bytes | None],
    since_ms: int,
) -> bool:
    """Take a broker's answer about the first of some offsets, which may include the next ones.

    Args:
        partition: number of the partition.
        offsets: ascending; those that are answered are removed.
        code: error code of the answer.
        parts: fields of the answer: the end of the log first, the records last.
        payloads: receives the payloads read.
        since_ms: least log time of a record.

    Returns:
        Whether the broker has answered; another may lead the partition now.

    Raises:
        KafkaError: the broker refuses.
    """
    kind = for_code(code)
    if kind is OffsetOutOfRangeError:
        offsets.pop(0)
        return True
    if kind is not NoError:
        if kind.retriable:
            return False
        raise kind()
    records = MemoryRecords(parts[-1])
    if not records.has_next() and offsets[0] < parts[0]:
        return False
    values: dict[int, bytes | None] = {}
    end = offsets[0] + 1  # without records, the offset is the end of the log
    while records.has_next():
        batch = records.next_batch()
        end = max(end, batch.next_offset)
        if not batch.is_control_batch:
            values |= {record.offset: record.value for record in batch if record.timestamp >= since_ms}
    payloads.update({(partition, offset): values[offset] for offset in offsets if offset in values})
    offsets[:] = [offset for offset in offsets if offset >= end]
    return True
