"""Live event streams: one rendering serves all viewers of the same page.

Each viewer has a bounded queue. A viewer that does not keep up is disconnected: its browser reconnects after a second
and receives the whole page, which is smaller than the missed events. Closing the hub ends every stream, so that a
server can stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Generic, TypeVar

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from web.live import LivePage, message

QUEUE_MESSAGES = 32
KEEPALIVE_SECONDS = 15.0
RETRY_MS = 1_000

Key = TypeVar("Key", bound=Hashable)


class _Channel:
    def __init__(self, page: LivePage) -> None:
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


class EventHub(Generic[Key]):
    """Event streams of pages, for use from one event loop.

    Args:
        render: renders the present page of a key.
    """

    def __init__(self, render: Callable[[Key], LivePage]) -> None:
        self._render = render
        self._channels: dict[Key, _Channel] = {}
        self._closed = False

    @property
    def viewers(self) -> int:
        """Number of open streams."""
        return sum(len(channel.viewers) for channel in self._channels.values())

    def refresh(self) -> None:
        """Render every page that has viewers, and send the changes."""
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
        """Stream a page as server-sent events, first whole and then changes, until the viewer or the hub closes it."""
        if self._closed:
            return
        channel = self._channels.get(key)
        if channel is None or not channel.viewers:  # what was kept for earlier viewers may be old
            channel = self._channels[key] = _Channel(self._render(key))
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MESSAGES)
        channel.viewers.add(queue)
        try:
            whole = message(None, channel.page)
            assert whole is not None
            yield format_sse_event(data_str=whole.decode(), retry=RETRY_MS)
            while True:
                try:
                    async with asyncio.timeout(KEEPALIVE_SECONDS):
                        event = await queue.get()
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
                    continue
                if event is None:
                    return
                yield event
        finally:
            channel.viewers.discard(queue)

    def cut(self) -> None:
        """End all streams; their viewers connect again."""
        for channel in self._channels.values():
            channel.send(None)

    def close(self) -> None:
        """End all streams; new ones end at once."""
        self._closed = True
        self.cut()
