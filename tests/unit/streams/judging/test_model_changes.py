"""A change of the model at a tick: every judge switches at the same pane, and one without the model hides nothing."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import numpy as np
import pytest

from models.share import Scale
from streams.constants import PANE_MS
from streams.judging.circuit_breakers import NO_MODEL
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.log.lines import read_lines
from streams.policy.activation import Activation
from streams.replay import Replay
from streams.scoring import TextScorer, score_batches
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.judge_harness import HASHES, SCORER, SUPPRESS, JudgeHarness, activation
from tests.support.word_policy import POLICY, WordScorer, make_policy, random_log

T = TypeVar("T")
FEWER = "0123456789ab"
"""Revision of a model that is not loaded."""


class Contrary(WordScorer):
    """Scorer with the opposite scores of `WordScorer`."""

    revision = "c" * 12

    def score(self, texts):
        return 1 - super().score(texts)


CONTRARY = TextScorer(Contrary())


def switched(revision: str, from_tick_ms: int) -> Activation:
    return msgspec.structs.replace(activation(SUPPRESS, 1, from_tick_ms), model_revision=revision)


def apply(harness: JudgeHarness, one: Activation) -> None:
    harness.offset += 1
    harness.judge.apply(harness.offset, one)


def settle(harness: JudgeHarness, scorers: dict[str, TextScorer]) -> list[str]:
    """Settle the due ticks; return the models that scored their panes."""
    by = []
    while (job := harness.judge.next_tick()) is not None:
        by += [model for model, texts, _ in [job.texts.batch] if texts]
        harness.settled.append(harness.judge.settle(job, score_batches([job.texts.batch], scorers.get, 2)))
        harness.decisions += harness.settled[-1].decisions
    return by


def write(harness: JudgeHarness, pane: int, *, bad: int = 0, good: int = 0, watermark_ms: int = 0) -> None:
    """Append records of both sources, without settling or judging early."""
    entries = []
    for text in ["bad"] * bad + ["good"] * good:
        harness._author += 1
        entries.append(
            Entry(int(HASHES.authors([harness._author])[0]), harness._author, 100, 0, "", f"{text} {harness._author}")
        )
    for source in (0, 1):
        harness.offset += 1
        harness._blocks[source] += 1
        registers = [BlockCount("a", "", pane, len(entries), entries, harness._blocks[source])] if not source else []
        harness.judge.apply(
            harness.offset,
            flush(registers, source=source, sources=2, block=harness._blocks[source], watermark_ms=watermark_ms),
        )


BOTH = {SCORER.revision: SCORER, CONTRARY.revision: CONTRARY}


def test_pane_is_scored_by_the_model_at_its_start():
    harness = JudgeHarness()
    apply(harness, switched(CONTRARY.revision, 2 * PANE_MS))
    for pane in range(4):
        write(harness, pane, bad=4)
    write(harness, 4, watermark_ms=4 * PANE_MS)
    assert settle(harness, BOTH) == [SCORER.revision, SCORER.revision, CONTRARY.revision, CONTRARY.revision]
    shares = [one.evidence.tables[30_000].everyone.share[0, 0] for one in harness.settled if one.evidence]
    assert shares == pytest.approx([0.875, 0.875, (8 * 0.875 + 4 * 0.125) / 12, (4 * 0.875 + 8 * 0.125) / 12])
    assert [one.evidence.conditions.model_revision for one in harness.settled if one.evidence] == [
        SCORER.revision, CONTRARY.revision, CONTRARY.revision, CONTRARY.revision
    ]  # fmt: skip


def test_shares_use_the_scale_of_the_active_model():
    scale = Scale(np.tile([0.25, 0.75, 0.01, 0.01], (1, 2, 1)), np.zeros((1, 2, 3)))
    state = ShardState(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        scale_of={CONTRARY.revision: scale}.get,
    )  # fmt: skip
    harness = JudgeHarness(judge=ShardJudge(state))
    apply(harness, switched(CONTRARY.revision, 2 * PANE_MS))
    for pane in range(2):
        write(harness, pane, bad=4)
    write(harness, 2, watermark_ms=2 * PANE_MS)
    settle(harness, BOTH)
    tables = [one.evidence.tables[30_000] for one in harness.settled if one.evidence]
    assert [one.everyone.estimates()[0, 0] for one in tables] == pytest.approx([0.875, 1.0])
    assert [one.evidence.conditions.scale for one in harness.settled if one.evidence] == [b"", scale.to_bytes()]


def test_model_change_rebuilds_long_window_within_a_minute():
    """The next owner has no table of the last whole minute and makes one, so the present owner must drop its own."""
    scale = Scale(np.tile([0.25, 0.75, 0.01, 0.01], (1, 2, 1)), np.zeros((1, 2, 3)))
    policy = make_policy(POLICY.replace("[2m]", "[30s, 16m]"))
    state = ShardState(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        scale_of={CONTRARY.revision: scale}.get,
    )  # fmt: skip
    harness = JudgeHarness(policy, judge=ShardJudge(state))
    apply(harness, msgspec.structs.replace(activation(policy, 1, 80_000), model_revision=CONTRARY.revision))
    write(harness, 0, bad=4)
    write(harness, 9, watermark_ms=9 * PANE_MS)
    settle(harness, BOTH)
    tables = {one.tick_ms: one.evidence.tables for one in harness.settled if one.evidence}
    assert 960_000 not in tables[70_000], "the table of the last whole minute is unchanged"
    assert tables[80_000][960_000].everyone.estimates()[0, 0] == 1.0
    assert 960_000 not in tables[90_000]


@pytest.mark.parametrize("there", [True, False])
def test_first_tick_of_an_unloaded_model_suppresses_nothing(there):
    """The pane of that tick was scored by the previous model, which is loaded."""
    state = ShardState(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        is_loaded=lambda revision: there or revision == SCORER.revision,
    )  # fmt: skip
    harness = JudgeHarness(judge=ShardJudge(state))
    apply(harness, switched(CONTRARY.revision, PANE_MS))
    write(harness, 0, bad=20)
    write(harness, 1, watermark_ms=PANE_MS)
    assert settle(harness, BOTH) == [SCORER.revision]
    assert bool(harness.decisions) is there


def test_model_loaded_during_a_tick_counts_with_its_scale():
    """Another shard's task loads it between the two questions of a tick: it counts as missing, or has its scale."""
    scale = Scale(np.tile([0.25, 0.75, 0.01, 0.01], (1, 2, 1)), np.zeros((1, 2, 3)))
    loaded: dict[str, Scale] = {}

    def answer(found: T, revision: str) -> T:
        if revision == CONTRARY.revision:
            loaded[revision] = scale
        return found

    state = ShardState(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        scale_of=lambda revision: answer(loaded.get(revision), revision),
        is_loaded=lambda revision: answer(revision == SCORER.revision or revision in loaded, revision),
    )  # fmt: skip
    harness = JudgeHarness(judge=ShardJudge(state))
    apply(harness, switched(CONTRARY.revision, PANE_MS))
    write(harness, 0, bad=20)
    write(harness, 1, watermark_ms=PANE_MS)
    settle(harness, BOTH)
    assert harness.decisions == [], "the shares of that tick are not those of the scale"


