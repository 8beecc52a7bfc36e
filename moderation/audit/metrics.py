"""The metrics of the process that writes the audit log: is it up to date, signed, and as it was written?

A registry of its own, for it is a process of its own. Moments are given as Unix time, so that a scrape that fails or a
process that hangs makes them old, and never leaves a reassuring number standing.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics


class AuditMetrics:
    """The metrics of one `hushtag audit run`."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = registry if registry is not None else CollectorRegistry()
        self.entries = Gauge("hushtag_audit_entries", "Entries in the audit log.", registry=registry)
        self.behind = Gauge(
            "hushtag_audit_behind_records",
            "Offsets of a source topic that the audit log has not got to.",
            ["topic"],
            registry=registry,
        )
        """`topic`: moderation, policy, suppression-decisions."""
        self.lost = Counter(
            "hushtag_audit_lost_records",
            "Offsets of a source topic that retention took before they were read.",
            ["topic"],
            registry=registry,
        )
        self.caught_up_seconds = Gauge(
            "hushtag_audit_caught_up_timestamp_seconds",
            "When the audit log last held all that its sources held, Unix time; until then when its writer started.",
            registry=registry,
        )
        self.unsigned = Gauge(
            "hushtag_audit_unsigned_entries", "Entries behind the last signed head.", registry=registry
        )
        self.head_seconds = Gauge(
            "hushtag_audit_head_timestamp_seconds", "When the last signed head was made, Unix time.", registry=registry
        )
        self.verified_seconds = Gauge(
            "hushtag_audit_verified_timestamp_seconds",
            "When the audit log was last found to be as it was written, Unix time; until then when its writer started.",
            registry=registry,
        )
        self.intact = Gauge(
            "hushtag_audit_intact",
            "0 once the audit log was found not to be as it was written: nothing more is added to it.",
            registry=registry,
        )
        ProcessCollector(registry=registry)
        self.caught_up = False
        """Whether it ever was."""

    def set_started(self, at_ms: int) -> None:
        """Nothing is known yet: nobody is to be woken for it, unless it stays so."""
        self.intact.set(1)
        self.caught_up_seconds.set(at_ms / 1000)
        self.verified_seconds.set(at_ms / 1000)

    def set_caught_up(self, at_ms: int) -> None:
        """All that the sources held at a moment is in the log."""
        self.caught_up = True
        self.caught_up_seconds.set(at_ms / 1000)

    def set_verified(self, at_ms: int) -> None:
        """The whole log was read and is as it was written."""
        self.intact.set(1)
        self.verified_seconds.set(at_ms / 1000)

    def set_behind(self, behind: Mapping[str, int]) -> None:
        """Offsets not got to, by source topic."""
        for topic, records in behind.items():
            self.behind.labels(topic=topic).set(records)

    def set_head(self, at_ms: int) -> None:
        """A head of the log's present end has been exported."""
        self.head_seconds.set(at_ms / 1000)
        self.unsigned.set(0)
