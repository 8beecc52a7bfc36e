"""The client for asyncio: a task follows Redis, `check` answers from memory and needs no await."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, Self

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hushtag_client import forks, wire
from hushtag_client.answer import Answer
from hushtag_client.answers import Answers
from hushtag_client.connection import Backoff, redis_options
from hushtag_client.follow import follow

_log = logging.getLogger(__name__)


class AsyncFlagsClient(Answers):
    """A replica of all flags, kept up to date by a task of the running loop. See `FlagsClient`, whose twin it is.

    Args:
        redis_url: `redis://`, `rediss://` or `unix://`; a read replica of the server will do.
        options: see `Answers`.

    Raises:
        ValueError: the URL or an option cannot be used. Nothing else ever raises.
    """

    def __init__(self, redis_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._redis_url = redis_url
        self._connect()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._wanted = False
        forks.watch(self)

    async def start(self) -> Self:
        """Begin to follow Redis; returns at once, whether Redis is there or not."""
        self._wanted = True
        self._ensure_running()
        return self

    async def close(self) -> None:
        """Stop following. What is known is answered until it is stale."""
        self._wanted = False
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()  # redis-py may lose a cancellation; then the loops in the task end it, with the next reply
            await asyncio.wait([task], timeout=5.0)

    async def wait_until_ready(self, timeout_seconds: float) -> bool:
        """Wait for the first whole snapshot; for a start-up that would rather wait than answer `unavailable`."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _doubtful(self, hashtag: str, surface: str, country: str | None, now_ms: int) -> Answer:
        if self._wake() and now_ms * 1_000_000 < self._good_until_ns:
            return self.check(hashtag, surface, country)
        return super()._doubtful(hashtag, surface, country, now_ms)

    def _wake(self) -> bool:
        if self._task is not None or not self._wanted:
            return False
        self._ensure_running()  # the first question after a fork
        self._renew()
        return True

    def _forked(self) -> None:
        self._task = None
        self._ready = asyncio.Event()
        if self._replica.synced:
            self._ready.set()
        self._good_until_ns = 0  # so that the next question takes the careful path, and there starts a task

    def _ensure_running(self) -> None:
        if self._task is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return  # asked outside a loop: what is known is served, until it is stale
            self._task = loop.create_task(self._run(), name="hushtag-flags")

    def _connect(self) -> redis.asyncio.Redis:
        return redis.asyncio.Redis.from_url(self._redis_url, retry=Retry(NoBackoff(), 0), **redis_options())

    async def _run(self) -> None:
        backoff = Backoff()
        while self._wanted:
            connection = self._connect()
            try:
                await self._drive(connection, backoff)
            except Exception as error:
                if backoff.first():
                    _log.warning("Redis does not answer, the last known flags are served: %s", error)
                await asyncio.sleep(backoff.next_seconds())
            finally:
                await connection.aclose()

    async def _drive(self, connection: redis.asyncio.Redis, backoff: Backoff) -> None:
        steps = follow(self._replica, self._now_ms, self._changed)
        question = next(steps)
        while self._wanted:
            asked = wire.commands(question)
            if len(asked) == 1:
                raw = [await connection.execute_command(*asked[0])]  # type: ignore[no-untyped-call]
            else:
                async with connection.pipeline(transaction=True) as pipe:
                    for command in asked:
                        pipe.execute_command(*command)
                    raw = await pipe.execute()
            question = steps.send(wire.reply(question, raw))
            self._renew()
            if self._replica.synced:
                self._ready.set()
                backoff.reset()
