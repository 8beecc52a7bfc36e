"""Metrics of a client for Prometheus; needs the extra `metrics`.

The client counts without Prometheus; a collector reads its counts when it is scraped. Only lookups cost something: each
check then passes one more function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hushtag_client.answers import Answers


class ClientMetrics(Collector):
    """Metrics of one client: lookups, fallbacks, unknown values and ages, registered with a registry.

    Args:
        client: the client, whose `check` counts from now on.
        registry: registry to register with; None: leave it to the caller.
        labels: labels of every metric, to tell several clients of a process apart.
    """

    def __init__(
        self, client: Answers, registry: CollectorRegistry | None = REGISTRY, labels: dict[str, str] | None = None
    ) -> None:
        self._client = client
        self._names, self._values = list(labels or {}), list((labels or {}).values())
        self._lookups = 0
        self._check = client.check
        client.check = self._counted  # type: ignore[method-assign]
        if registry is not None:
            registry.register(self)

    def _counted(self, hashtag: str, surface: str, country: str | None = None) -> Any:
        self._lookups += 1
        return self._check(hashtag, surface, country)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering asks no client."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the client's state."""
        status = self._client.status()
        yield self._counter("lookups", "Checks", {"": self._lookups}, None)
        yield self._counter("fallbacks", "Checks answered by a surface's fallback", status.fallbacks, "why")
        yield self._counter("unknown", "Checks of an unknown surface or country", status.unknown, "warning")
        yield self._gauge("registers", "Registers of the replica", status.registers)
        yield self._gauge("fresh", "1 if every answer comes from current flags", int(status.fresh))
        now_ms = self._client._now_ms()
        if status.seen_ms:
            age = max(0, now_ms - status.seen_ms) / 1000
            yield self._gauge("seen_age_seconds", "Time since Redis last answered a poll", age)
        if status.oldest_settled_ms:
            age = max(0, now_ms - status.oldest_settled_ms) / 1000
            yield self._gauge("settled_age_seconds", "Age of the oldest watermark of a shard", age)

    def _counter(self, name: str, about: str, counts: Any, label: str | None) -> Metric:
        family = CounterMetricFamily(
            f"hushtag_client_{name}", about, labels=[*self._names, *([label] if label else [])]
        )
        for value, count in counts.items():
            family.add_metric([*self._values, *([value] if label else [])], count)
        return family

    def _gauge(self, name: str, about: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"hushtag_client_{name}", about, labels=self._names)
        family.add_metric(self._values, value)
        return family
