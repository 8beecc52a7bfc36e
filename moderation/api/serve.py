"""Runs the API: the desks, a socket, uvicorn; all end together."""

from __future__ import annotations

from collections.abc import Callable

import uvicorn

from moderation.api.app import create_app
from moderation.api.desks import desks_of
from moderation.api.keys import KeyRing
from moderation.api.limits import RateLimit
from streams.errors import CallerMistake
from streams.settings import Settings


async def serve(
    settings: Settings,
    ring: KeyRing,
    *,
    host: str,
    port: int,
    rate: float,
    burst: int,
    share: float,
    surfaces: tuple[str, ...],
    categories: tuple[str, ...] | None,
    started: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; `started` hears the URL once it answers.

    Raises:
        DependencyAway: Kafka does not answer.
        CallerMistake: the address cannot be used.
    """
    async with desks_of(settings, surfaces=surfaces, categories=categories, share=share) as desks:
        app = create_app(desks, ring, RateLimit(rate, burst))
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, server_header=False, lifespan="off",
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        try:
            sock = config.bind_socket()
        except SystemExit:
            raise CallerMistake(f"cannot listen on {host}:{port}", fix="give another --port") from None
        bound = sock.getsockname()[1]
        started(f"http://{f'[{host}]' if ':' in host else host}:{bound}")
        await uvicorn.Server(config).serve(sockets=[sock])