def test_early_scores_of_the_previous_model_are_replaced():
    """The activation arrives after an early decision on a pane of the new model."""
    harness = JudgeHarness()
    harness.advance(PANE_MS)
    assert harness.count(1, bad=20), "suppressed early"
    apply(harness, switched(CONTRARY.revision, PANE_MS))
    write(harness, 2, watermark_ms=2 * PANE_MS)
    assert settle(harness, BOTH) == [CONTRARY.revision]
    evidence = harness.settled[-1].evidence
    assert evidence is not None and evidence.tables[30_000].everyone.share[0, 0] == 0.125
    assert harness.settled[-1].changes.withdrawn == 1


def test_early_firing_over_two_models_scores_by_each():
    harness = JudgeHarness()
    apply(harness, switched(CONTRARY.revision, 2 * PANE_MS))
    write(harness, 0, watermark_ms=PANE_MS)
    settle(harness, BOTH)
    write(harness, 1, bad=10, watermark_ms=PANE_MS)
    write(harness, 2, good=10, watermark_ms=PANE_MS)
    look = harness.judge.next_early()
    assert look is not None
    assert [(model, texts.count(b"\n")) for model, texts, _ in look.batches] == [
        (SCORER.revision, 10), (CONTRARY.revision, 10)
    ]  # fmt: skip
    (early,) = harness.judge.decide_early(look, score_batches(look.batches, BOTH.get, 2))
    assert early.model_revision == CONTRARY.revision and early.rulings[0].evidence is not None
    assert early.rulings[0].evidence.share == 0.875


def test_judge_without_its_model_suppresses_and_clears_nothing():
    harness = JudgeHarness()
    write(harness, 0, bad=20, watermark_ms=PANE_MS)
    settle(harness, BOTH)
    assert [one.rulings[0].action for one in harness.decisions] == ["suppress"]
    apply(harness, switched(FEWER, PANE_MS))
    for pane in range(1, 4):
        write(harness, pane, good=60, watermark_ms=(pane + 1) * PANE_MS)
        settle(harness, BOTH)
    assert len(harness.decisions) == 1, "neither cleared nor renewed"
    assert {one.changes.scorer_fault for one in harness.settled[1:]} == {NO_MODEL}
    write(harness, 4, bad=60, watermark_ms=4 * PANE_MS)
    look = harness.judge.next_early()
    assert look is None or not harness.judge.decide_early(look, score_batches(look.batches, lambda _: None, 2)), (
        "no early decision either"
    )
    for pane in range(4, 9):
        write(harness, pane, bad=20, watermark_ms=(pane + 1) * PANE_MS)
        settle(harness, BOTH)
    assert [one.rulings[0].action for one in harness.decisions] == ["suppress", "clear"], "the flag has expired"


def test_replay_changes_the_model_at_the_same_tick():
    lines = random_log(3)
    policy = make_policy(POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 4}"))
    start_ms = int(str(lines[0]["log_time_ms"]))
    switch = Activation(policy.revision, 5, (start_ms // PANE_MS + 12) * PANE_MS, policy.canonical, CONTRARY.revision)
    seen: dict[int, str] = {}
    for models in ([CONTRARY], []):
        replay = Replay(
            range(3), policy, SCORER, shards=2, activations=[switch], models=models,
            keep_evidence=lambda record: seen.__setitem__(record.tick_ms, record.conditions.model_revision),
        )  # fmt: skip
        emitted = list(replay.run(read_lines(msgspec.json.encode(line) for line in lines)))
        assert emitted
        assert {model for tick_ms, model in seen.items() if tick_ms < switch.from_tick_ms} == {SCORER.revision}
        assert {model for tick_ms, model in seen.items() if tick_ms >= switch.from_tick_ms} == {CONTRARY.revision}
        begun = [
            one.tick_ms
            for one in emitted
            if hasattr(one, "rulings") and any(ruling.since_ms > switch.from_tick_ms + PANE_MS and
                                              ruling.action == "suppress" for ruling in one.rulings)
        ]  # fmt: skip
        assert bool(begun) == bool(models), "without the model nothing is suppressed"
