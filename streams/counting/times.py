"""Effective time and watermarks: the answer depends on the record alone, not on what was read before it."""

from __future__ import annotations

from dataclasses import dataclass

from streams.errors import ContractError

FLUSH_MS = 150
"""So often ingest tells the judges, unless it is told otherwise: half of it is part of every tweet's way to a flag."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """The clocks' tolerances, all in milliseconds."""

    allowed_lateness_ms: int = 5_000
    max_event_ahead_ms: int = 120_000
    max_event_age_ms: int = 3_600_000
    """A tweet older than this when logged does not count: no window would hold it."""
    max_broker_skew_ms: int = 500
    max_disorder_ms: int = 0
    """Only for a source topic with CreateTime: how far its log times may run backwards."""

    @property
    def watermark_slack_ms(self) -> int:
        """How far behind the greatest log time a watermark stays."""
        return self.allowed_lateness_ms + self.max_broker_skew_ms + self.max_disorder_ms


def effective_time(event_ms: int, log_ms: int, rules: TimeRules) -> int | None:
    """Event time clamped into [log time - allowed lateness, log time]; None where it is too old to count.

    Raises:
        ContractError: `event_ahead`, the event lies too far in the future of its log time.
    """
    if event_ms > log_ms:
        if event_ms - log_ms > rules.max_event_ahead_ms:
            raise ContractError(
                "event_ahead",
                field="created_at",
                value=event_ms,
                fix=f"created_at may be at most {rules.max_event_ahead_ms} ms ahead of the record's timestamp {log_ms}",
            )
        return log_ms
    if log_ms - event_ms > rules.max_event_age_ms:
        return None
    return max(event_ms, log_ms - rules.allowed_lateness_ms)
