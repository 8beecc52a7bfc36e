"""Addresses without a key: metrics, probes and the types of problems; and the access log with its actors.

The access log has neither bodies, query strings, keys nor cookies: reasons and hashtags stay in the log of decisions.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moderation.access.answers import JsonReply
from moderation.access.problems import PROBLEMS, TYPES, ProblemReply, RefusedCall, problem
from moderation.access.services import services_of
from streams.clock import monotonic_seconds
from streams.errors import HushtagError
from streams.metrics import MetricSet, clock_ahead_gauge, counter, gauge, histogram

if TYPE_CHECKING:
    from moderation.access.rights import Caller

READY_SECONDS = 3.0
QUIET = frozenset(("/healthz", "/readyz", "/metrics"))
"""Addresses of probes, which the access log leaves out."""
_LOGGED_IDS = ("case", "order", "appeal")
_METHODS = frozenset(("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"))
"""Methods with own series; the server accepts any word as a method."""
router = APIRouter(include_in_schema=False)


class ApiMetrics(MetricSet):
    """Metrics of one `hushtag api`."""

    calls: Counter = counter("hushtag_api_calls", "Calls of the moderation API.", "method", "route", "status")
    seconds: Histogram = histogram(
        "hushtag_api_call_seconds",
        "Time until a call is answered; event streams are left out.",
        (0.01, 0.03, 0.1, 0.3, 1, 3, 10),
        "route",
    )
    streams: Gauge = gauge("hushtag_api_event_streams", "Open event streams.")
    clock_ahead: Gauge = clock_ahead_gauge()

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry)
        ProcessCollector(registry=self.registry)


class Observed:
    """ASGI middleware that counts and logs every call."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger("hushtag.api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; log it when it ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, streams = monotonic_seconds(), 500, False

        async def send_noted(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = any(value.startswith(b"text/event-stream") for name, value in message["headers"])
                self._metrics.streams.inc(streams)
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            seconds = monotonic_seconds() - began
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.calls.labels(method, route, str(status)).inc()
            if streams:
                self._metrics.streams.dec()
            else:
                self._metrics.seconds.labels(route).observe(seconds)
            if scope["path"] not in QUIET:
                self._write(scope, route, status, seconds)

    def _write(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        state = scope.get("state", {})
        caller: Caller | None = state.get("caller")
        self._log.info(
            "api call",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            caller=caller.name if caller else "",
            actor=state.get("actor", caller.writes_as if caller else ""),
            how="session" if state.get("session") else "key" if caller else "",
            **{name: str(value)[:64] for name, value in scope.get("path_params", {}).items() if name in _LOGGED_IDS},
        )


@router.get("/healthz")
async def healthz() -> Response:
    """Return that the process answers."""
    return JsonReply({"status": "alive"})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Return whether Kafka answers; without it no call does."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await services_of(request).moderation.refresh()
    except (TimeoutError, HushtagError) as error:
        return ProblemReply(problem("away", f"not ready: {error or 'Kafka does not answer'}", "wait"))
    return JsonReply({"status": "ready"})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the metrics for Prometheus."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get(TYPES + "{name}")
async def problem_type(name: str) -> Response:
    """Describe a type of problem: the address in `type` of a refusal."""
    if (kind := PROBLEMS.get(name)) is None:
        raise RefusedCall("not_found", f"there is no problem type {name[:40]!r}", "see docs/moderation-api.md")
    return JsonReply({"type": TYPES + name, **kind._asdict()})
