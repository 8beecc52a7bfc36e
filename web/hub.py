"""One live stream a viewer, fed from one rendering for all who look at the same thing.

Each viewer has a bounded queue. One that does not keep up is cut off: its browser asks again after a second and gets
the whole page afresh, which is less than what it missed. Closing the hub ends every stream, so a server can stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Generic, TypeVar

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from web.live import Page, message

QUEUE_MESSAGES = 32
KEEPALIVE_SECONDS = 15.0
RETRY_MS = 1_000

Key = TypeVar("Key", bound=Hashable)


class _Channel:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.viewers: set[asyncio.Queue[bytes | None]] = set()

    def send(self, event: bytes | None) -> None:
        for queue in list(self.viewers):
            if event is None or queue.full():
                self.viewers.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)


class Hub(Generic[Key]):
    """Streams of pages; `render(key)` makes the page of one key as it is now. Used from one event loop."""

    def __init__(self, render: Callable[[Key], Page]) -> None:
        self._render = render
        self._channels: dict[Key, _Channel] = {}
        self._closed = False

    @property
    def viewers(self) -> int:
        """How many streams are open."""
        return sum(len(channel.viewers) for channel in self._channels.values())

    def refresh(self) -> None:
        """Render every page that somebody looks at, and send what changed."""
        for key, channel in list(self._channels.items()):
            if not channel.viewers:
                del self._channels[key]
                continue
            page = self._render(key)
            content = message(channel.page, page)
            channel.page = page
            if content is not None:
                channel.send(format_sse_event(data_str=content.decode()))

    async def stream(self, key: Key) -> AsyncIterator[bytes]:
        """Server-sent events of a page: all of it, then the changes, until the viewer leaves or the hub closes."""
        if self._closed:
            return
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel(self._render(key))
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MESSAGES)
        channel.viewers.add(queue)
        try:
            whole = message(None, channel.page)
            assert whole is not None
            yield format_sse_event(data_str=whole.decode(), retry=RETRY_MS)
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
                    continue
                if event is None:
                    return
                yield event
        finally:
            channel.viewers.discard(queue)

    def close(self) -> None:
        """End every stream, now and to come."""
        self._closed = True
        for channel in self._channels.values():
            channel.send(None)
