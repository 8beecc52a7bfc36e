"""Warnings of unknown surfaces and countries, of a short max_staleness, and the metrics that count them."""

from __future__ import annotations

import logging

import pytest
from hushtag_client import Answers, MemoryFlagsClient, MemoryServer, Register
from hushtag_client.answers import SETTLING_SECONDS
from hushtag_client.metrics import ClientMetrics
from prometheus_client import CollectorRegistry

NOW_MS = 1_800_000_000_000


def naming(*surfaces: str) -> tuple[MemoryServer, MemoryFlagsClient]:
    server = MemoryServer()
    hidden = Register(version="1", action="suppress", hashtag="bad", surface="trend", expires_at_ms=NOW_MS + 60_000)
    server.seed([hidden], settled_ms=NOW_MS)
    server.beat({0: NOW_MS}, NOW_MS, 1, None, {0: surfaces})
    return server, MemoryFlagsClient(server, clock=lambda: NOW_MS)


def test_unknown_value_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    _, client = naming("search", "trends")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert client.check("tag", "tredns", "IN").warning == "unknown_surface"
            assert client.check("tag", "trends", "ZZ").warning == "unknown_country"
            assert client.check("tag", "trends", "IN").warning is None
    assert [record.getMessage() for record in caplog.records] == [
        "unknown surface 'tredns': no flag may apply to it; known: search, trends",
        "unknown country 'ZZ': no flag may apply to it",
    ]
    assert client.status().unknown == {"unknown_surface": 3, "unknown_country": 3}
    assert client.status().surfaces == ("search", "trends")


def test_warning_starts_and_ends_with_the_named_surfaces() -> None:
    server, client = naming()
    assert client.check("bad", "trend").warning is None, "no heartbeat names surfaces"
    server.beat({0: NOW_MS}, NOW_MS, 1, None, {0: ("trends",)})
    answer = client.check("bad", "trend")
    assert (answer.warning, answer.shown, answer.why) == ("unknown_surface", False, "flagged"), "the rules stay"
    server.beat({0: NOW_MS}, NOW_MS, 1, None, {0: ("trend",)})
    assert client.check("bad", "trend").warning is None


def test_visibility_counts_unknown_country() -> None:
    _, client = naming("trends")
    assert client.account_visibility(7, "ZZ") == "visible"
    assert (client.warning("account", "ZZ"), client.warning("account", "IN")) == ("unknown_country", None)
    assert client.status().unknown["unknown_country"] == 1


def test_logged_values_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    client = Answers(clock=lambda: NOW_MS)
    with caplog.at_level(logging.WARNING):
        for number in range(1_200):
            client.check("tag", f"surface {number}", f"country {number}")
    assert len(caplog.records) == 1_000
    assert client.status().unknown["unknown_country"] == 1_200
    assert client.check("tag", "trends", []).why == "unavailable"  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "lines"), [(SETTLING_SECONDS - 0.001, 1), (SETTLING_SECONDS, 0)])
def test_max_staleness_below_settling_is_reported(seconds: float, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Answers(max_staleness_seconds=seconds)
    assert len(caplog.records) == lines
    assert all("healthy pipeline" in record.getMessage() for record in caplog.records)


def test_metrics_count_lookups_fallbacks_and_ages() -> None:
    server, now_ms = MemoryServer(), [NOW_MS]
    client, registry = MemoryFlagsClient(server, clock=lambda: now_ms[0]), CollectorRegistry()
    ClientMetrics(client, registry, labels={"service": "feed"})

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"hushtag_client_{name}", {"service": "feed"} | labels)

    server.away = True
    client.check("tag", "trends")
    assert (value("fallbacks_total", why="unavailable"), value("seen_age_seconds")) == (1, None)
    server.away = False
    server.seed([], settled_ms=NOW_MS)
    client.check("tag", "trends", "ZZ")
    server.away, now_ms[0] = True, NOW_MS + 120_000
    client.check_many(["a", "b"], "trends")
    assert (value("lookups_total"), value("fallbacks_total", why="stale")) == (4, 2)
    assert (value("unknown_total", warning="unknown_country"), value("fresh")) == (1, 0)
    assert (value("seen_age_seconds"), value("settled_age_seconds")) == (120, 120)
