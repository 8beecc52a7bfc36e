"""Effective time and watermarks: the answer depends on the record alone, not on what was read before it."""

from __future__ import annotations

from dataclasses import dataclass

from streams.counting.kernels.admission import TOO_NEW, TOO_OLD, effective_ms
from streams.errors import ContractError

FLUSH_MS = 150
"""Default time between two flushes of ingest: on average half of it delays every flag."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """Tolerances of the clocks, all in milliseconds."""

    allowed_lateness_ms: int = 5_000
    max_event_ahead_ms: int = 120_000
    max_event_age_ms: int = 3_600_000
    """Age at its log time from which a tweet does not count: no window would have it."""
    max_broker_skew_ms: int = 500
    max_disorder_ms: int = 0
    """Greatest step backwards of log times; only for a source topic with CreateTime."""

    @property
    def watermark_slack_ms(self) -> int:
        """Distance of a watermark behind the greatest log time."""
        return self.allowed_lateness_ms + self.max_broker_skew_ms + self.max_disorder_ms


def effective_time(event_ms: int, log_ms: int, rules: TimeRules) -> int | None:
    """Clamp an event time into [log time - allowed lateness, log time]; None if it is too old to count.

    Raises:
        ContractError: `event_ahead`, the event lies too far in the future of its log time.
    """
    at_ms: int = effective_ms(
        event_ms, log_ms, rules.allowed_lateness_ms, rules.max_event_ahead_ms, rules.max_event_age_ms
    )
    if at_ms == TOO_NEW:
        raise ContractError(
            "event_ahead",
            field="created_at",
            value=event_ms,
            fix=f"created_at may be at most {rules.max_event_ahead_ms} ms ahead of the record's timestamp {log_ms}",
        )
    return None if at_ms == TOO_OLD else at_ms
