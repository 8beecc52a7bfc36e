"""Limits of calls: a token bucket for each caller, and the size of bodies."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moderation.access.problems import ProblemReply, problem

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Limit of a body; an order of 100,000 accounts has 2 MB."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_seconds: float


class RateLimit:
    """Limit of `burst` calls at once and `per_second` on average, for each caller. Pure; time is an argument.

    Args:
        most_callers: number of callers to remember; an evicted caller starts again with a full bucket.
    """

    def __init__(self, per_second: float, burst: int, *, most_callers: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._most_callers = most_callers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, now_seconds: float) -> float:
        """Spend one call; return 0.0, or the seconds until the next call is allowed.

        >>> limit = RateLimit(per_second=2, burst=1)
        >>> limit.take("ann", 0.0), limit.take("ann", 0.0), limit.take("ben", 0.0), limit.take("ann", 0.5)
        (0.0, 0.5, 0.0, 0.0)
        """
        bucket = self._buckets.pop(caller, None) or _Bucket(float(self._burst), now_seconds)
        gained = max(0.0, now_seconds - bucket.at_seconds) * self._per_second
        bucket.tokens = min(float(self._burst), bucket.tokens + gained)
        bucket.at_seconds = now_seconds
        self._buckets[caller] = bucket
        while len(self._buckets) > self._most_callers:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_second
        bucket.tokens -= 1
        return 0.0


class _TooLarge(HTTPException):
    def __init__(self, most_bytes: int) -> None:
        super().__init__(413, f"a body has at most {most_bytes} bytes")


class SizeLimit:
    """ASGI middleware that refuses large bodies before they are read whole.

    A body of unknown length is counted as it arrives.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer 413 if its body is above the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        read, started = 0, False

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise _TooLarge(self._most_bytes)
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if not length.isdigit() or int(length) > self._most_bytes:
                raise _TooLarge(self._most_bytes)
            await self._app(scope, receive_counted, send_noted)
        except _TooLarge as error:
            if started:
                raise
            reply = ProblemReply(problem("too_large", str(error.detail), "split it"))
            await reply(scope, receive, send_noted)
