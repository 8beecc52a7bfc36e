"""The worker's producer: idempotent, with all acknowledgements, and with a deadline for each of them.

aiokafka's idempotent producer retries for ever. A stage whose records are not acknowledged must end, and replay. A
process that did not run has not waited (`streams.log.silence`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.clock import now_ms
from streams.errors import DependencyAway
from streams.log.kafka_security import check_login, refusal
from streams.log.log_clock import LOG_APPEND_TIME, LogClock
from streams.log.metadata_backoff import with_metadata_backoff
from streams.log.reading import connection
from streams.log.silence import answer_within
from streams.settings import Settings

MAX_REQUEST_BYTES = 4 * 1024 * 1024
Ack = asyncio.Future[Any]


class Sender:
    """Sends records to given partitions.

    Args:
        deadline_seconds: how long an acknowledgement may take.
    """

    def __init__(self, settings: Settings, *, deadline_seconds: float = 30.0) -> None:
        self.log_clock = LogClock()
        """The brokers' time, compared with the host's at each acknowledgement."""
        self._settings = settings
        self._deadline_seconds = deadline_seconds
        self._producer: AIOKafkaProducer | None = None
        self._ends: dict[tuple[str, int], int] = {}

    def known_end(self, topic: str, partition: int) -> int | None:
        """Return the end of a log by the last acknowledgement; None if nothing was sent to it."""
        return self._ends.get((topic, partition))

    async def start(self) -> None:
        """Connect to the broker.

        Raises:
            DependencyAway: no broker answers; BrokerRefuses: TLS or the login failed, or no topic may be written.
        """
        self._producer = with_metadata_backoff(
            AIOKafkaProducer(
                **connection(self._settings),
                enable_idempotence=True,
                acks="all",
                max_request_size=MAX_REQUEST_BYTES,
                max_batch_size=256 * 1024,
                linger_ms=0,
                request_timeout_ms=15_000,
            )
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await check_login(connection(self._settings))
            raise self._error(error) from error

    async def stop(self) -> None:
        """Disconnect. A replay sends the unacknowledged records again."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            try:
                async with asyncio.timeout(2.0):
                    await producer.stop()
            except TimeoutError:
                pass

    async def send(
        self,
        topic: str,
        partition: int | None,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Ack:
        """Pass a record to the producer; the returned future is done when all in-sync replicas have it.

        Raises:
            DependencyAway: no room in the buffer within the deadline, or the producer has failed.
        """
        assert self._producer is not None, "not started"
        try:
            sent_ms = now_ms()
            async with asyncio.timeout(self._deadline_seconds):
                ack: Ack = await self._producer.send(topic, value, key=key, partition=partition, headers=list(headers))
            ack.add_done_callback(partial(self._compare_clocks, sent_ms))
            return ack
        except (KafkaError, TimeoutError) as error:
            raise self._error(error, topic) from error

    async def acknowledged(self, acks: Iterable[Ack]) -> list[Any]:
        """Wait for all acknowledgements and return their metadata.

        Raises:
            DependencyAway: one of them failed, or the deadline has passed.
        """
        waiting = list(acks)
        if not waiting:
            return []
        try:
            done = list(await answer_within(self._deadline_seconds, asyncio.gather(*waiting)))
        except (KafkaError, TimeoutError) as error:
            raise self._error(error) from error
        for metadata in done:
            self._ends[metadata.topic, metadata.partition] = metadata.offset + 1
        return done

    def _compare_clocks(self, sent_ms: int, ack: Ack) -> None:
        if not ack.cancelled() and ack.exception() is None and ack.result().timestamp_type == LOG_APPEND_TIME:
            self.log_clock.compare(ack.result().timestamp, after_ms=sent_ms, before_ms=now_ms())

    def _error(self, error: BaseException, topic: str = "") -> DependencyAway:
        if (refused := refusal(error, connection(self._settings), right="Write", resource=topic)) is not None:
            return refused
        reason = (
            f"no acknowledgement in {self._deadline_seconds:g} s" if isinstance(error, TimeoutError) else str(error)
        )
        return DependencyAway(
            f"sending to {topic or 'Kafka'} failed: {reason}", fix="see the broker's log; the worker replays"
        )
