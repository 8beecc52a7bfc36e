"""TCP proxy that a schedule can cut, slow down or make half-open. One listener, one target, one thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

LOOPBACK = "127.0.0.1"
_CHUNK = 64 * 1024


class _Line:
    """Connection through the proxy. `lost`: bytes are dropped without an error."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.ends = (near, far)
        self.lost = False

    def abort(self) -> None:
        for end in self.ends:
            end.transport.abort()


class Proxy:
    """Forwarder from `port` to `target_port`, both on loopback, with injected faults."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.delay_seconds = 0.0
        self._target_port = target_port
        self._refusing = False
        self._swallowing = False
        self._lines: set[_Line] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def stop(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # ---- faults ----

    def cut(self) -> None:
        """Reset all connections, and refuse new ones until healed."""
        self._refusing = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def half_open(self) -> None:
        """Drop all bytes of present connections, and of new ones until healed, without an error at either end.

        After healing, lost connections stay lost, as behind a restarted firewall; new ones work.
        """
        self._swallowing = True
        for line in list(self._lines):
            line.lost = True

    def slow(self, seconds: float) -> None:
        """Delay every chunk, in both directions."""
        self.delay_seconds = seconds

    def heal(self) -> None:
        """Let new connections work, without delay."""
        self._refusing = self._swallowing = False
        self.delay_seconds = 0.0

    # ---- the loop's side ----

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        self._abort_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _abort_all(self) -> None:
        for line in list(self._lines):
            line.abort()

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        if self._refusing:
            near.transport.abort()
            return
        try:
            answers, far = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            near.transport.abort()
            return
        line = _Line(near, far)
        line.lost = self._swallowing
        self._lines.add(line)
        try:
            await asyncio.gather(self._pump(reader, far, line), self._pump(answers, near, line))
        finally:
            line.abort()
            self._lines.discard(line)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, line: _Line) -> None:
        with suppress(OSError):
            while piece := await source.read(_CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if not line.lost:
                    sink.write(piece)
                    await sink.drain()
        if not line.lost:  # the other end of a lost connection gets no close
            with suppress(OSError, RuntimeError):
                sink.write_eof()
