"""Run one surface as a process: a counter fed from Kafka, the flags client and the web application."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Literal

from hushtag_client import AsyncFlagsClient
from hushtag_client.http_limits import limited_http
from hushtag_client.redis_url import FORMS

from streams.clock import now_ms
from streams.errors import CallerMistake, SettingsError
from streams.serving import limits_for_callers
from streams.settings import Settings
from surfaces.feed import TweetFeed
from surfaces.search import search_service
from surfaces.service import SurfaceService
from surfaces.trending.counter import TrendCounter
from surfaces.trends import trends_service
from web.server import StreamingServer

Kind = Literal["trends", "search"]
MOST_PER_ADDRESS = 200
"""Connections of one address; each viewer has one for the live rows."""
MOST_CONNECTIONS = 900


def make_service(kind: Kind, counter: TrendCounter, flags: AsyncFlagsClient, other_url: str) -> SurfaceService:
    """Create a service; `other_url` is the URL of the other service, or ""."""
    if kind == "trends":
        return trends_service(counter, flags, now_ms, search_url=other_url)
    return search_service(counter, flags, now_ms, trends_url=other_url)


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes any free one.

    Raises:
        CallerMistake: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CallerMistake(f"cannot listen on {host}:{port}: {error.strerror}", fix="give another --port") from None
    return listener


async def run_surface(
    kind: Kind, settings: Settings, listening: socket.socket, *, other_url: str, started: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; all parts end together.

    Args:
        kind: trends or search.
        settings: addresses and topic names.
        listening: listening socket, which the server takes over.
        other_url: URL of the other surface, or "".
        started: called with the URL once the pages respond.

    Raises:
        SettingsError: the Redis URL cannot be used.
        HushtagError: Kafka does not answer, or the tweets topic or the browser files are missing.
    """
    counter = TrendCounter()
    try:
        flags = AsyncFlagsClient(settings.redis_url)
    except ValueError as error:
        raise SettingsError(f"HUSHTAG_REDIS_URL: {error}", fix=f"write {FORMS}") from None
    service = make_service(kind, counter, flags, other_url)
    feed = TweetFeed(settings, counter, now_ms)
    service.ready = lambda: feed.missing or ("" if flags.status().synced else "the flags in Redis")
    host, port = listening.getsockname()[:2]
    limits = limits_for_callers(settings, per_address=MOST_PER_ADDRESS, total=MOST_CONNECTIONS)
    server = StreamingServer(
        service.app, host=host, port=port, protocol=limited_http(limits), end_streams=service.hub.close
    )
    async with flags:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        feeding = asyncio.create_task(feed.run())
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        if server.started:
            started(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        await asyncio.wait({serving, feeding}, return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        feeding.cancel()
        results = await asyncio.gather(serving, feeding, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
