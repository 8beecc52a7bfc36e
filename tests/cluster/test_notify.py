"""Notifications on a secured Kafka, with the rights of the role `notify` alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from moderation.outward.notify.channels import channels_of
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.notifier import Notifier
from streams.clock import now_ms
from streams.constants import HOUR_MS
from streams.errors import BrokerRefuses
from streams.log.moderation import encode_moderation
from streams.log.reading import connection
from streams.settings import Settings
from tests.support.notify_cases import KEY, config_of, hold
from tests.support.receivers import WebhookReceiver
from tests.support.secured import Secured, blocking

pytestmark = pytest.mark.cluster
CONFIG = "channels: {{platform: {{webhook: '{url}', sends: {{statements: {{digest: 0s}}}}}}}}"


async def until(condition: Callable[[], object], running: asyncio.Task[None]) -> None:
    """Wait for a condition, or raise the error of the task."""
    while not condition():
        if running.done():
            running.result()
        await asyncio.sleep(0.05)


async def deliver(settings: Settings, people: Settings, hook: WebhookReceiver, tmp_path: Path) -> None:
    """Run a notifier until it has delivered the statement of one decision."""
    config, stopped = config_of(tmp_path, CONFIG.format(url=hook.url)), asyncio.Event()
    async with (
        asyncio.timeout(60),
        Notifier(settings, config, channels_of(config, settings), NotifyMetrics()) as notifier,
    ):
        running = asyncio.create_task(notifier.run(stopped, every_seconds=0.1))
        await until(lambda: notifier.outbox.marks, running)
        at_ms = now_ms()
        value, key = encode_moderation(hold(at_ms=at_ms, expires_at_ms=at_ms + HOUR_MS))
        async with AIOKafkaProducer(**connection(people)) as producer:
            await producer.send_and_wait(people.topic("moderation"), value, key=key, partition=0)
        await until(lambda: any(one.sent_ms for one in notifier.outbox.messages.values()), running)
        stopped.set()
        await running


def test_notifier_delivers_with_the_rights_of_its_role(secured: Secured, tmp_path: Path) -> None:
    hook = WebhookReceiver()
    hook.start()
    try:
        settings = secured.user("notify").model_copy(update={"notify_keys": SecretStr(f"platform={KEY}")})
        blocking(deliver(settings, secured.user("moderation"), hook, tmp_path))
        assert len(hook.received) == 1
    finally:
        hook.stop()


@pytest.mark.parametrize("missing", ["Read moderation", "Write notifications"])
def test_missing_right_is_named(secured: Secured, tmp_path: Path, missing: str) -> None:
    settings = secured.user("notify", without=missing).model_copy(update={"notify_keys": SecretStr(f"platform={KEY}")})
    with pytest.raises(BrokerRefuses, match=missing.split()[1]):
        blocking(deliver(settings, secured.user("moderation"), WebhookReceiver(), tmp_path))
