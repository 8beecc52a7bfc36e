"""Limits on a broker's silence that do not count the time in which this process did not run.

On a busy machine a process may wait for seconds to get a core. The broker has answered meanwhile, and the answer lies
in the socket. So a wait is cut into short intervals, and each counts with its own length, however late the event loop
ends it. The loop reads the sockets between two intervals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
INTERVAL_SECONDS = 0.2
"""Length of one wait, and the most that it counts."""


class Silence:
    """Time for which a request has been out without an answer while this process ran.

    Args:
        limit_seconds: longest silence.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._seconds = 0.0

    def waited(self, passed_seconds: float) -> None:
        """Count one wait without an answer; of a late one only `INTERVAL_SECONDS` count."""
        self._seconds += min(passed_seconds, INTERVAL_SECONDS)

    def broken(self) -> None:
        """Count from 0 again: the broker has answered."""
        self._seconds = 0.0

    @property
    def is_over_limit(self) -> bool:
        """Whether the broker has been silent for longer than the limit."""
        return self._seconds >= self._limit_seconds


async def answer_within(limit_seconds: float, call: Awaitable[T]) -> T:
    """Await the answer to a call.

    Raises:
        TimeoutError: no answer within `limit_seconds` in which this process ran.
    """
    waiting = asyncio.ensure_future(call)
    silence = Silence(limit_seconds)
    try:
        while not silence.is_over_limit:
            interval_seconds = min(INTERVAL_SECONDS, limit_seconds)
            done, _ = await asyncio.wait({waiting}, timeout=interval_seconds)
            if done:
                return waiting.result()
            silence.waited(interval_seconds)
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    raise TimeoutError(f"no answer within {limit_seconds:g} s")
