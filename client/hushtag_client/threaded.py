"""The client for synchronous code: a daemon thread follows Redis, `check` answers from memory.

A process may load its application, start the client and then fork (gunicorn with `--preload`). Threads do not survive a
fork. The child keeps the replica, and its first check starts another thread with a new connection.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import redis

from hushtag_client import wire
from hushtag_client.clock import monotonic_ms
from hushtag_client.connection import Backoff, RedisAnswers
from hushtag_client.follow import follow
from hushtag_client.redis_servers import ASK_AGAIN_SECONDS, ask_sentinels, connected


class FlagsClient(RedisAnswers):
    """A replica of all flags that a thread keeps current; safe to share between threads and across fork.

    >>> client = FlagsClient("redis://127.0.0.1:1/0")
    >>> client.check("#SomeTag", "trends", "IN")  # not started yet: no flags are known
    Answer(hashtag='sometag', shown=True, why='unavailable', register=None, warning=None)

    Args:
        redis_url: one of the forms in `redis_url`; a read replica of the server is sufficient.
        options: see `Answers`.

    Raises:
        ValueError: the URL or an option cannot be used. No other method raises.
    """

    def start(self) -> Self:
        """Start to follow Redis and return at once, whether or not Redis answers."""
        self._wanted = True
        self._ensure_running()
        return self

    def close(self) -> None:
        """Stop following Redis. Checks use the known flags until they are stale."""
        self._wanted = False
        self._stop.set()
        thread, self._worker = self._worker, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def wait_until_ready(self, timeout_seconds: float) -> bool:
        """Wait for the first complete snapshot; return False on timeout."""
        self._ensure_running()
        return bool(self._ready.wait(timeout_seconds))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_events(self) -> None:
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._ready = threading.Event()

    def _ensure_running(self) -> None:
        with self._starting:
            if self._wanted and (self._worker is None or not self._worker.is_alive()):
                self._stop = threading.Event()
                self._worker = threading.Thread(target=self._run, args=(self._stop,), name="hushtag-flags", daemon=True)
                self._worker.start()

    def _run(self, stop: threading.Event) -> None:
        backoff = Backoff()
        while not stop.is_set():
            try:
                with connected(self._address) as connection:
                    self._drive(connection, stop, backoff)
            except Exception as error:
                stop.wait(backoff.failed(error))

    def _drive(self, connection: redis.Redis, stop: threading.Event, backoff: Backoff) -> None:
        steps = follow(self._replica, self._now_ms, self._changed)
        question = next(steps)
        ask_again_ms = monotonic_ms() + ASK_AGAIN_SECONDS * 1000
        while not stop.is_set():
            if monotonic_ms() >= ask_again_ms:
                ask_again_ms = monotonic_ms() + ASK_AGAIN_SECONDS * 1000
                ask_sentinels(connection)
            commands = wire.commands(question)
            if len(commands) == 1:
                raw = [connection.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
            else:
                with connection.pipeline(transaction=True) as pipe:
                    for command in commands:
                        pipe.execute_command(*command)  # type: ignore[no-untyped-call]
                    raw = pipe.execute()
            question = steps.send(wire.reply(question, raw))
            self._stepped(backoff)
