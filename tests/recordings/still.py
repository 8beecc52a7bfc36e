"""A process whose clock stands still and whose random bytes repeat, so that its answers repeat as well."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import shake_256
from unittest.mock import patch

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class RepeatedBytes:
    """Random bytes from a seed: call by call the same."""

    def __init__(self, seed: str) -> None:
        self._seed, self._calls = seed, 0

    def __call__(self, count: int) -> bytes:
        """Return the next bytes."""
        self._calls += 1
        return shake_256(f"{self._seed} {self._calls}".encode()).digest(count)


@contextmanager
def still(seed: str) -> Iterator[None]:
    """Stop the wall clock at `NOON`, and repeat the random bytes of a seed; durations still pass."""
    source, noon_ns = RepeatedBytes(seed), int(NOON.timestamp()) * 10**9
    with (
        patch.object(os, "urandom", source),
        patch.object(random, "_urandom", source),
        patch.object(time, "time_ns", lambda: noon_ns),
        patch.object(time, "time", lambda: noon_ns / 1e9),
    ):
        yield
