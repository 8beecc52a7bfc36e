"""Metrics of the processes that write and publish the audit log.

Times are exposed as Unix time: a failed scrape or a hanging process makes them old instead of leaving a good value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from streams.metrics import MetricSet, counter, gauge


class AuditMetrics(MetricSet):
    """Metrics of one `hushtag audit run`."""

    entries: Gauge = gauge("hushtag_audit_entries", "Entries in the audit log.")
    behind: Gauge = gauge(
        "hushtag_audit_behind_records", "Offsets of a source topic that are not in the audit log yet.", "topic"
    )
    """`topic`: moderation, policy, suppression-decisions."""
    lost: Counter = counter(
        "hushtag_audit_lost_records", "Offsets of a source topic deleted by retention before they were read.", "topic"
    )
    caught_up_seconds: Gauge = gauge(
        "hushtag_audit_caught_up_timestamp_seconds",
        "Time when the audit log last held all records of its sources, Unix time; at first the start of its writer.",
    )
    unsigned: Gauge = gauge("hushtag_audit_unsigned_entries", "Entries after the last signed checkpoint.")
    signed_seconds: Gauge = gauge(
        "hushtag_audit_signed_timestamp_seconds", "Time of the last signed checkpoint, Unix time."
    )
    verified_seconds: Gauge = gauge(
        "hushtag_audit_verified_timestamp_seconds",
        "Time of the last successful verification of the whole audit log, Unix time; at first the start of its writer.",
    )
    intact: Gauge = gauge(
        "hushtag_audit_intact", "0 after verification of the audit log failed; the writer then appends nothing."
    )

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry)
        ProcessCollector(registry=self.registry)
        self.caught_up = False
        """Whether the log has caught up with its sources since the start."""

    def set_started(self, at_ms: int) -> None:
        """Start without an alert: an alert fires only if the times stay unchanged."""
        self.intact.set(1)
        self.caught_up_seconds.set(at_ms / 1000)
        self.verified_seconds.set(at_ms / 1000)

    def set_caught_up(self, at_ms: int) -> None:
        """Record that the log holds all records that its sources held at a time."""
        self.caught_up = True
        self.caught_up_seconds.set(at_ms / 1000)

    def set_verified(self, at_ms: int) -> None:
        """Record a successful verification of the whole log."""
        self.intact.set(1)
        self.verified_seconds.set(at_ms / 1000)

    def set_behind(self, behind: Mapping[str, int]) -> None:
        """Set the remaining offsets of each source topic."""
        for topic, records in behind.items():
            self.behind.labels(topic=topic).set(records)

    def set_signed(self, at_ms: int) -> None:
        """Record a signed checkpoint of the log's present end."""
        self.signed_seconds.set(at_ms / 1000)
        self.unsigned.set(0)


class PublishMetrics(MetricSet):
    """Metrics of one `hushtag audit publish`."""

    published_entries: Gauge = gauge(
        "hushtag_audit_published_entries", "Entries under the published checkpoint of the audit log."
    )
    published_seconds: Gauge = gauge(
        "hushtag_audit_published_timestamp_seconds",
        "Time when the folder last had the writer's newest checkpoint, Unix time; at first the start of the process.",
    )
    cosigned_seconds: Gauge = gauge(
        "hushtag_audit_cosigned_timestamp_seconds",
        "Time when the newest checkpoint last had the witness's cosignature, Unix time; at first the process's start.",
        "witness",
    )
    """`witness`: the name of the witness's key."""
    answers: Counter = counter(
        "hushtag_audit_witness_answers", "Answers of a witness to a checkpoint.", "witness", "outcome"
    )
    """`outcome`: cosigned, away, refused, ahead (it has seen more entries), inconsistent, unreadable."""
    consistent: Gauge = gauge(
        "hushtag_audit_publish_intact",
        "0 after the log, the folder and the witnesses contradicted each other; nothing more is published then.",
    )

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry)
        ProcessCollector(registry=self.registry)
        self.published = False
        """Whether the folder had the newest checkpoint since the start."""

    def set_started(self, at_ms: int, witnesses: Iterable[str]) -> None:
        """Start without an alert: an alert fires only if the times stay unchanged."""
        self.consistent.set(1)
        self.published_seconds.set(at_ms / 1000)
        for witness in witnesses:
            self.cosigned_seconds.labels(witness=witness).set(at_ms / 1000)

    def set_published(self, at_ms: int, size: int) -> None:
        """Record that the folder has the newest checkpoint."""
        self.published = True
        self.published_entries.set(size)
        self.published_seconds.set(at_ms / 1000)

    def set_cosigned(self, at_ms: int, witness: str) -> None:
        """Record the time of a witness's cosignature."""
        self.cosigned_seconds.labels(witness=witness).set(at_ms / 1000)
