"""Workers that are killed, paused, or read and send twice: settled results equal the reference.

`SEEDS=400 pytest tests/simulation/test_restarts.py` runs more seeds; `FIRST=` sets the first one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from msgspec.structs import replace

from streams.counting.ingest import SourcePartition
from streams.counting.kernels.admission import COUNT_FROM
from streams.counting.records import RecordColumns
from streams.counting.sketch import KeyedHash
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_decisions import ShardDecisions
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.side_inputs import corrections
from streams.judging.side_inputs.account_facts_view import AccountFactsView
from streams.judging.side_inputs.corrections import CorrectionIndex
from streams.log.corrections import are_corrections
from streams.log.decisions import ScopeDecision
from streams.log.retractions import are_retractions
from streams.windows.open_pane import OpenPane
from streams.windows.open_panes import OpenPanes
from streams.windows.window_store import WindowSpan
from tests.support.restart_oracle import (
    Reference,
    assert_noticed,
    failure_message,
    few_policies,
    policies,
    problems,
)
from tests.support.settled_history import SettledHistory
from tests.support.simulated import SimulatedPipeline
from tests.support.simulated_people import random_moderation
from tests.support.simulated_sizes import BLOCK, LONG, SHORT, Span, small_units
from tests.support.simulated_words import WordModel, score_a_part

pytestmark = pytest.mark.simulation


def simulate(seed: int, **options: Any) -> list[str]:
    """Run one history and list its problems."""
    with small_units():
        return problems(SimulatedPipeline(seed, few_policies(seed % 60), **options).run())


def simulate_people(seed: int, span: Span = SHORT) -> tuple[SimulatedPipeline, list[str]]:
    """Run a history with withheld, suspended and protected accounts and list its problems."""
    with small_units():
        moderation = random_moderation(random.Random(seed), span)
        made = few_policies(seed % 60) if span is SHORT else policies(random.Random(seed))
        world = SimulatedPipeline(seed, made, moderation=moderation, span=span).run()
        return world, problems(world)


REPEATS = ("a repeated pane record differs", "a repeated hour differs", "equal versions, other content")


def test_settled_results_equal_reference(seed):
    found = simulate(seed)
    assert not found, failure_message(seed, found)


def test_long_histories_equal_reference(seed):
    """Run a three-minute history with minute windows, so that measures begin, are revoked and expire."""
    _, found = simulate_people(seed, span=LONG)
    assert not found, failure_message(seed, found)


def test_results_are_independent_of_early_firings(seed):
    found = simulate(seed, timely="some")
    assert not found, failure_message(seed, found)


def test_results_with_account_facts_equal_reference(seed):
    _, found = simulate_people(seed)
    assert not found, failure_message(seed, found)


def test_results_with_stage_2_equal_reference(seed):
    """History with stage 2 records that are repeated, late, reordered, contradictory, or of another model."""
    found = simulate(seed, stage_2=True)
    assert not found, failure_message(seed, found)


def test_results_with_unread_texts_equal_reference(seed, monkeypatch):
    monkeypatch.setattr(WordModel, "score", score_a_part)
    _, found = simulate_people(seed)
    assert not found, failure_message(seed, found)


def test_results_with_skipped_records_equal_reference(seed):
    """History in which shards stop, renew their flags and go on; the replay pauses at the same ticks."""
    found = simulate(seed, torn=2)
    assert not found, failure_message(seed, found)


@pytest.mark.long
def test_stage_2_changes_decisions():
    """Check that the histories above contain the cases that they test."""
    changed = 0
    for seed in range(20):
        with small_units():
            world = SimulatedPipeline(seed, few_policies(seed % 60), stage_2=True).run()
            changed += Reference(world).history != Reference(world, stage_2=False).history
    assert changed >= 7


def outcomes(past: SettledHistory) -> Counter[str]:
    """Count what attacked hashtags of a history went through."""
    seen: Counter[str] = Counter()
    for of_key in past.values():
        before: dict[tuple[str, str], ScopeDecision] = {}
        for tick_ms, rulings in of_key:
            now = {(one.category, one.surface): one for one in rulings}
            for scope, one in now.items():
                was = before.get(scope)
                same = was is not None and was.since_ms == one.since_ms
                seen["discounted"] += one.action == "discount" and not same
                seen["other weight"] += was is not None and same and was.weight != one.weight
                seen["hidden without established authors"] += one.without and not same
                seen["confirmed by them"] += was is not None and same and was.without and not one.without
                seen["of innocent past"] += one.valve == "innocent_past" and not same
                if was is not None:
                    seen[f"from {was.action} to {one.action}"] += was.action != one.action
            for scope, was in before.items():
                early = scope not in now and tick_ms < was.expires_at_ms
                below = was.below_since_ms > 0
                rested = tick_ms - was.since_ms >= 20_000
                seen["ended at once"] += early and was.without and not below and not rested
                seen["ended after a time"] += early and below
            before = now
    return +seen


@pytest.mark.long
def test_histories_contain_attacks():
    """Check that the histories above contain the cases that they test."""
    found: Counter[str] = Counter()
    for seed in range(100):
        with small_units():
            world = SimulatedPipeline(seed, few_policies(seed % 60), harm=0).run()
            found.update(outcomes(Reference(world).history).keys())
    assert found["discounted"] > 40 and found["other weight"] > 20, found
    for rare in (
        "hidden without established authors", "confirmed by them", "of innocent past", "ended at once",
        "ended after a time", "from suppress to discount", "from discount to suppress",
    ):  # fmt: skip
        assert found[rare] > 1, (rare, found)


def test_results_during_rolling_upgrade_equal_reference(seed):
    """History of an upgrade and rollback: each ingest run has the rules of one of two versions."""
    found = simulate(seed, rules=(1, 2))
    assert not found, failure_message(seed, found)


def test_repeated_records_are_equal_during_rolling_upgrade(seed):
    """Without a reference, compare the records of a new owner with those of the killed one."""
    found = [one for one in simulate(seed, rules=(1, 2), other_grammar=(2,)) if one.startswith(REPEATS)]
    assert not found, failure_message(seed, found)


def test_history_without_failures_has_no_problems():
    assert not simulate(0, harm=0)


def recovering(change: Callable[[RecoveredState], object]) -> Any:
    """Let judges recover from a changed state."""
    real = ShardState.recover

    def recover(state: ShardState, recovered: RecoveredState) -> None:
        change(recovered)
        real(state, recovered)

    return patch.object(ShardState, "recover", recover)


def without(**fields: Any) -> Any:
    """Let judges recover without some fields of the state."""
    return recovering(lambda state: [setattr(state, name, value) for name, value in fields.items()])


def without_records(kind: Callable[[bytes], bool]) -> Any:
    """Let judges recover without the side records of one kind."""
    return recovering(lambda state: [state.side_records.remove(one) for one in [*state.side_records] if kind(one)])


def forgetting_of_decisions(**fields: Any) -> Any:
    """Let judges recover from decisions with other fields."""

    def change(state: RecoveredState) -> None:
        state.decisions = [
            replace(one, rulings=tuple(replace(ruling, **fields) for ruling in one.rulings)) for one in state.decisions
        ]

    return recovering(change)


def committing_the_position() -> Any:
    real = ShardJudge.settle

    def settle(judge: ShardJudge, *job: Any) -> Any:
        settled = real(judge, *job)
        settled.progress = replace(settled.progress, replay_offset=settled.progress.position + 1)
        return settled

    return patch.object(ShardJudge, "settle", settle)


def reading_no_ids_back() -> Any:
    """Let ingest skip the records before its replay point."""
    read = SourcePartition.read

    def read_counted(core: SourcePartition, records: Any) -> None:
        read(core, RecordColumns.of(records).since(int(core._limits[COUNT_FROM])))

    return patch.object(SourcePartition, "read", read_counted)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda: without(decisions=[]), id="read decisions"),
        pytest.param(lambda: without(panes=[], rollups=[]), id="read panes"),
        pytest.param(lambda: without_records(are_retractions), id="read retractions"),
        pytest.param(lambda: forgetting(texts=(), texts_from_ms=-1), id="read the texts of the hour"),
        pytest.param(lambda: patch.object(OpenPanes, "blocks", lambda panes: {}), id="know the open blocks"),
        pytest.param(committing_the_position, id="replay what had not settled"),
        pytest.param(lambda: patch.object(OpenPane, "void", lambda *_: None), id="absolute counts"),
        pytest.param(
            lambda: patch.object(
                SourcePartition, "replay_point", property(lambda core: -(-core.next_offset // BLOCK) * BLOCK)
            ),
            id="replay the open block",
        ),
        pytest.param(reading_no_ids_back, id="read ids back"),
        pytest.param(
            lambda: patch.object(ShardDecisions, "_answer_early", lambda *_: False), id="answer early rulings"
        ),
        pytest.param(
            lambda: patch.object(KeyedHash, "names", lambda _, names: np.arange(len(names))), id="give up by hash"
        ),
        pytest.param(
            lambda: patch.object(
                OpenPanes,
                "watermark_ms",
                property(lambda panes: max((one.watermark_ms for one in panes.sources.values()), default=-1)),
            ),
            id="wait for the slowest source",
        ),
    ],
)
def test_breaking_any_rule_is_detected(rule, first_seed):
    assert_noticed(rule, lambda seed: SimulatedPipeline(seed, few_policies(seed % 60)).run(), 100, first_seed)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"weight": 0.5}, id="read weights"),
        pytest.param({"without": False}, id="read whether established authors were few"),
        pytest.param({"below_since_ms": 0}, id="read since when a tag is not over"),
    ],
)
def test_recovering_other_fields_of_decisions_is_detected(fields, first_seed):
    assert_noticed(
        lambda: forgetting_of_decisions(**fields),
        lambda seed: SimulatedPipeline(seed, policies(random.Random(seed)), span=LONG).run(),
        40,
        first_seed,
    )


def forgetting(**fields: Any) -> Any:
    """Let judges recover from a progress record with other fields."""

    def change(state: RecoveredState) -> None:
        state.progress = state.progress and replace(state.progress, **fields)

    return recovering(change)


def newest_mark(facts: AccountFactsView, _: int) -> int:
    return max((mark.upto for mark in facts.progress()["facts"]), default=0)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda: forgetting(facts=[]), id="recover received sketches"),
        pytest.param(
            lambda: patch.object(AccountFactsView, "upto_at", newest_mark), id="late news touch no passed tick"
        ),
    ],
)
def test_breaking_any_account_rule_is_detected(rule, first_seed):
    def lived(seed: int) -> SimulatedPipeline:
        moderation = random_moderation(random.Random(seed))
        return SimulatedPipeline(seed, few_policies(seed % 60), moderation=moderation).run()

    assert_noticed(rule, lived, 200, first_seed)


def counting_at_once() -> Any:
    real, always = CorrectionIndex.annotate, WindowSpan(0, 1 << 62, 0)
    return patch.object(CorrectionIndex, "annotate", lambda index, sample, keys, _: real(index, sample, keys, always))


def read_again_from_nowhere() -> Any:
    """Let the replay point ignore corrections that wait for their tick."""
    real = CorrectionIndex.apply
    return patch.object(CorrectionIndex, "apply", lambda index, *record: (real(index, *record), ())[1])


def passed_by_then() -> Any:
    """Let judges recover the watermark of the previous owner's position instead of the replay point's."""

    def change(state: RecoveredState) -> None:
        if state.progress is not None:
            state.progress = replace(state.progress, replay_passed_ms=state.progress.passed_ms)

    return recovering(change)


def without_scales() -> Any:
    """Let settled corrections lose the scale of their stage 2."""
    real = corrections.encode_rows
    return patch.object(
        corrections, "encode_rows", lambda rows, tags, of: real(rows, tags, [(*one[:2], b"") for one in of])
    )


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda: without_records(are_corrections), id="read corrections"),
        pytest.param(counting_at_once, id="no tick that was passed is touched"),
        pytest.param(read_again_from_nowhere, id="replay what had not counted"),
        pytest.param(passed_by_then, id="know the watermark where it begins"),
        pytest.param(without_scales, id="read stage 2's scale"),
    ],
)
def test_breaking_any_stage_2_rule_is_detected(rule, first_seed):
    assert_noticed(
        rule, lambda seed: SimulatedPipeline(seed, few_policies(seed % 60), stage_2=True).run(), 300, first_seed
    )
