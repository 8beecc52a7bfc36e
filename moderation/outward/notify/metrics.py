"""Metrics of the process that sends notifications; a label `channel` is a name of the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from moderation.outward.notify.outbox import NotifyMessage
from streams.metrics import MetricSet, counter, gauge


class NotifyMetrics(MetricSet):
    """Metrics of one `hushtag notify`."""

    sent: Counter = counter("hushtag_notify_sent", "Notifications delivered.", "channel", "event")
    """`event`: holds, deadlines, appeals, statements, decisions."""
    failures: Counter = counter(
        "hushtag_notify_failures", "Failed attempts to deliver a notification; each is repeated.", "channel", "reason"
    )
    """`reason`: away (the receiver does not answer), refused (it refuses this message)."""
    waiting: Gauge = gauge("hushtag_notify_waiting", "Notifications that are not delivered.", "channel")
    oldest_seconds: Gauge = gauge(
        "hushtag_notify_oldest_waiting_seconds", "Age of the oldest undelivered notification; 0 without one.", "channel"
    )
    caught_up_seconds: Gauge = gauge(
        "hushtag_notify_caught_up_timestamp_seconds",
        "Time when all records of the logs were last read, Unix time; at first the start of the process.",
    )

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry)
        ProcessCollector(registry=self.registry)
        self.caught_up_ms = 0
        """Time when all records were last read; 0: not since the start."""

    def set_started(self, at_ms: int) -> None:
        """Start without an alert: an alert fires only if the time stays unchanged."""
        self.caught_up_seconds.set(at_ms / 1000)

    def set_caught_up(self, at_ms: int) -> None:
        """Record that all records that the logs held at a time are read."""
        self.caught_up_ms = at_ms
        self.caught_up_seconds.set(at_ms / 1000)

    def set_waiting(self, channel: str, messages: Iterable[NotifyMessage], now_ms: int) -> None:
        """Set the number of a channel's undelivered messages, and the age of the oldest."""
        planned = [message.planned_ms for message in messages]
        self.waiting.labels(channel=channel).set(len(planned))
        self.oldest_seconds.labels(channel=channel).set((now_ms - min(planned)) / 1000 if planned else 0)
