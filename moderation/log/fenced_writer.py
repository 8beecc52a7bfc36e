"""Transactional writer of topics that only one process may write: it fences every earlier one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from streams.errors import EXIT_NO, DependencyAway, HushtagError
from streams.log.kafka_security import check_login, refusal
from streams.log.metadata_backoff import with_metadata_backoff
from streams.log.reading import connection
from streams.settings import Settings

_DEADLINE_SECONDS = 30.0
_CLOSE_SECONDS = 2.0


class TakenOver(HushtagError):
    """Fencing by another process; this one must end."""

    exit_code = EXIT_NO


class TopicRecord(NamedTuple):
    """Record for partition 0 of a topic, whose name has the prefix."""

    topic: str
    value: bytes | None
    key: bytes | None


class FencedWriter:
    """Writer of partition 0 of a topic, and of others in the same transaction.

    Args:
        settings: addresses and logins.
        topic: topic with its prefix; its transactional id is `TOPIC-writer`.
        command: command of the process, for errors.
        max_request_bytes: limit of a request to the broker.

    Raises (from `start` and `commit`):
        TakenOver: another process has started.
        DependencyAway: Kafka does not answer within 30 s, or refuses a right.
    """

    def __init__(self, settings: Settings, topic: str, *, command: str, max_request_bytes: int) -> None:
        self._settings, self._topic, self._command = settings, topic, command
        self._producer = with_metadata_backoff(
            AIOKafkaProducer(
                **connection(settings),
                transactional_id=f"{topic}-writer",
                acks="all",
                max_request_size=max_request_bytes,
                request_timeout_ms=15_000,
            )
        )

    async def start(self) -> None:
        """Fence the earlier processes and abort their open transactions."""
        await self._within_deadline(self._producer.start())

    async def commit(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Write (value, key) pairs to its topic in one transaction."""
        await self.commit_to([TopicRecord(self._topic, value, key) for value, key in records])

    async def commit_to(self, records: Sequence[TopicRecord]) -> None:
        """Write records to their topics in one transaction: a reader of committed records sees all or none."""
        await self._within_deadline(self._commit(records))

    async def stop(self) -> None:
        """Disconnect; what is not committed is aborted."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._producer.stop()
        except (TimeoutError, KafkaError):
            pass  # the next process fences its transactional id anyway

    async def _commit(self, records: Sequence[TopicRecord]) -> None:
        async with self._producer.transaction():
            sent: list[Awaitable[object]] = []
            try:
                for record in records:
                    sent.append(await self._producer.send(record.topic, record.value, key=record.key, partition=0))
            finally:  # also the results of a failed transaction are taken
                results = await asyncio.gather(*sent, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _within_deadline(self, call: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await call
        except (ProducerFenced, InvalidProducerEpoch):
            raise TakenOver(
                f"another process now writes {self._topic}", fix=f"run only one `{self._command}`"
            ) from None
        except (KafkaError, TimeoutError) as error:
            kafka = connection(self._settings)
            await check_login(kafka)
            if (refused := refusal(error, kafka, right="Write", resource=self._topic)) is not None:
                raise refused from None
            why = str(error) or f"no answer in {_DEADLINE_SECONDS:g} s"
            raise DependencyAway(
                f"Kafka at {self._settings.kafka}: {why}; the next start writes what was not committed",
                fix="check the broker and HUSHTAG_KAFKA",
            ) from None
