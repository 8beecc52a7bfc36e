"""How the clients talk to Redis, and how long they wait before they try again."""

from __future__ import annotations

import random
from typing import Any

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0


def redis_options() -> dict[str, Any]:
    """Options of a connection: raw bytes, RESP2, and deadlines a little above the longest wait for a change."""
    return {"decode_responses": False, "protocol": 2, "socket_connect_timeout": 2.0, "socket_timeout": 3.0}


class Backoff:
    """Waits that double up to a limit, half of each at random, so that a restarted server is not met by all at once."""

    def __init__(self) -> None:
        self._failures = 0

    def first(self) -> bool:
        """Whether nothing has failed since the last success."""
        return self._failures == 0

    def next_seconds(self) -> float:
        """How long to wait now, after one more failure."""
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It works again."""
        self._failures = 0
