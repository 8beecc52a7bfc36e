"""Services behind the API: writers of decisions, and readers of Kafka and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from moderation.audit.reading import read_page
from moderation.audit.rows import AuditFilter, AuditRow
from moderation.drafts import PolicyNames
from moderation.orders.service import OrderService
from moderation.review.automated import DecisionsFollower
from moderation.review.service import ReviewService
from moderation.service import ModerationService
from streams.explain.gather import gather_report
from streams.explain.hashtag_report import HashtagReport
from streams.settings import Settings

_CONCURRENT_READS = 4
"""Calls that read a topic at the same time; further calls wait."""


@dataclass(frozen=True, slots=True)
class Services:
    """Services that the routes use."""

    moderation: ModerationService
    orders: OrderService
    reviews: ReviewService
    report: Callable[[str, str | None], Awaitable[tuple[HashtagReport, str]]]
    """Hashtag and country to the hashtag's report, and the reason why Redis is missing in it."""
    audit_page: Callable[[AuditFilter, int, int], Awaitable[tuple[list[AuditRow], int | None]]]
    """Filter, first entry and number of rows to the rows and the next page's first entry."""
    names: PolicyNames


def services_of(request: Request) -> Services:
    """Return the services of the application that serves a request."""
    found: Services = request.app.state.services
    return found


@asynccontextmanager
async def connect_services(settings: Settings, names: PolicyNames, *, share: float) -> AsyncGenerator[Services, None]:
    """Open the services on the configured Kafka and Redis.

    Args:
        settings: addresses and topic names.
        names: categories and surfaces of the policy.
        share: share of suppressions sampled for a second look, in [0, 1].

    Raises:
        DependencyAway: Kafka does not answer.
    """
    async with AsyncExitStack() as stack:
        moderation = await stack.enter_async_context(ModerationService(settings))
        follower = await stack.enter_async_context(DecisionsFollower(settings, share=share))
        reads = asyncio.Semaphore(_CONCURRENT_READS)

        async def report(hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
            async with reads:
                return await gather_report(settings, hashtag, country)

        async def audit_page(wanted: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
            async with reads:
                return await read_page(settings, wanted, first, most)

        reviews = ReviewService(moderation, follower)
        yield Services(moderation, OrderService(moderation), reviews, report, audit_page, names)
