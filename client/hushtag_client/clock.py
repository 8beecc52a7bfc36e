"""The one place of the client that reads a clock. Everything else takes time as an argument or a clock as a setting."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Wall clock, milliseconds since the Unix epoch."""


def now_ms() -> int:
    """Wall clock, milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """A clock that never goes back, milliseconds from an arbitrary start: for intervals."""
    return time.monotonic_ns() // 1_000_000


def in_nanoseconds(clock: Clock | None) -> Callable[[], int]:
    """The same clock in nanoseconds; the system's own, without a Python call in between, where none is given."""
    if clock is None:
        return time.time_ns
    return lambda: clock() * 1_000_000
