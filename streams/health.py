"""/healthz, /readyz and /metrics over HTTP: whether the process is alive, whether it is ready, and its metrics.

The server runs in a thread with its own event loop, so it answers while the watched loop is blocked. A task on
the watched loop records the time, and /healthz reports the age of that time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus

from prometheus_client import CollectorRegistry, make_asgi_app
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streams.clock import monotonic_seconds
from streams.errors import SettingsError
from streams.serving import ServerInThread, listening_socket

Ready = Callable[[], str]
"""Readiness check: "" when ready, else the reason. The server's thread calls it, so it may only read."""
Answer = tuple[HTTPStatus, dict[str, object]]

_BEAT_SECONDS = 0.5


class HealthServer:
    """HTTP server of one process. Start it on the event loop that it watches.

    Args:
        registry: the metrics to expose.
        port: 0 for any free port.
        ready: the readiness check.
        notes: texts for the answer of /readyz that change nothing about readiness.
        stalled_after_seconds: a loop that has not run for this long counts as dead.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str,
        port: int,
        ready: Ready,
        notes: Callable[[], Sequence[str]] = tuple,
        stalled_after_seconds: float = 10.0,
        clock: Callable[[], float] = monotonic_seconds,
    ) -> None:
        self._host, self._wanted_port = host, port
        self._ready = ready
        self._notes = notes
        self._stalled_after_seconds = stalled_after_seconds
        self._clock = clock
        self._beat_at = clock()
        self._beating: asyncio.Task[None] | None = None
        self._expose_metrics = make_asgi_app(registry)
        self._server: ServerInThread | None = None

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        assert self._server is not None, "not started"
        return self._server.port

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
            listening = listening_socket(self._host, self._wanted_port)
        except OSError as error:
            raise SettingsError(
                f"metrics cannot be served on {self._host}:{self._wanted_port}: {error.strerror or error}",
                fix="set HUSHTAG_METRICS_HOST and HUSHTAG_METRICS_PORT (0: any free one)",
            ) from None
        self._beat_at = self._clock()
        self._beating = asyncio.create_task(self._beat(), name="health-beat")
        self._server = ServerInThread(self, listening, "health")

    async def stop(self) -> None:
        """Stop listening. A second call does nothing."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)
            self._server = None

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
        notes: Sequence[str] = ()
        try:
            notes = self._notes()
            reason = self._ready()
        except Exception as error:  # the state that it reads may be half changed: answer all the same
            reason = f"the readiness check failed: {error!r}"
        more: dict[str, object] = {"notes": [*notes]} if notes else {}
        if reason:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "reason": reason, **more}
        return HTTPStatus.OK, {"status": "ready", **more}

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
