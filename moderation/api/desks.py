"""Everything behind the API: the desks that write, and what is read from Kafka and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from moderation.audit.chain import decode_entry
from moderation.audit.words import Wanted, row_of
from moderation.orders.desk import OrdersDesk
from moderation.review.automated import DecisionsFollower
from moderation.review.desk import ReviewDesk
from moderation.writer import Desk
from streams.errors import ContractError
from streams.explain.gather import account_of
from streams.explain.hashtag_report import Account
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

AuditPage = Callable[[Wanted, int, int], Awaitable[tuple[list[dict[str, Any]], int | None]]]
"""(filters, first entry, most entries) → rows, and where to go on."""

_AT_ONCE = 4
"""Calls that read a topic; more wait their turn."""
MOST_SCANNED = 50_000


@dataclass(frozen=True, slots=True)
class Desks:
    """What the routes use."""

    desk: Desk
    orders: OrdersDesk
    reviews: ReviewDesk
    account: Callable[[str, str | None], Awaitable[tuple[Account, str]]]
    audit: AuditPage
    surfaces: tuple[str, ...]
    categories: tuple[str, ...] | None = None
    """Of the policy, which then says all surfaces too; None where no policy is at hand: then any may be named."""


@asynccontextmanager
async def desks_of(
    settings: Settings, *, surfaces: tuple[str, ...], categories: tuple[str, ...] | None, share: float
) -> AsyncGenerator[Desks, None]:
    """The desks on the settings' Kafka and Redis.

    Raises:
        DependencyAway: Kafka does not answer.
    """
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(Desk(settings))
        follower = await stack.enter_async_context(DecisionsFollower(settings, share=share))

        turns = asyncio.Semaphore(_AT_ONCE)

        async def account(hashtag: str, country: str | None) -> tuple[Account, str]:
            async with turns:
                return await account_of(settings, hashtag, country)

        async def audit(wanted: Wanted, first: int, most: int) -> tuple[list[dict[str, Any]], int | None]:
            async with turns:
                return await read_page(settings, wanted, first, most)

        yield Desks(desk, OrdersDesk(desk), ReviewDesk(desk, follower), account, audit, surfaces, categories)


async def read_page(
    settings: Settings, wanted: Wanted, first: int, most: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Entries from `first` on, and where to go on: a page ends after `most` rows, or MOST_SCANNED entries.

    An entry's offset is never below its number: transactions only leave gaps.
    """
    rows: list[dict[str, Any]] = []
    async with LogReader(connection(settings), settings.topic(AUDIT), committed_only=True) as reader:
        end = (await reader.bounds((0,)))[0].end
        if first >= end:
            return [], None
        async with aclosing(reader.to_end({0: first})) as batches:
            async for batch in batches:
                for record in batch:
                    try:
                        entry = decode_entry(record.value)
                    except ContractError:
                        continue  # `audit verify` names it
                    if entry.seq < first:
                        continue
                    row = row_of(entry)
                    taken = wanted.takes(entry, row)
                    if entry.seq - first >= MOST_SCANNED or (taken and len(rows) == most):
                        return rows, entry.seq
                    if taken:
                        rows.append(row.as_dict())
    return rows, None
