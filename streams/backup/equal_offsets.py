"""Write records into an empty partition at given offsets and with their log times.

A broker assigns offsets one by one, and compaction has left holes. So each hole is filled with tombstones of one key,
which compaction removes again. Each acknowledgement must name the expected offset: nothing else may write the topic.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.errors import CallerMistake, DependencyAway
from streams.log.fillers import FILLER_KEY
from streams.log.metadata_backoff import with_metadata_backoff
from streams.log.reading import connection
from streams.settings import Settings

BATCH_BYTES = 1024 * 1024
_DEADLINE_SECONDS = 60.0
_CREATE_TIME = 0


class EqualOffsetWriter:
    """Writer of partition 0 of one topic: an async context manager.

    Args:
        topic: name with the prefix.
        is_dense: whether records follow each other without holes, at new offsets.
    """

    def __init__(self, settings: Settings, topic: str, *, is_dense: bool = False) -> None:
        self.written = 0
        """Number of records written, without fillers."""
        self.fillers = 0
        """Number of fillers written."""
        self._where = f"Kafka at {settings.kafka}"
        self._topic = topic
        self._is_dense = is_dense
        self._next = 0
        self._base = 0
        self._batch: Any = None
        self._producer = with_metadata_backoff(
            AIOKafkaProducer(
                **connection(settings),
                enable_idempotence=True,
                acks="all",
                compression_type="zstd",
                max_batch_size=BATCH_BYTES,
                max_request_size=8 * BATCH_BYTES,
                request_timeout_ms=30_000,
            )
        )

    async def __aenter__(self) -> Self:
        await self._within_deadline(self._producer.start())
        return self

    async def __aexit__(self, *exception: object) -> None:
        try:
            async with asyncio.timeout(2.0):
                await self._producer.stop()
        except (TimeoutError, KafkaError):
            pass

    async def write(self, offset: int, log_time_ms: int, key: bytes | None, value: bytes | None) -> None:
        """Write a record at its offset, after fillers up to there; a dense writer ignores the offset."""
        if not self._is_dense:
            await self.fill_to(offset, log_time_ms)
        await self._append(log_time_ms, key, value)
        self.written += 1

    async def fill_to(self, offset: int, log_time_ms: int) -> None:
        """Write fillers until the next record gets an offset."""
        while self._next < offset:
            await self._append(log_time_ms, FILLER_KEY, None)
            self.fillers += 1

    async def flush(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            CallerMistake: another process writes the topic, or the broker has changed the records' times.
            DependencyAway: the broker does not answer.
        """
        if self._batch is None:
            return
        batch, self._batch = self._batch, None
        ack = await self._within_deadline(self._deliver(batch))
        if ack.offset != self._base:
            raise CallerMistake(
                f"{self._topic}: a record got offset {ack.offset} instead of {self._base}: another process writes it",
                fix="stop all of hushtag, delete its topics in the new cluster, and restore again",
            )
        if ack.timestamp_type != _CREATE_TIME:
            raise CallerMistake(
                f"{self._topic}: the broker has replaced the records' times",
                fix="delete hushtag's topics in the new cluster, and restore again",
            )
        self._base = self._next

    async def _append(self, log_time_ms: int, key: bytes | None, value: bytes | None) -> None:
        if self._batch is None:
            self._batch = self._producer.create_batch()
        if self._batch.append(timestamp=log_time_ms, key=key, value=value) is None:  # the batch is full
            await self.flush()
            self._batch = self._producer.create_batch()
            self._batch.append(timestamp=log_time_ms, key=key, value=value)
        self._next += 1

    async def _deliver(self, batch: Any) -> Any:
        return await (await self._producer.send_batch(batch, self._topic, partition=0))

    async def _within_deadline(self, call: Any) -> Any:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                return await call
        except (KafkaError, TimeoutError) as error:
            why = str(error) or f"no answer in {_DEADLINE_SECONDS:g} s"
            raise DependencyAway(f"{self._where}: {why}", fix="check the broker and HUSHTAG_KAFKA") from None
