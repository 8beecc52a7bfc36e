"""Clamp event times by log times; `streams.counting.times.effective_time` is the same for one record."""

from __future__ import annotations

from typing import Any

from models.compiled import compiled

TOO_OLD, TOO_NEW = -(2**62), -(2**62) + 1


@compiled
def effective_ms(event_ms: Any, log_ms: Any, allowed_lateness_ms: Any, max_ahead_ms: Any, max_age_ms: Any) -> Any:
    """Clamp an event time into [log time - allowed lateness, log time]; `TOO_OLD` or `TOO_NEW` beyond the limits.

    Every event is too new for a log time before 1970, which no broker sets; so the differences stay within 64 bits.
    """
    if log_ms < 0:
        return TOO_NEW
    if event_ms > log_ms:
        return TOO_NEW if event_ms - log_ms > max_ahead_ms else log_ms
    if log_ms - event_ms > max_age_ms:
        return TOO_OLD
    return max(event_ms, log_ms - allowed_lateness_ms)
