"""Names in PromQL queries, and the names of all metrics of all programs."""

from __future__ import annotations

import re

from moderation.access.observe import ApiMetrics
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.publiclog.metrics import AuditMetrics, PublishMetrics
from streams.metrics import Metrics, MetricSet, ShadowMetrics, sample_names

WORDS = {
    "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset", "inf",
    "nan",
}  # fmt: skip


def metric_sets() -> tuple[MetricSet, ...]:
    """Return the metrics of all programs."""
    return Metrics(), AuditMetrics(), PublishMetrics(), NotifyMetrics(), ApiMetrics(), ShadowMetrics()


def known_names() -> set[str]:
    """Return the names of all time series that a query may use."""
    return {"up"}.union(*(sample_names(one.registry) for one in metric_sets()))


def names_in(query: str) -> tuple[set[str], set[str]]:
    """Collect metric names and label names of a PromQL expression."""
    query = re.sub(r'"[^"]*"', '""', query)
    labels: set[str] = set()
    for matcher in re.findall(r"\{([^}]*)\}", query):
        labels |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matcher))
    for listed in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", query):
        labels |= {label.strip() for label in listed.split(",")} - {""}
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", query)
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    names = {name for name in re.findall(r"(?<![\w.])[a-zA-Z_:]\w*(?!\w)(?!\s*\()", bare) if name not in WORDS}
    return names, labels
