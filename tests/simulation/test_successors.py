"""Exchange of author sketches between shards under restarts, repeats and zombies: results equal the reference.

The reference uses the sketches in each shard's whole log, each from the tick at which it counts. Every sketch that the
reference emits must have reached every shard unchanged.
"""

from __future__ import annotations

import random
from typing import Any
from unittest.mock import patch

import pytest

from streams.counting.keys import Tags
from streams.judging import evidence, evidence_builder
from streams.judging.side_inputs.author_sketches import AuthorSketchIndex
from streams.judging.standing import established
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import Decision, decode_record
from streams.log.partials import decode_partial, encode_partial
from tests.support.restart_oracle import Reference, assert_noticed, failure_message, migration_policies, problems
from tests.support.simulated import SimulatedPipeline
from tests.support.simulated_judge import SimulatedJudge
from tests.support.simulated_sizes import LONG, SHARDS, small_units

pytestmark = pytest.mark.simulation

SHARES = {"harmful_share_lower", "established_share_lower"}


def lived(seed: int, **options: Any) -> SimulatedPipeline:
    """Long history: a campaign is suppressed, migrates, and expires."""
    return SimulatedPipeline(seed, migration_policies(random.Random(f"successors {seed}")), span=LONG, **options).run()


def test_settled_results_equal_reference_with_same_sketches(seed):
    with small_units():
        found = problems(lived(seed))
    assert not found, failure_message(seed, found)


def test_results_are_independent_of_early_firings(seed):
    with small_units():
        found = problems(lived(seed, timely="some"))
    assert not found, failure_message(seed, found)


@pytest.mark.long
def test_histories_contain_migrated_campaigns():
    """Count the cases in a history: migrated campaigns, repeats, evicted tags, late sketches."""
    seen = dict.fromkeys(("corroborated", "repeated", "let go", "late"), 0)
    with small_units():
        for seed in range(24):
            world = lived(seed)
            for shard in range(SHARDS):
                log = [decode_partial(value) for value in world.logs["partials", shard]]
                sketches = [one for one in log if isinstance(one, AuthorSketch)]
                seen["repeated"] += len(sketches) - len(set(sketches))
                seen["let go"] += sum(not one.until_ms for one in set(sketches))
                received = AuthorSketchIndex(Tags())
                passed_ms = -1
                for one in log:
                    if isinstance(one, AuthorSketch):
                        received.add(one, passed_ms)
                    passed_ms = max(passed_ms, getattr(one, "watermark_ms", -1))
                seen["late"] += received.take_counts()["sketches_late"]
                for record in map(decode_record, world.logs["decisions", shard]):
                    if isinstance(record, Decision):
                        reasons = {why.signal for one in record.rulings for why in one.reasons}
                        seen["corroborated"] += reasons - SHARES == {"successor"}
    assert all(seen.values()), seen


@pytest.mark.long
def test_authors_of_hidden_tags_change_decisions(monkeypatch):
    """Check that in some histories authors do not count as established because of another hidden tag."""
    different = 0
    for seed in range(24):
        with small_units():
            world = lived(seed)
            settled = Reference(world).history
            with monkeypatch.context() as patched:
                for module in (evidence, evidence_builder):
                    patched.setattr(
                        module, "established", lambda sample, keys, _, earlier: established(sample, keys, None, earlier)
                    )
                different += Reference(world).history != settled
    assert different > 2


def recovering_no_sketches() -> Any:
    return patch.object(AuthorSketchIndex, "recover", lambda *_: None)


def decisions_first() -> Any:
    """Send sketches with the decisions, acknowledged before the progress record only."""

    def send(judge: SimulatedJudge, sketches: list[AuthorSketch]) -> Any:
        for one in sketches:
            for shard in range(SHARDS):
                judge.outbox.put(("partials", shard), encode_partial(one))
        return iter(())

    return patch.object(SimulatedJudge, "send_sketches", send)


def from_its_offset() -> Any:
    """Apply a sketch as soon as it is read, regardless of watermarks."""
    real = AuthorSketchIndex.add
    return patch.object(AuthorSketchIndex, "add", lambda sketches, sketch, _: real(sketches, sketch, -1))


def not_kept() -> Any:
    return patch.object(AuthorSketchIndex, "settle", lambda index, *_: (index.take_unpublished(), ())[1])


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(recovering_no_sketches, id="recover received sketches"),
        pytest.param(not_kept, id="keep it with the panes"),
        pytest.param(decisions_first, id="sketches before decisions"),
        pytest.param(from_its_offset, id="late sketches touch no passed tick"),
    ],
)
def test_breaking_any_rule_is_detected(rule, first_seed):
    assert_noticed(rule, lived, 60, first_seed)
