"""Metrics: names by convention, labels from closed sets, separate registries."""

from __future__ import annotations

import re

from prometheus_client import generate_latest

from moderation.publiclog.metrics import AuditMetrics
from streams.metrics import FLAG_BUCKETS_SECONDS, MOST_ORDER_CLOCKS, Metrics


def ours(metrics: Metrics | AuditMetrics) -> list[tuple[str, str, str]]:
    return [
        (family.name, family.type, family.documentation)
        for family in metrics.registry.collect()
        if family.name.startswith("hushtag_")
    ]


def test_names_and_help_texts_follow_conventions() -> None:
    for name, kind, documentation in ours(Metrics()) + ours(AuditMetrics()):
        assert re.fullmatch(r"hushtag_[a-z_]+", name)
        assert documentation.endswith("."), name
        assert not re.search(r"(_ms|_millis|_minutes|_kb|_mb)\b", name), name
        if kind == "histogram":
            assert name.endswith("_seconds"), name


def test_labels_come_from_a_closed_set() -> None:
    allowed = {
        "reason",
        "kind",
        "partition",
        "shard",
        "category",
        "surface",
        "country",
        "action",
        "provisional",
        "result",
        "valve",
        "topic",
        "pane",
        "stage",
        "prefix",
        "order",  # bounded by MOST_ORDER_CLOCKS
        "language",  # a storage group of the model
        "read",
    }
    labels = {
        label
        for collector in [*vars(Metrics()).values(), *vars(AuditMetrics()).values()]
        if hasattr(collector, "_labelnames")
        for label in collector._labelnames
    }
    assert labels <= allowed


def test_texts_are_counted_by_language_and_whether_read() -> None:
    metrics = Metrics()
    metrics.count_texts("en", read=5, unread=0)
    metrics.count_texts("ta", read=0, unread=3)
    (family,) = metrics.texts_by_language.collect()
    found = {(one.labels["language"], one.labels["read"]): one.value for one in family.samples}
    assert found == {("en", "true"): 5, ("ta", "false"): 3}
    (scored,) = metrics.scored_texts.collect()
    assert scored.samples[0].value == 5


def test_metrics_are_exposed_with_their_labels() -> None:
    metrics = Metrics()
    metrics.tweets.inc(3)
    metrics.dead_letters.labels(reason="not_json").inc()
    metrics.settled_seconds.labels(shard="3").set(1_700_000_000.5)
    metrics.decisions.labels(
        category="abuse", surface="trends", country="*", action="suppress", provisional="true"
    ).inc()
    metrics.event_to_flag_seconds.observe(0.4)
    metrics.set_revisions(policy="0123456789ab", model="")
    text = generate_latest(metrics.registry).decode()
    assert "hushtag_tweets_total 3.0\n" in text
    assert 'hushtag_dead_letters_total{reason="not_json"} 1.0\n' in text
    assert 'hushtag_settled_tick_timestamp_seconds{shard="3"} 1.7000000005e+09\n' in text
    assert 'hushtag_policy_info{revision="0123456789ab"} 1.0\n' in text
    assert 'hushtag_event_to_flag_seconds_bucket{le="0.5"} 1.0\n' in text
    assert "_created" not in text
    exposed = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert exposed <= metrics.sample_names()


def test_counters_of_closed_sets_begin_at_zero() -> None:
    registry = Metrics().registry
    for name, label, value in (
        ("hushtag_gaps_total", "kind", "retention"),
        ("hushtag_valve_reviews_total", "valve", "new_suppressions_per_hour"),
        ("hushtag_valve_reviews_total", "valve", "suppressed_share_of_top"),
        ("hushtag_corrections_refused_total", "reason", "bad_correction"),
        ("hushtag_given_up_tweets_total", "pane", "10s"),
        ("hushtag_flag_writes_total", "result", "refused"),
    ):
        assert registry.get_sample_value(name, {label: value}) == 0, f"increase() misses the first event of {name}"


def test_deployment_exposes_its_stages_and_shards() -> None:
    metrics = Metrics()
    metrics.set_deployment("eu.", ("ingest", "judge"), 8)
    value = metrics.registry.get_sample_value
    assert value("hushtag_shards", {"prefix": "eu."}) == 8
    assert [value("hushtag_stage", {"stage": name}) for name in ("ingest", "judge", "publish")] == [1, 1, None]


def test_removed_shard_has_no_gauges() -> None:
    metrics = Metrics()
    metrics.settled_seconds.labels(shard="3").set(1)
    metrics.open_panes.labels(shard="3").set(1)
    metrics.open_panes.labels(shard="4").set(1)
    metrics.remove_shard(3)
    metrics.remove_shard(3)
    text = generate_latest(metrics.registry).decode()
    assert 'shard="3"' not in text
    assert 'hushtag_open_panes{shard="4"} 1.0' in text
    metrics.lag_seconds.labels(partition="0").set(2)
    metrics.remove_source(0)
    assert "hushtag_source_lag_seconds{" not in generate_latest(metrics.registry).decode()


def test_two_metric_sets_do_not_collide() -> None:
    first, second = Metrics(), Metrics()
    first.tweets.inc()
    assert "hushtag_tweets_total 0.0" in generate_latest(second.registry).decode()


def test_latency_buckets_cover_the_promised_second() -> None:
    assert (FLAG_BUCKETS_SECONDS[0], FLAG_BUCKETS_SECONDS[-1]) == (0.05, 60.0)
    assert 1.0 in FLAG_BUCKETS_SECONDS
    assert list(FLAG_BUCKETS_SECONDS) == sorted(FLAG_BUCKETS_SECONDS)


def test_order_clocks_follow_open_orders() -> None:
    metrics = Metrics()

    def open_orders(country: str) -> float | None:
        return metrics.registry.get_sample_value("hushtag_orders_open", {"country": country})

    def deadline(order: str) -> float | None:
        found = {"order": order, "country": order[:2]}
        return metrics.registry.get_sample_value("hushtag_order_deadline_seconds", found)

    metrics.set_order_clocks([("IN-1", "IN", -5.0), ("IN-2", "IN", 5.0), ("FR-1", "FR", 60.0), ("DE-1", "DE", 70.0)])
    assert [deadline(order) for order in ("IN-1", "IN-2", "FR-1", "DE-1")] == [-5, 5, 60, 70]
    assert [open_orders(country) for country in ("IN", "FR", "DE")] == [2, 1, 1]
    metrics.set_order_clocks([("IN-2", "IN", 4.0), ("FR-1", "FR", 59.0)])
    assert [deadline(order) for order in ("IN-1", "IN-2", "FR-1", "DE-1")] == [None, 4, 59, None]
    assert [open_orders(country) for country in ("IN", "FR", "DE")] == [1, 1, None]


def test_order_clocks_are_bounded_and_keep_nearest() -> None:
    metrics = Metrics()
    clocks = [(f"IN-{number}", "IN", float(number)) for number in range(MOST_ORDER_CLOCKS + 5)]
    metrics.set_order_clocks(clocks)
    series = next(iter(metrics.order_deadline_seconds.collect())).samples
    assert {sample.labels["order"] for sample in series} == {order for order, _, _ in clocks[:MOST_ORDER_CLOCKS]}
    assert metrics.registry.get_sample_value("hushtag_orders_open", {"country": "IN"}) == MOST_ORDER_CLOCKS + 5
