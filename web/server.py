"""uvicorn that ends live streams before it stops; otherwise it would wait for streams that never end."""

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


class StreamingServer(uvicorn.Server):
    """Serves `app` on `host:port` until SIGINT or SIGTERM; calls `end_streams` before it stops.

    `protocol` is uvicorn's class of a connection; it bounds their time and number.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        protocol: type[asyncio.Protocol],
        end_streams: Callable[[], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=protocol,
                ws="none",
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
        """Store the loop of the streams, because a signal may arrive in another thread."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals as uvicorn does, but do not raise them again at the end: the exit code stays 0."""
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
        """Stop the server, from any thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._end_streams)
        self.should_exit = True
