"""The client for asyncio: a task follows Redis, `check` answers from memory and needs no await."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import redis.asyncio

from hushtag_client import wire
from hushtag_client.clock import monotonic_ms
from hushtag_client.connection import Backoff, RedisAnswers
from hushtag_client.follow import follow
from hushtag_client.redis_servers import ASK_AGAIN_SECONDS, ask_sentinels_async, connected_async


class AsyncFlagsClient(RedisAnswers):
    """A replica of all flags that a task of the running loop keeps current; the asyncio version of `FlagsClient`.

    Args:
        redis_url: one of the forms in `redis_url`; a read replica of the server is sufficient.
        options: see `Answers`.

    Raises:
        ValueError: the URL or an option cannot be used. No other method raises.
    """

    async def start(self) -> Self:
        """Start to follow Redis and return at once, whether or not Redis answers."""
        self._wanted = True
        self._ensure_running()
        return self

    async def close(self) -> None:
        """Stop following Redis. Checks use the known flags until they are stale."""
        self._wanted = False
        task, self._worker = self._worker, None
        if task is not None and not task.done():
            task.cancel()  # redis-py may lose a cancellation; then the task's loops end it at the next reply
            await asyncio.wait([task], timeout=5.0)

    async def wait_until_ready(self, timeout_seconds: float) -> bool:
        """Wait for the first complete snapshot; return False on timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _make_events(self) -> None:
        self._ready = asyncio.Event()

    def _ensure_running(self) -> None:
        if self._worker is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return  # called outside a loop: the known flags are served until they are stale
            self._worker = loop.create_task(self._run(), name="hushtag-flags")

    async def _run(self) -> None:
        backoff = Backoff()
        while self._wanted:
            try:
                async with connected_async(self._address) as connection:
                    await self._drive(connection, backoff)
            except Exception as error:
                await asyncio.sleep(backoff.failed(error))

    async def _drive(self, connection: redis.asyncio.Redis, backoff: Backoff) -> None:
        steps = follow(self._replica, self._now_ms, self._changed)
        question = next(steps)
        ask_again_ms = monotonic_ms() + ASK_AGAIN_SECONDS * 1000
        while self._wanted:
            if monotonic_ms() >= ask_again_ms:
                ask_again_ms = monotonic_ms() + ASK_AGAIN_SECONDS * 1000
                await ask_sentinels_async(connection)
            commands = wire.commands(question)
            if len(commands) == 1:
                raw = [await connection.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
            else:
                async with connection.pipeline(transaction=True) as pipe:
                    for command in commands:
                        pipe.execute_command(*command)
                    raw = await pipe.execute()
            question = steps.send(wire.reply(question, raw))
            self._stepped(backoff)
