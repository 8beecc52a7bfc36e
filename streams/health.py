"""Is the worker alive, is it ready, what are its numbers: /healthz, /readyz and /metrics over HTTP.

The server has a thread of its own, so that it can answer for an event loop that hangs: a task on the loop stamps the
time, and /healthz looks at the age of the stamp.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.clock import monotonic_seconds
from streams.errors import SettingsError

Ready = Callable[[], str]
""""" when ready, else why not. Called from another thread: it may only read."""

_BEAT_SECONDS = 0.5


class Exposed(Protocol):
    """What has metrics to show."""

    registry: CollectorRegistry


class HealthServer:
    """Serves one process. Started on the loop that it watches."""

    def __init__(
        self,
        metrics: Exposed,
        *,
        host: str,
        port: int,
        ready: Ready,
        stalled_after_seconds: float = 10.0,
        clock: Callable[[], float] = monotonic_seconds,
    ) -> None:
        """`port` 0: any free one. `stalled_after_seconds`: a loop that has not run for so long counts as dead."""
        self.registry = metrics.registry
        self._host, self._wanted_port = host, port
        self._ready = ready
        self._stalled_after_seconds = stalled_after_seconds
        self._clock = clock
        self._beat_at = clock()
        self._beating: asyncio.Task[None] | None = None
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port listened on."""
        assert self._server is not None, "not started"
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen, and watch the running loop.

        Raises:
            SettingsError: the address cannot be listened on.
        """
        try:
            server = _IPv6Server if ":" in self._host else _Server
            self._server = server((self._host, self._wanted_port), _handler_for(self))
        except OSError as error:
            raise SettingsError(
                f"metrics cannot be served on {self._host}:{self._wanted_port}: {error.strerror or error}",
                fix="set HUSHTAG_METRICS_HOST and HUSHTAG_METRICS_PORT (0: any free one)",
            ) from None
        self._beat_at = self._clock()
        self._beating = asyncio.create_task(self._beat(), name="health-beat")
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="health", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """Stop listening. May be called again."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
        if self._server is not None and self._thread is not None:
            await asyncio.to_thread(self._server.shutdown)
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    async def _beat(self) -> None:
        while True:
            self._beat_at = self._clock()
            await asyncio.sleep(_BEAT_SECONDS)

    def health(self) -> tuple[HTTPStatus, dict[str, object]]:
        """What /healthz answers."""
        age_seconds = round(self._clock() - self._beat_at, 3)
        if age_seconds > self._stalled_after_seconds:
            reason = f"the event loop has not run for {age_seconds:.1f} s"
            return HTTPStatus.SERVICE_UNAVAILABLE, {
                "status": "stalled",
                "reason": reason,
                "loop_age_seconds": age_seconds,
            }
        return HTTPStatus.OK, {"status": "alive", "loop_age_seconds": age_seconds}

    def readiness(self) -> tuple[HTTPStatus, dict[str, object]]:
        """What /readyz answers: a worker whose loop hangs is not ready either."""
        status, answer = self.health()
        if status is not HTTPStatus.OK:
            return status, answer
        try:
            reason = self._ready()
        except Exception as error:  # the answer must come, whatever the state it reads is in
            reason = f"the readiness check failed: {error!r}"
        if reason:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "reason": reason}
        return HTTPStatus.OK, {"status": "ready"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32


class _IPv6Server(_Server):
    address_family = socket.AF_INET6


def _handler_for(health: HealthServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0  # for a client that sends nothing
        server_version = "hushtag"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, content_type, encode(health.registry))
            elif path == "/healthz":
                self._answer_json(*health.health())
            elif path == "/readyz":
                self._answer_json(*health.readiness())
            else:
                self._answer_json(HTTPStatus.NOT_FOUND, {"error": "there are /metrics, /healthz and /readyz"})

        do_HEAD = do_GET

        def _answer_json(self, status: HTTPStatus, answer: dict[str, object]) -> None:
            self._answer(status, "application/json", json.dumps(answer).encode() + b"\n")

        def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every second: not logged."""

    return Handler
