"""The model is changed while judges die, repeat themselves and haunt: all settle as the reference does."""

from __future__ import annotations

import os
import random
from typing import Any
from unittest.mock import patch

import pytest

from streams.judging.activation_timeline import InForce
from streams.log.decisions import Decision, decode_record
from streams.policy import Policy
from tests.simulation.test_restarts import assert_noticed, policies, problems, told
from tests.simulation.test_successors import asking
from tests.support.simulated import World
from tests.support.simulated_people import random_moderation
from tests.support.simulated_sizes import LONG, SHARDS, small_units
from tests.support.simulated_words import LATER, SCORER

pytestmark = pytest.mark.simulation

FIRST, SEEDS = int(os.environ.get("FIRST", "0")), int(os.environ.get("SEEDS", "100"))


def two(seed: int) -> list[Policy]:
    """One policy, in force with one model and then with another; or two."""
    made = policies(random.Random(f"models {seed}"))
    return made if len(made) == 2 else made * 2


def lived(seed: int, **options: Any) -> World:
    return World(seed, two(seed), models=(SCORER.revision, LATER.revision), **options).run()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_what_settles_equals_the_reference(seed):
    with small_units():
        found = problems(lived(seed))
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 5))
def test_it_does_whether_or_not_judges_look_early(seed):
    with small_units():
        found = problems(lived(seed, timely="some"))
    assert not found, told(seed, found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS // 20))
def test_it_does_while_all_changes_at_once(seed):
    """Policies and a model, accounts, campaigns that move on."""
    with small_units():
        made = (asking(random.Random(f"all {seed}")) * 2)[:2]
        moderation = random_moderation(random.Random(seed), LONG)
        models = SCORER.revision, LATER.revision
        found = problems(World(seed, made, models=models, moderation=moderation, span=LONG).run())
    assert not found, told(seed, found)


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


def test_the_rule_is_needed():
    """Scored by the model of its tick and not of its start, the first pane of a model differs."""
    of_its_start = InForce.model_of
    by_its_end = patch.object(InForce, "model_of", lambda in_force, pane: of_its_start(in_force, pane + 1))
    assert_noticed(lambda: by_its_end, lived, 100)
