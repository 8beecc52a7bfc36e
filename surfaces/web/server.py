"""uvicorn, but the live streams end first: otherwise it waits for them to end by themselves, which they never do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 3


class Server(uvicorn.Server):
    """Serves `app` on `host:port` until SIGINT or SIGTERM; `end_streams` is called before anything else stops."""

    def __init__(self, app: ASGIApp, *, host: str, port: int, end_streams: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._end_streams = end_streams
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Remember the loop that the streams live on: a signal may come on another thread's turn."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the streams, then stop as uvicorn does."""
        self.stop()
        super().handle_exit(sig, frame)

    def stop(self) -> None:
        """Stop from code, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end_streams)
        self.should_exit = True
