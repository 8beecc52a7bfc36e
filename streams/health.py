"""/healthz, /readyz and /metrics over HTTP: whether the process is alive, whether it is ready, and its metrics.

The server runs in a thread with its own event loop, so it answers while the watched loop is blocked. A task on
the watched loop records the time, and /healthz reports the age of that time.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streams.clock import monotonic_seconds
from streams.errors import SettingsError

Ready = Callable[[], str]
"""Readiness check: "" when ready, else the reason. The server's thread calls it, so it may only read."""
Answer = tuple[HTTPStatus, dict[str, object]]

_BEAT_SECONDS = 0.5
_SHUTDOWN_SECONDS = 1


class HealthServer:
    """HTTP server of one process. Start it on the event loop that it watches.

    Args:
        registry: the metrics to expose.
        port: 0 for any free port.
        ready: the readiness check.
        stalled_after_seconds: a loop that has not run for this long counts as dead.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str,
        port: int,
        ready: Ready,
        stalled_after_seconds: float = 10.0,
        clock: Callable[[], float] = monotonic_seconds,
    ) -> None:
        self._host, self._wanted_port = host, port
        self._ready = ready
        self._stalled_after_seconds = stalled_after_seconds
        self._clock = clock
        self._beat_at = clock()
        self._beating: asyncio.Task[None] | None = None
        self._expose_metrics = make_asgi_app(registry)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        assert self._socket is not None, "not started"
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Base URL without a path, with an IPv6 host in brackets."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen, and begin to watch the running loop.

        Raises:
            SettingsError: the server cannot listen on the address.
        """
        try:
            self._socket = _listen(self._host, self._wanted_port)
        except OSError as error:
            raise SettingsError(
                f"metrics cannot be served on {self._host}:{self._wanted_port}: {error.strerror or error}",
                fix="set HUSHTAG_METRICS_HOST and HUSHTAG_METRICS_PORT (0: any free one)",
            ) from None
        self._beat_at = self._clock()
        self._beating = asyncio.create_task(self._beat(), name="health-beat")
        config = uvicorn.Config(
            self, log_config=None, log_level="warning", access_log=False, lifespan="off", server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="health", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Stop listening. A second call does nothing."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            await asyncio.to_thread(self._thread.join)
            self._server = self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _beat(self) -> None:
        while True:
            self._beat_at = self._clock()
            await asyncio.sleep(_BEAT_SECONDS)

    def health(self) -> Answer:
        """Return the answer of /healthz."""
        age_seconds = round(self._clock() - self._beat_at, 3)
        if age_seconds > self._stalled_after_seconds:
            reason = f"the event loop has not run for {age_seconds:.1f} s"
            answer = {"status": "stalled", "reason": reason, "loop_age_seconds": age_seconds}
            return HTTPStatus.SERVICE_UNAVAILABLE, answer
        return HTTPStatus.OK, {"status": "alive", "loop_age_seconds": age_seconds}

    def readiness(self) -> Answer:
        """Return the answer of /readyz. A worker whose loop is blocked is not ready."""
        status, answer = self.health()
        if status is not HTTPStatus.OK:
            return status, answer
        try:
            reason = self._ready()
        except Exception as error:  # the state that it reads may be half changed: answer all the same
            reason = f"the readiness check failed: {error!r}"
        if reason:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "reason": reason}
        return HTTPStatus.OK, {"status": "ready"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: the ASGI application."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        answer: Answer
        if scope["method"] not in ("GET", "HEAD"):
            answer = HTTPStatus.METHOD_NOT_ALLOWED, {"error": "only GET and HEAD are allowed"}
        elif path == "/metrics":
            await self._expose_metrics(scope, receive, send)
            return
        elif path == "/healthz":
            answer = self.health()
        elif path == "/readyz":
            answer = self.readiness()
        else:
            answer = HTTPStatus.NOT_FOUND, {"error": "the paths are /metrics, /healthz and /readyz"}
        status, body = answer
        response = Response(
            json.dumps(body) + "\n", status, {"Cache-Control": "no-store"}, media_type="application/json"
        )
        await response(scope, receive, send)


def _listen(host: str, port: int) -> socket.socket:
    if ":" in host:
        return socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=socket.has_dualstack_ipv6())
    return socket.create_server((host, port))
