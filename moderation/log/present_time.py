"""Open a `ModerationService` that knows the log's time from its start, before it has read a recent record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from moderation.log.service import ModerationService
from streams.flags.publish_time import adopt_publish_time
from streams.settings import Settings

RENEW_SECONDS = 30.0
"""Interval at which a process that goes on asks for a publisher's time again."""


@asynccontextmanager
async def open_moderation(settings: Settings, *, renews: bool = False) -> AsyncGenerator[ModerationService, None]:
    """Open the service, with the time of a running publisher if the known one differs from it.

    Args:
        settings: addresses and topic names.
        renews: whether to ask again every `RENEW_SECONDS`, for a process that may start before the first publisher.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the moderation topic is missing, or has more than one partition.
    """
    async with ModerationService(settings) as service:
        await adopt_publish_time(service.log_clock, settings.redis_url, service.host_ms)
        renewal = asyncio.create_task(_renew(service, settings.redis_url)) if renews else None
        try:
            yield service
        finally:
            if renewal is not None:
                renewal.cancel()


async def _renew(service: ModerationService, redis_url: str) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        await adopt_publish_time(service.log_clock, redis_url, service.host_ms)
