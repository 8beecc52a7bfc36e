"""The process's core loop: read the logs, plan messages, and record deliveries in the topic `notifications`.

One task reads and writes Kafka; each channel delivers in another task. A round does, in this order:

1. Record what was delivered since the last round.
2. Read `moderation` and `suppression-decisions` to their ends.
3. Write new messages with their content. Only then do the channels get them, so that an attempt is always on record.
4. From time to time move the marks on, and delete what lies before them.

The transactional id fences an earlier process: two at once would plan different digests of the same events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import islice
from typing import Self

import msgspec

from moderation.log.fenced_writer import FencedWriter
from moderation.outward.notify.channels import Channel
from moderation.outward.notify.config import NotifyConfig
from moderation.outward.notify.delivery import FIRST_PAUSE_SECONDS, ChannelDelivery
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.outbox import NotifyMessage, Outbox, OutboxRecord, encode_outbox
from moderation.outward.notify.planning import earliest_mark_ms, forgotten, later_marks, new_marks, new_messages
from moderation.outward.notify.reader import NotifyReader
from streams.clock import steady_ms
from streams.constants import HOUR_MS
from streams.log.producer import MAX_REQUEST_BYTES
from streams.log.topic_specs import NOTIFICATIONS
from streams.settings import Settings

QUIET_MS = 5_000
"""Time after which a round plans although no record arrived: holds and deadlines come due without one."""
_AT_ONCE = 500
"""Records of one transaction, and new messages of one round, at most."""


class Notifier:
    """Sender of notifications: an async context manager, then `run`.

    Args:
        settings: addresses and topic names.
        config: channels and their events.
        channels: receivers by the name of their channel.
        metrics: metrics to update.
        clock: returns the present time in ms.
        first_pause_seconds: pause after a channel's first failure.

    Raises (on entering, and from `run`):
        DependencyAway: Kafka does not answer; a restart continues where this process ended.
        TakenOver: another process has started.
    """

    def __init__(
        self,
        settings: Settings,
        config: NotifyConfig,
        channels: Mapping[str, Channel],
        metrics: NotifyMetrics,
        *,
        clock: Callable[[], int] = steady_ms,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self.outbox = Outbox()
        self._settings, self._config, self._metrics, self._clock = settings, config, metrics, clock
        self._reader = NotifyReader(settings)
        self._deliveries = {
            name: ChannelDelivery(name, channel, metrics, clock, first_pause_seconds=first_pause_seconds)
            for name, channel in channels.items()
        }
        self._writer = FencedWriter(
            settings, settings.topic(NOTIFICATIONS), command="hushtag notify", max_request_bytes=MAX_REQUEST_BYTES
        )
        self._stack = AsyncExitStack()
        self._planned_ms = self._tidied_ms = 0

    async def __aenter__(self) -> Self:
        try:
            self._stack.push_async_callback(self._writer.stop)
            await self._writer.start()
            await self._stack.enter_async_context(self._reader)
            await self._reader.read_outbox(self.outbox)
            for name, delivery in self._deliveries.items():
                for message in self.outbox.waiting(name):
                    delivery.add(message)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def run(self, stopped: asyncio.Event, *, every_seconds: float = 1.0) -> None:
        """Send until stopped; then record the last deliveries."""
        running = [asyncio.create_task(delivery.run()) for delivery in self._deliveries.values()]
        try:
            while not stopped.is_set():
                await self._round()
                for task in running:
                    if task.done():
                        task.result()  # raises: a delivery ends only by a bug
                try:
                    async with asyncio.timeout(every_seconds):
                        await stopped.wait()
                except TimeoutError:
                    pass
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        await self._record_delivered()

    async def _round(self) -> None:
        await self._record_delivered()
        began_ms = self._clock()
        new = await self._reader.read_logs()
        if new or began_ms - self._planned_ms >= QUIET_MS:
            self._planned_ms = began_ms
            await self._plan(began_ms)
            if self._planned_ms and began_ms - self._tidied_ms >= HOUR_MS:  # never while notices are not planned yet
                self._tidied_ms = began_ms
                await self._tidy(began_ms)
        for name, delivery in self._deliveries.items():
            self._metrics.set_waiting(name, delivery.waiting, self._clock())
        self._metrics.set_caught_up(began_ms)

    async def _plan(self, at_ms: int) -> None:
        await self._write(new_marks(self._config, self.outbox, at_ms))
        rules = self._settings.account_rules
        due_messages = new_messages(self._config, self._reader.state, self.outbox, at_ms, account_rules=rules)
        messages = list(islice(due_messages, _AT_ONCE))
        if len(messages) == _AT_ONCE:
            self._planned_ms = 0  # the next round plans the rest, so that the event loop is not blocked for long
        await self._write(messages)
        for message in messages:
            self._deliveries[message.channel].add(message)

    async def _record_delivered(self) -> None:
        sent_ms = self._clock()
        for delivery in self._deliveries.values():
            await self._write([_as_sent(message, sent_ms) for message in delivery.take_delivered()])

    async def _tidy(self, at_ms: int) -> None:
        await self._write(later_marks(self._config, self.outbox, at_ms))
        await self._send([(None, key) for key in forgotten(self._config, self.outbox, at_ms)])
        self._reader.state.prune(earliest_mark_ms(self._config, self.outbox, at_ms))

    async def _write(self, records: Sequence[OutboxRecord]) -> None:
        await self._send([encode_outbox(record) for record in records])

    async def _send(self, records: Sequence[tuple[bytes | None, bytes]]) -> None:
        """Write records, with their key last, and apply them once the broker has them."""
        for start in range(0, len(records), _AT_ONCE):
            part = records[start : start + _AT_ONCE]
            await self._writer.commit(part)
            for value, key in part:
                self.outbox.apply(key, value)


def _as_sent(message: NotifyMessage, sent_ms: int) -> NotifyMessage:
    return msgspec.structs.replace(message, sent_ms=sent_ms, subject="", body="")
