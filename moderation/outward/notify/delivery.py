"""Delivery of a channel's messages, with repeated attempts. Each channel has its task: none waits for another.

While the receiver is away every message waits, with a growing pause between attempts. A message that the receiver
refuses waits alone, and the others go on. No message is ever given up: the operator sees it in the metrics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from moderation.outward.notify.channels import Channel, ChannelAway, MessageRefused
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.outbox import NotifyMessage
from streams.logs import logger

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
REFUSED_PAUSE_SECONDS = 3600.0
"""Time until a refused message is tried again."""


class ChannelDelivery:
    """Messages of one channel: `add` them, take what was delivered from `delivered`, and run `run` as a task.

    Args:
        now_ms: the clock.
        first_pause_seconds: pause after the first failure; it doubles with every further one.
    """

    def __init__(
        self,
        name: str,
        channel: Channel,
        metrics: NotifyMetrics,
        now_ms: Callable[[], int],
        *,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self.delivered: list[NotifyMessage] = []
        """Delivered messages that the outbox does not know yet."""
        self._name, self._channel, self._metrics, self._now_ms = name, channel, metrics, now_ms
        self._first_pause_seconds = first_pause_seconds
        self._waiting: dict[str, NotifyMessage] = {}
        self._not_before_ms: dict[str, int] = {}
        self._delivered = 0
        """Number of messages delivered since the start."""
        self._wake = asyncio.Event()
        self._log = logger(__name__)

    @property
    def waiting(self) -> list[NotifyMessage]:
        """Messages that are not delivered."""
        return list(self._waiting.values())

    def add(self, message: NotifyMessage) -> None:
        """Add a message that the outbox has."""
        self._waiting[message.id] = message
        self._wake.set()

    def take_delivered(self) -> list[NotifyMessage]:
        """Return the messages delivered since the last call."""
        taken, self.delivered = self.delivered, []
        return taken

    async def run(self) -> None:
        """Deliver all messages, and those added later, until cancelled."""
        pause_seconds = self._first_pause_seconds
        while True:
            self._wake.clear()
            delivered = self._delivered
            try:
                await self._deliver_all()
                pause_seconds = self._first_pause_seconds
                await self._sleep(REFUSED_PAUSE_SECONDS, until_added=True)
            except ChannelAway as error:
                self._failed("away", error)
                if self._delivered > delivered:
                    pause_seconds = self._first_pause_seconds
                await self._sleep(pause_seconds, until_added=False)
                pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    async def _deliver_all(self) -> None:
        for message in self.waiting:
            at_ms = self._now_ms()
            if self._not_before_ms.get(message.id, 0) > at_ms:
                continue
            try:
                await self._channel.send(message.id, message.subject, message.body, at_ms)
            except MessageRefused as error:
                self._not_before_ms[message.id] = at_ms + int(REFUSED_PAUSE_SECONDS * 1000)
                self._failed("refused", error, message.id)
                continue
            del self._waiting[message.id]
            self._not_before_ms.pop(message.id, None)
            self.delivered.append(message)
            self._delivered += 1
            self._metrics.sent.labels(channel=self._name, event=message.event).inc()

    async def _sleep(self, seconds: float, *, until_added: bool) -> None:
        try:
            async with asyncio.timeout(seconds):
                await (self._wake.wait() if until_added else asyncio.Event().wait())
        except TimeoutError:
            pass

    def _failed(self, reason: str, error: Exception, message: str = "") -> None:
        self._metrics.failures.labels(channel=self._name, reason=reason).inc()
        self._log.warning("notification not delivered", channel=self._name, reason=reason, why=str(error), id=message)
