"""Validation of manifests: it finds a wrong field of each kind of schema, so that its silence means something."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.manifests.render import OVERLAYS, Manifest, render, secrets
from tests.manifests.validate import problem_of

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay_is_valid(overlay: str) -> None:
    assert [problem for one in render(overlay) if (problem := problem_of(one))] == []


def test_examples_of_secrets_are_valid() -> None:
    assert [problem for one in secrets() if (problem := problem_of(one))] == []


def changed(kind: str, change: Change) -> Manifest:
    found = copy.deepcopy(next(one for one in render("large") if one["kind"] == kind))
    change(found["spec"])
    return found


CASES: list[tuple[str, Change]] = [
    ("StatefulSet", lambda spec: spec.update(podManagmentPolicy="Parallel")),
    ("StatefulSet", lambda spec: spec.update(replicas="two")),
    ("NetworkPolicy", lambda spec: spec.pop("podSelector") and spec.update(podSelectors={})),
    ("ServiceMonitor", lambda spec: spec["endpoints"][0].update(ports="metrics")),
    ("ServiceMonitor", lambda spec: spec.pop("selector")),
    ("PrometheusRule", lambda spec: spec["groups"][0]["rules"][0].update(label={"severity": "page"})),
    ("PrometheusRule", lambda spec: spec["groups"][0]["rules"][0].pop("expr")),
    ("ScaledObject", lambda spec: spec.update(maxReplicas=3)),
    ("ScaledObject", lambda spec: spec.update(maxReplicaCount="many")),
    ("ScaledObject", lambda spec: spec["advanced"]["horizontalPodAutoscalerConfig"].update(behaviour={})),
    ("ScaledObject", lambda spec: spec.pop("triggers")),
]


@pytest.mark.parametrize(("kind", "change"), CASES)
def test_wrong_field_is_found(kind: str, change: Change) -> None:
    assert problem_of(changed(kind, change)).startswith(f"{kind} hushtag")


def test_unknown_kind_is_found() -> None:
    assert problem_of({"apiVersion": "apps/v1", "kind": "StatefulSets", "metadata": {"name": "x"}})
