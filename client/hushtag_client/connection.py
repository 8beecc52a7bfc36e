"""The common part of the clients that replicate from Redis: address, backoff, restart after a fork."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from typing import Any

from hushtag_client import forks
from hushtag_client.answers import Answers
from hushtag_client.redis_servers import error_text
from hushtag_client.redis_url import parse_redis_url

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Backoff:
    """Waits that double up to a limit; half of each is random, so that clients do not reconnect all at once."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, error: Exception) -> float:
        """Count a failure, log the first one since the last success, and return the seconds to wait."""
        if self._failures == 0:
            _log.warning("Redis does not answer, the last known flags are served: %s", error_text(error))
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Reset the waits after a success."""
        self._failures = 0


class RedisAnswers(Answers, ABC):
    """Answers from a replica that a worker (a task or a thread) keeps current.

    Raises:
        ValueError: the URL or an option cannot be used.
    """

    def __init__(self, redis_url: str, **options: Any) -> None:
        super().__init__(**options)
        self._address = parse_redis_url(redis_url)
        self._worker: Any = None
        self._wanted = False
        self._ready: Any
        self._forked()
        forks.watch(self)

    def _wake(self) -> bool:
        if self._worker is not None or not self._wanted:
            return False
        self._ensure_running()  # the first check after a fork
        self._renew()
        return True

    def _forked(self) -> None:
        self._worker = None
        self._make_events()
        if self._replica.synced:
            self._ready.set()
        self._good_until_ns = 0  # so that the next check takes the slow path, which starts a worker

    def _stepped(self, backoff: Backoff) -> None:
        """Publish the result of one step of the replication."""
        self._renew()
        if self._replica.synced:
            self._ready.set()
            backoff.reset()

    @abstractmethod
    def _make_events(self) -> None:
        """Make the events, for the loop or the threads of this process."""

    @abstractmethod
    def _ensure_running(self) -> None:
        """Start the worker that follows Redis, unless it runs."""
