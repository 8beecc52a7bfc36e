"""The model cache: models read from the topic, and models that cannot be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.log.models import revision_of
from streams.log.partials import encode_partial
from tests.support.judge_harness import SCORER, SUPPRESS, activation
from tests.support.judge_shell import append_counts, deliver, keep_policies, started
from tests.support.other_model import GOOD, OTHER, OWN, REVISION, cache_of, packed
from tests.support.shells import Shells, make_shells


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shells:
    made = make_shells(monkeypatch, at_once=True, policy=tmp_path / "policy.yaml", shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", made.topics.reader)
    return made


async def test_model_is_loaded_from_the_topic(shells: Shells) -> None:
    shells.topics.append("models", 0, OTHER, key=REVISION.encode())
    cache = cache_of(shells)
    assert await cache.scorer(OWN.revision) is OWN
    found = await cache.scorer(REVISION)
    assert found is not None and found.revision == REVISION
    assert found(b"\n").probabilities.tolist() == [[0.25] * (1 + len(OWN.categories))]
    assert await cache.scorer(REVISION) is found, "loaded only once"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (OTHER[: len(OTHER) // 2], "was altered"),
        (OTHER[:-1] + b"!", "was altered"),
        (GOOD, "was altered"),
    ],
    ids=["truncated", "a byte", "another one"],
)
async def test_altered_artefact_is_refused(shells: Shells, data: bytes, why: str) -> None:
    shells.topics.append("models", 0, data, key=REVISION.encode())
    errors: list[str] = []
    assert await cache_of(shells, errors=errors).scorer(REVISION) is None
    (error,) = errors
    assert why in error


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"features": "0" * 12}, "was trained on features"),
        ({"format": "hushtag-linear-9"}, "has format 'hushtag-linear-9'"),
        ({"scales": None}, "lacks scales"),
    ],
)
async def test_incompatible_artefact_is_refused_with_the_reason(
    shells: Shells, changes: dict[str, Any], why: str
) -> None:
    data = packed(**changes)
    shells.topics.append("models", 0, data, key=revision_of(data).encode())
    errors: list[str] = []
    cache = cache_of(shells, errors=errors)
    assert await cache.scorer(revision_of(data)) is None and await cache.exists(revision_of(data))
    (error,) = errors
    assert why in error


async def test_other_categories_are_refused(shells: Shells) -> None:
    shells.topics.append("models", 0, OTHER, key=REVISION.encode())
    errors: list[str] = []
    assert await cache_of(shells, SCORER, errors).scorer(REVISION) is None
    (error,) = errors
    assert "other categories need new topics" in error


async def test_missing_artefact_is_read_again_after_a_pause(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("streams.pipeline.model_cache.monotonic_seconds", lambda: now[0])
    cache = cache_of(shells)
    assert await cache.scorer(REVISION) is None and not await cache.exists(REVISION)
    shells.topics.append("models", 0, OTHER, key=REVISION.encode())
    assert await cache.scorer(REVISION) is None, "the topic is not read again at once"
    now[0] += 10
    assert await cache.scorer(REVISION) is not None


async def test_shard_without_its_model_suppresses_nothing(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_policies(monkeypatch)
    for revision, missing in ((SCORER.revision, 0.0), (REVISION, 1.0)):
        shells.topics.logs.clear()
        one = msgspec.structs.replace(activation(SUPPRESS), model_revision=revision)
        shells.topics.append("hashtag-partials", 0, encode_partial(one))
        append_counts(shells, 0, bad=20)
        append_counts(shells, 1, bad=1, settled=1)
        await deliver(shells, await started(shells))
        assert shells.context.metrics.registry.get_sample_value("hushtag_model_missing") == missing
        fault = shells.context.metrics.registry.get_sample_value("hushtag_scorer_fault", {"shard": "0"})
        assert fault == missing
        flags = [
            kept for kept in shells.topics.read("suppression-decisions", 0) if b'"suppress"' in (kept.value or b"")
        ]
        assert bool(flags) != bool(missing)
        assert shells.topics.read("hashtag-short-panes", 0), "counting continues"
    shells.context.executor.shutdown()
