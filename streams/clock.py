"""The one place of the pipeline that reads a clock. Cores take time as an argument; shells call this."""

import time


def now_ms() -> int:
    """Wall clock, milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def monotonic_seconds() -> float:
    """A clock that never goes back, seconds from an arbitrary start: for durations and deadlines."""
    return time.monotonic()
