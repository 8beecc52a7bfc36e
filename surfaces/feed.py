"""Read tweets from Kafka into a trend counter, without a consumer group and without commits.

Reading starts some minutes back in log time, so that a restarted service shows the same trends at once. It follows all
partitions, also new ones. Malformed records are skipped; the pipeline reports them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.clock import monotonic_seconds
from streams.errors import ContractError, DependencyAway, TopicsError
from streams.events.parse import parse
from streams.events.tweet import Tweet
from streams.log.kafka_security import check_login, lacking, may_see, refusal
from streams.log.metadata_backoff import with_metadata_backoff
from streams.log.reading import connection
from streams.settings import Settings
from surfaces.trending.counter import TrendCounter

LOOK_BACK_SECONDS = 600
_POLL_MS = 200
_POLL_RECORDS = 2_000
_RETRY_SECONDS = 0.3


class TweetFeed:
    """Follows the tweets topic and counts. `missing` names the dependency that it waits for, or is ""."""

    def __init__(self, settings: Settings, counter: TrendCounter, now_ms: Callable[[], int]) -> None:
        self.missing = "Kafka"
        self.unreadable = 0
        self._settings = settings
        self._counter = counter
        self._now_ms = now_ms
        self._topic = settings.topic("tweets")

    async def run(self, look_back_seconds: float = LOOK_BACK_SECONDS) -> None:
        """Count until cancelled.

        Raises:
            DependencyAway: Kafka does not answer within `start_deadline_seconds`.
            BrokerRefuses: TLS or the login failed, or the user lacks a right.
            TopicsError: the topic is not created within that time.
        """
        consumer = with_metadata_backoff(
            AIOKafkaConsumer(
                **connection(self._settings),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                metadata_max_age_ms=1_000,
            )
        )
        deadline = monotonic_seconds() + self._settings.start_deadline_seconds
        await self._connect(consumer, deadline)
        try:
            await self._wait_for_topic(consumer, deadline)
            ends = await self._seek_back(consumer, look_back_seconds)
            while True:
                batches = await self._fetch(consumer)
                for records in batches.values():
                    self._count((record.value, record.timestamp) for record in records)
                if self.missing and all([await consumer.position(tp) >= end for tp, end in ends.items()]):
                    self.missing = ""
        finally:
            await consumer.stop()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord]]:
        try:
            records: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(
                timeout_ms=_POLL_MS, max_records=_POLL_RECORDS
            )
            return records
        except KafkaError as error:
            raise refusal(error, connection(self._settings), resource=self._topic) or error from None

    def _count(self, records: Iterable[tuple[bytes | None, int]]) -> None:
        now_ms = self._now_ms()
        for value, log_time_ms in records:
            try:
                event = parse(value)
            except ContractError:
                self.unreadable += 1
                continue
            if isinstance(event, Tweet):
                uses = [(use.hashtag, use.display) for use in event.hashtags if _is_encodable(use.display)]
                self._counter.add(event.country, uses, log_time_ms, now_ms)
            elif event.exact and event.created_at_ms is not None:
                hashtags = [use.hashtag for use in event.hashtags]
                self._counter.subtract(event.country, hashtags, event.created_at_ms, now_ms)

    async def _connect(self, consumer: AIOKafkaConsumer, deadline: float) -> None:
        while True:
            try:
                await consumer.start()
                return
            except KafkaConnectionError as error:
                await check_login(connection(self._settings))
                if monotonic_seconds() > deadline:
                    raise DependencyAway(
                        f"no answer from Kafka at {self._settings.kafka}: {error}",
                        fix="start it (hushtag up starts one), or set HUSHTAG_KAFKA",
                    ) from None
                await asyncio.sleep(_RETRY_SECONDS)

    async def _wait_for_topic(self, consumer: AIOKafkaConsumer, deadline: float) -> None:
        """Wait for the topic; subscribing to a missing one would create it with the broker's defaults."""
        self.missing = f"the topic {self._topic}"
        while self._topic not in await consumer.topics():
            if not await may_see(consumer._client, self._topic):
                raise lacking("Describe", f"topic {self._topic}", connection(self._settings))
            if monotonic_seconds() > deadline:
                raise TopicsError(f"there is no topic {self._topic}", fix="run `hushtag topics create`")
            await asyncio.sleep(_RETRY_SECONDS)
        consumer.subscribe([self._topic])
        while not consumer.assignment():
            await asyncio.sleep(0.02)

    async def _seek_back(self, consumer: AIOKafkaConsumer, look_back_seconds: float) -> dict[TopicPartition, int]:
        """Seek back by `look_back_seconds`; return the end offsets up to which the feed must catch up."""
        self.missing = "the tweets of the last minutes"
        partitions = consumer.assignment()
        from_ms = self._now_ms() - int(look_back_seconds * 1000)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        begins = await consumer.offsets_for_times(dict.fromkeys(partitions, from_ms))
        for partition in partitions:
            begin = begins.get(partition)
            consumer.seek(partition, ends[partition] if begin is None else begin.offset)
        return ends


def _is_encodable(display: str) -> bool:
    """Whether a text can be encoded; JSON may carry lone surrogates, which cannot."""
    try:
        display.encode()
    except UnicodeEncodeError:
        return False
    return True
