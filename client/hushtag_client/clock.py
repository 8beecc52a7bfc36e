"""The only module of the client that reads a clock; all others take a time or a clock as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Function that returns milliseconds since the Unix epoch."""


def now_ms() -> int:
    """Return the wall clock in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Return a monotonic clock in milliseconds from an arbitrary start, for intervals."""
    return time.monotonic_ns() // 1_000_000


def in_nanoseconds(clock: Clock | None) -> Callable[[], int]:
    """Convert a clock to nanoseconds; None gives the system clock without a Python call in between."""
    if clock is None:
        return time.time_ns
    return lambda: clock() * 1_000_000
