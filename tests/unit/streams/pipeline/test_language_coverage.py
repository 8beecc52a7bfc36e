"""Texts by language over Kafka in memory: published before their progress, and counted on by the next owner."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from streams.constants import PANE_MS
from streams.log.decisions import DecisionRecord, LanguageCoverage, LanguageTexts, Progress, decode_record
from streams.log.partials import encode_partial
from streams.pipeline.judge_partition import JudgePartition
from streams.windows.open_pane import Scores, TextBatch
from tests.support.judge_harness import SCORER, SUPPRESS, activation
from tests.support.judge_shell import DECISIONS, FIRST_PANE, PARTIALS, append_counts, deliver, keep_policies, started
from tests.support.shells import Shells, make_shells

HOUR_PANES = 3
FIRST = -FIRST_PANE % HOUR_PANES
"""First pane of the first whole hour in the log."""


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shells]:
    made = make_shells(monkeypatch)
    keep_policies(monkeypatch)
    monkeypatch.setattr("streams.judging.language_coverage.HOUR_MS", HOUR_PANES * PANE_MS)
    yield made
    made.context.executor.shutdown()


def written(shells: Shells) -> list[DecisionRecord]:
    return [decode_record(one.value or b"") for one in shells.topics.read(DECISIONS, 0)]


def hours(shells: Shells) -> list[LanguageCoverage]:
    return [one for one in written(shells) if isinstance(one, LanguageCoverage)]


async def judge_from(shells: Shells, committed: int | None) -> JudgePartition:
    partition = await started(shells, committed=committed)
    await deliver(shells, partition, committed or 0)
    return partition


async def test_hour_precedes_its_progress_and_is_not_repeated(shells: Shells) -> None:
    shells.sender.at_once = True
    shells.topics.append(PARTIALS, 0, encode_partial(activation(SUPPRESS)))
    append_counts(shells, FIRST, bad=20)
    append_counts(shells, FIRST + 1, bad=10, settled=FIRST + 1)
    first = await judge_from(shells, None)
    assert hours(shells) == [], "the hour has not ended"
    append_counts(shells, FIRST + 3, bad=4, settled=FIRST + 3)
    second = await judge_from(shells, first.replay_point)
    start_ms = (FIRST_PANE + FIRST) * PANE_MS
    [hour] = hours(shells)
    assert hour == LanguageCoverage(
        shard=0, from_ms=start_ms, to_ms=start_ms + HOUR_PANES * PANE_MS, languages=(LanguageTexts("und", 30, 30),)
    )  # fmt: skip
    kept = written(shells)
    later = [one for one in kept[: kept.index(hour)] if isinstance(one, Progress) and one.settled_ms >= hour.to_ms]
    assert later == [] and isinstance(kept[-1], Progress) and kept[-1].settled_ms >= hour.to_ms
    append_counts(shells, FIRST + 4, bad=1, settled=FIRST + 4)
    await judge_from(shells, second.replay_point)
    assert hours(shells) == [hour]
    assert shells.crashed == []


async def test_scores_are_counted_by_language(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Scores(np.array([[0.5], [np.nan], [0.1]], np.float32), np.ones(3, np.uint32), np.array([2, 3, 2], np.uint8))
    monkeypatch.setattr("streams.pipeline.context.score_batches", lambda *_: found)
    await shells.context.score([TextBatch(SCORER.revision, b"a\nb\nc\n", np.zeros(3, np.uint8))])
    (family,) = shells.context.metrics.texts_by_language.collect()
    counted = {(one.labels["language"], one.labels["read"]): one.value for one in family.samples}
    assert counted == {("und", "true"): 2, ("und", "false"): 1}, "this scorer has no scale"
