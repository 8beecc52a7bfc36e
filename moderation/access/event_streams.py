"""Event streams, of which a caller has a limited number open."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from moderation.access.access import AccessControl
from moderation.access.problems import RefusedCall

RECHECK_SECONDS = 15.0
"""Time after which a stream asks again whether its caller may read."""
MOST_STREAMS = 20
"""Open streams of one caller; each occupies a connection, of which all callers share 512."""


def counted_stream(request: Request, stream: AsyncIterator[bytes]) -> StreamingResponse:
    """Answer with an event stream, of which a caller may have `MOST_STREAMS` open.

    Raises:
        RefusedCall: the caller has as many (429).
    """
    access: AccessControl = request.app.state.access
    name = request.state.caller.name
    if access.streams[name] >= MOST_STREAMS:
        message = f"{name} has {MOST_STREAMS} open event streams"
        raise RefusedCall("too_often", message, "close one, or share one", headers={"Retry-After": "30"})
    access.streams[name] += 1
    return _CountedStream(stream, access.streams, name)


class _CountedStream(StreamingResponse):
    """Stream that gives its place back when it ends, also if it never began."""

    def __init__(self, stream: AsyncIterator[bytes], streams: Counter[str], name: str) -> None:
        super().__init__(stream, media_type="text/event-stream")
        self._streams, self._name = streams, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams[self._name] -= 1
