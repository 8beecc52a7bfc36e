"""Refuses a body that is too large, before it is read whole: plain ASGI, in front of everything."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moderation.api.answers import SECURITY_HEADERS, Json, problem

MOST_BYTES = 8 * 1024 * 1024
"""An order of 100,000 accounts has 2 MB."""


class _TooLarge(HTTPException):
    def __init__(self, most_bytes: int) -> None:
        super().__init__(413, f"a body has at most {most_bytes} bytes")


class SizeLimit:
    """Middleware. A body of unknown length is counted as it comes."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        read, begun = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise _TooLarge(self._most_bytes)
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        try:
            if not length.isdigit() or int(length) > self._most_bytes:
                raise _TooLarge(self._most_bytes)
            await self._app(scope, counted, noted)
        except _TooLarge as error:
            if begun:
                raise
            await Json(problem("too_large", str(error.detail), "split it"), 413)(scope, receive, noted)
