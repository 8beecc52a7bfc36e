"""The client for ordinary Python: a daemon thread follows Redis, `check` answers from memory.

A process may load its application, start the client and then fork (gunicorn with `--preload`): threads do not survive a
fork, so the child finds its replica as it was, and its first question starts a thread and a connection of its own.
"""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hushtag_client import forks, wire
from hushtag_client.answer import Answer
from hushtag_client.answers import Answers
from hushtag_client.connection import Backoff, redis_options
from hushtag_client.follow import follow

_log = logging.getLogger(__name__)


class FlagsClient(Answers):
    """A replica of all flags, kept up to date by a thread; safe to share between threads and across fork.

    >>> client = FlagsClient("redis://127.0.0.1:1/0")
    >>> client.check("#SomeTag", "trends", "IN")  # not started yet: nothing is known
    Answer(hashtag='sometag', shown=True, why='unavailable', register=None)

    Args:
        redis_url: `redis://`, `rediss://` or `unix://`; a read replica of the server will do.
        options: see `Answers`.

    Raises:
        ValueError: the URL or an option cannot be used. Nothing else ever raises.
    """

    def __init__(self, redis_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._redis_url = redis_url
        self._connect().close()
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._forked()
        forks.watch(self)

    def start(self) -> Self:
        """Begin to follow Redis; returns at once, whether Redis is there or not."""
        self._wanted = True
        self._ensure_running()
        return self

    def close(self) -> None:
        """Stop following. What is known is answered until it is stale."""
        self._wanted = False
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def wait_until_ready(self, timeout_seconds: float) -> bool:
        """Wait for the first whole snapshot; for a start-up that would rather wait than answer `unavailable`."""
        self._ensure_running()
        return self._ready.wait(timeout_seconds)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _doubtful(self, hashtag: str, surface: str, country: str | None, now_ms: int) -> Answer:
        if self._wake() and now_ms * 1_000_000 < self._good_until_ns:
            return self.check(hashtag, surface, country)
        return super()._doubtful(hashtag, surface, country, now_ms)

    def _wake(self) -> bool:
        if self._thread is not None or not self._wanted:
            return False
        self._ensure_running()  # the first question after a fork
        self._renew()
        return True

    def _forked(self) -> None:
        self._thread = None
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._ready = threading.Event()
        if self._replica.synced:
            self._ready.set()
        self._good_until_ns = 0  # so that the next question takes the careful path, and there starts a thread

    def _ensure_running(self) -> None:
        with self._starting:
            if self._wanted and (self._thread is None or not self._thread.is_alive()):
                self._stop = threading.Event()
                thread = threading.Thread(target=self._run, args=(self._stop,), name="hushtag-flags", daemon=True)
                thread.start()
                self._thread = thread

    def _connect(self) -> redis.Redis:
        return redis.Redis.from_url(self._redis_url, retry=Retry(NoBackoff(), 0), **redis_options())

    def _run(self, stop: threading.Event) -> None:
        backoff = Backoff()
        while not stop.is_set():
            connection = self._connect()
            try:
                self._drive(connection, stop, backoff)
            except Exception as error:
                if backoff.first():
                    _log.warning("Redis does not answer, the last known flags are served: %s", error)
                stop.wait(backoff.next_seconds())
            finally:
                connection.close()

    def _drive(self, connection: redis.Redis, stop: threading.Event, backoff: Backoff) -> None:
        steps = follow(self._replica, self._now_ms, self._changed)
        question = next(steps)
        while not stop.is_set():
            asked = wire.commands(question)
            if len(asked) == 1:
                raw = [connection.execute_command(*asked[0])]  # type: ignore[no-untyped-call]
            else:
                with connection.pipeline(transaction=True) as pipe:
                    for command in asked:
                        pipe.execute_command(*command)  # type: ignore[no-untyped-call]
                    raw = pipe.execute()
            question = steps.send(wire.reply(question, raw))
            self._renew()
            if self._replica.synced:
                self._ready.set()
                backoff.reset()
