"""The live stream of the pages: rows of the queue, badges, and the notice of the stop button.

One stream serves all tabs of a browser (web/static/stream-worker.js). While a stream is open, a task reads on twice a
second and sends each viewer what has changed (`web.hub`). A stream ends with its session or its rights, when Kafka is
away, and when the server stops; the browser connects again, and gets the refusal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from moderation.access.access import AccessControl, needs
from moderation.access.blinding import reader_of
from moderation.access.event_streams import RECHECK_SECONDS, counted_stream
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller
from moderation.access.services import Services
from moderation.console.case_family import FamilyIndex
from moderation.console.live_texts import live_texts
from moderation.console.queue_board import QueueBoard, Viewer
from moderation.console.queue_filter import FilterQuery, QueueFilter
from moderation.console.queue_rows import RowCache
from moderation.console.route import page_router
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway
from web.hub import EventHub
from web.live import LivePage

router = page_router()
REFRESH_SECONDS = 0.5
PAGE_ROWS = 100
"""Rows that the queue shows at once, and that "Show more" adds."""
MOST_ROWS = 500
MARGIN_ROWS = 50
"""Further rows that are kept live, because new ones push the last ones of a page down."""


@dataclass(frozen=True, slots=True)
class StreamKey:
    """Content of a stream: the queue under a filter, or only the texts, for one caller."""

    caller: Caller
    person: str
    filters: QueueFilter | None = None
    rows: int = 0


class LiveConsole:
    """State of the console: the queue's board with its streams, and look-alikes, for use from one event loop.

    Args:
        services: services of the API.
    """

    def __init__(self, services: Services) -> None:
        self.board = QueueBoard(services)
        self.families = FamilyIndex()
        self.hub: EventHub[StreamKey] = EventHub(self.page)
        self._services = services
        self._cache = RowCache(services.moderation.now_ms)
        self._task: asyncio.Task[None] | None = None

    def page(self, key: StreamKey) -> LivePage:
        """Build the live page of a stream from what was read last."""
        viewer = viewer_of(key.caller, key.person)
        texts = self.texts(key.caller, key.person)
        if key.filters is None:
            return LivePage(texts=texts)
        listing = self.board.listing(key.filters, viewer)
        texts["queue-total"] = total_words(len(listing.entries))
        shown = listing.entries[: key.rows + MARGIN_ROWS]
        complete = len(shown) == len(listing.entries)
        texts["queue-complete"] = "yes" if complete else "no"
        return LivePage({"queue": self._cache.rows(shown), "gone": self._cache.rows(listing.gone)}, texts)

    def texts(self, caller: Caller, person: str) -> dict[str, str]:
        """Return the texts that every page has, from what was read last."""
        badge = self.badge(viewer_of(caller, person)) if self.board.has_read else ""
        return live_texts(self._services, caller, person) | {"queue-count": badge}

    def badge(self, viewer: Viewer) -> str:
        """Return the length of the queue that a person opens without a filter; "" where it cannot be opened."""
        return f"{len(self.board.listing(QueueFilter(), viewer).entries):,}" if viewer.cases else ""

    async def stream(self, key: StreamKey) -> AsyncGenerator[bytes, None]:
        """Stream a page whole, and then its changes.

        Raises:
            DependencyAway: Kafka does not answer.
        """
        await self.board.follow()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._refresh())
        async with aclosing(self.hub.stream(key)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    def close(self) -> None:
        """End all streams; new ones end at once."""
        self.hub.close()

    async def _refresh(self) -> None:
        """Read on and send what has changed, until no stream is open; an error ends all streams."""
        await asyncio.sleep(REFRESH_SECONDS)
        try:
            while self.hub.viewers:
                await self.board.follow()
                self.hub.refresh()
                await asyncio.sleep(REFRESH_SECONDS)
        except DependencyAway:
            pass
        finally:
            self.hub.cut()


def live_of(request: Request) -> LiveConsole:
    """Return the live console of the application that serves a request."""
    live: LiveConsole = request.app.state.live_console
    return live


def viewer_of(caller: Caller, person: str) -> Viewer:
    """Return what a caller may see of the queue."""
    return Viewer(person, caller.may("decide"), caller.may("orders"))


def total_words(total: int) -> str:
    """Say how many cases and orders wait.

    >>> total_words(1_204)
    '1,204 wait'
    """
    return f"{total:,} {'waits' if total == 1 else 'wait'}"


@router.get("/stream", openapi_extra=needs("read"))
async def stream(
    request: Request,
    filters: FilterQuery,
    view: Annotated[str, Query(pattern="^(queue)?$")] = "",
    rows: Annotated[int, Query(ge=1, le=MOST_ROWS)] = PAGE_ROWS,
) -> Response:
    """Stream the live parts of a page as server-sent events, until the session ends."""
    caller: Caller = request.state.caller
    key = StreamKey(caller, reader_of(request))
    if view and caller.may("decide"):
        key = StreamKey(caller, reader_of(request), filters, rows)
    await live_of(request).board.follow()  # a refusal must come before the answer begins
    return counted_stream(request, _checked(request, key))


async def _checked(request: Request, key: StreamKey) -> AsyncGenerator[bytes, None]:
    """End a stream with its session, or when its caller has other rights."""
    access: AccessControl = request.app.state.access
    checked = monotonic_seconds()
    with suppress(RefusedCall, DependencyAway):
        async with aclosing(live_of(request).stream(key)) as events:
            async for event in events:
                if monotonic_seconds() - checked > RECHECK_SECONDS:
                    if await access.identify(request) != key.caller:
                        return
                    checked = monotonic_seconds()
                yield event
