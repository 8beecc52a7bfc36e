"""Metrics and readiness of the log's processes."""

from __future__ import annotations

import pytest

from moderation.publiclog.metrics import AuditMetrics, PublishMetrics
from moderation.publiclog.process import AuditReadiness


def test_metrics_raise_no_alert_at_start() -> None:
    metrics = AuditMetrics()
    metrics.set_started(5_000)
    names = ("intact", "caught_up_timestamp_seconds", "verified_timestamp_seconds")
    values = {name: metrics.registry.get_sample_value(f"hushtag_audit_{name}") for name in names}
    assert values == {"intact": 1, "caught_up_timestamp_seconds": 5, "verified_timestamp_seconds": 5}
    readiness = AuditReadiness(metrics.intact, lambda: metrics.caught_up, "waiting")
    assert readiness.problem() == "waiting"
    metrics.set_caught_up(6_000)
    assert readiness.problem() == ""


def test_publisher_raises_no_alert_at_start() -> None:
    metrics = PublishMetrics()
    metrics.set_started(5_000, ["w1"])
    value = metrics.registry.get_sample_value
    assert value("hushtag_audit_cosigned_timestamp_seconds", {"witness": "w1"}) == 5
    assert (value("hushtag_audit_published_timestamp_seconds"), value("hushtag_audit_publish_intact")) == (5, 1)
    metrics.set_published(9_000, 12)
    assert metrics.published and value("hushtag_audit_published_entries") == 12


def test_readiness_has_reason_before_metric_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = AuditMetrics()
    metrics.set_started(5_000)
    readiness, found = AuditReadiness(metrics.intact, lambda: True, ""), []
    monkeypatch.setattr(metrics.intact, "set", lambda value: found.append((value, readiness.problem())))
    readiness.mark_broken("entry 3: changed")
    assert found == [(0, "entry 3: changed")]
