"""Limits on the clocks, for effective times (see `streams.counting.kernels.admission`) and watermarks."""

from __future__ import annotations

from dataclasses import dataclass

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


def ahead_error(event_ms: int, log_ms: int, rules: TimeRules) -> ContractError:
    """Return the error of a tweet that lies too far in the future of its log time."""
    return ContractError(
        "event_ahead",
        field="created_at",
        value=event_ms,
        fix=f"created_at may be at most {rules.max_event_ahead_ms} ms ahead of the record's timestamp {log_ms}",
    )
