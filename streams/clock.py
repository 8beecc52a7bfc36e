"""Clocks of the pipeline, read nowhere else. Cores take time as an argument; shells call these functions."""

import time

_STARTED_MS = (time.time_ns() - time.monotonic_ns()) // 1_000_000


def now_ms() -> int:
    """Return the wall clock in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Return the wall clock at the start of the process, plus the time since then: it does not jump with the host's."""
    return _STARTED_MS + time.monotonic_ns() // 1_000_000


def monotonic_seconds() -> float:
    """Return a clock that never goes back, in seconds from an arbitrary start, for durations and deadlines."""
    return time.monotonic()
