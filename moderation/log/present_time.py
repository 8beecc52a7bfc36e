"""Open a `ModerationService` that knows the log's time from its start, before it has read a recent record."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from moderation.log.service import ModerationService
from streams.flags.publish_time import adopt_publish_time
from streams.settings import Settings


@asynccontextmanager
async def open_moderation(settings: Settings) -> AsyncGenerator[ModerationService, None]:
    """Open the service, with the time of a running publisher if this host's clock differs from it.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the moderation topic is missing, or has more than one partition.
    """
    async with ModerationService(settings) as service:
        await adopt_publish_time(service.log_clock, settings.redis_url, service.host_ms)
        yield service
