"""Model changes under restarts, repeats and zombies: settled results equal the reference."""

from __future__ import annotations

import random
from typing import Any
from unittest.mock import patch

import pytest

from streams.judging.activation_timeline import ActivationTimeline
from streams.log.decisions import Decision, decode_record
from streams.policy import Policy
from tests.support.restart_oracle import assert_noticed, failure_message, migration_policies, policies, problems
from tests.support.simulated import SimulatedPipeline
from tests.support.simulated_people import random_moderation
from tests.support.simulated_sizes import LONG, SHARDS, small_units
from tests.support.simulated_words import LATER, SCORER

pytestmark = pytest.mark.simulation


def two(seed: int) -> list[Policy]:
    """Draw one or two policies, activated with one model and then with another."""
    made = policies(random.Random(f"models {seed}"))
    return made if len(made) == 2 else made * 2


def lived(seed: int, **options: Any) -> SimulatedPipeline:
    return SimulatedPipeline(seed, two(seed), models=(SCORER.revision, LATER.revision), **options).run()


def test_settled_results_equal_reference(seed):
    with small_units():
        found = problems(lived(seed))
    assert not found, failure_message(seed, found)


def test_results_are_independent_of_early_firings(seed):
    with small_units():
        found = problems(lived(seed, timely="some"))
    assert not found, failure_message(seed, found)


def test_results_with_all_changes_equal_reference(seed):
    """History with changes of policy and model, account facts, and migrated campaigns."""
    with small_units():
        made = (migration_policies(random.Random(f"all {seed}")) * 2)[:2]
        moderation = random_moderation(random.Random(seed), LONG)
        models = SCORER.revision, LATER.revision
        found = problems(SimulatedPipeline(seed, made, models=models, moderation=moderation, span=LONG).run())
    assert not found, failure_message(seed, found)


def test_decisions_name_the_model_of_their_tick():
    with small_units():
        world = lived(0, span=LONG)
    switch_ms = world.activations[1].from_tick_ms
    found = {
        (one.tick_ms >= switch_ms, one.model_revision)
        for shard in range(SHARDS)
        for one in map(decode_record, world.logs["decisions", shard])
        if isinstance(one, Decision) and not one.provisional
    }
    assert found == {(False, SCORER.revision), (True, LATER.revision)}


def test_breaking_the_rule_is_detected():
    """Score a pane by the model of its tick instead of its start; the first pane of a model then differs."""
    of_its_start = ActivationTimeline.model_of
    by_its_end = patch.object(ActivationTimeline, "model_of", lambda in_force, pane: of_its_start(in_force, pane + 1))
    assert_noticed(lambda: by_its_end, lived, 100)
