"""uvicorn, but the live streams end first: otherwise it waits for them to end by themselves, which they never do."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Remember the loop that the streams live on: a signal may come on another thread's turn."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised once more at the end: the exit code stays 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the streams, then stop as uvicorn does."""
        self.stop()
        super().handle_exit(sig, frame)

    def stop(self) -> None:
        """Stop from code, from any thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._end_streams)
        self.should_exit = True
