"""Whatever is killed, paused or lost on the way to Redis: a surface sees what the decisions say, never an older flag.

`SEEDS=400 pytest tests/simulation/test_publish.py` looks longer; `FIRST=` says where to begin.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hushtag_client import MemoryServer

from streams.flags.decision_fold import DecisionFold
from streams.log.decisions import Decision
from tests.simulation.test_restarts import policies
from tests.support.simulated import World
from tests.support.simulated_publish import Publisher, PublishWorld, dated
from tests.support.simulated_sizes import LONG, SHARDS, small_units

pytestmark = pytest.mark.simulation

FIRST, SEEDS = int(os.environ.get("FIRST", "0")), int(os.environ.get("SEEDS", "200"))
SCHEDULES = 12
"""Histories of publishers over one history of judges."""


@cache
def decisions(seed: int) -> list[list[tuple[int, Decision]]]:
    """What the judges of a simulated history said, zombies included, by shard."""
    with small_units():
        world = World(seed, policies(random.Random(seed)), span=LONG).run()
    return [dated(world.logs["decisions", shard]) for shard in range(SHARDS)]


def published(seed: int, **options: Any) -> PublishWorld:
    return PublishWorld(seed, decisions(seed // SCHEDULES), **options).run()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_surfaces_see_what_the_decisions_say(seed):
    world = published(seed, harm=(12, 40)[seed % 2])
    assert not world.problems, f"seed {seed}: {len(world.problems)} problems\n" + "\n".join(world.problems[:5])


def test_it_looks_often_and_sees_flags():
    worlds = [published(seed) for seed in range(6)]
    assert sum(world.looks for world in worlds) > 1_000
    assert sum(world.answers for world in worlds) > 2_000
    assert sum(world.hidden for world in worlds) > 500


def test_without_harm_there_is_nothing_to_find():
    assert not published(0, harm=0).problems


def knocked_out(name: str, instead: Callable[..., Any], of: Any = MemoryServer) -> Callable[[], Any]:
    return lambda: patch.object(of, name, instead)


def without_compare(server: MemoryServer, items: Any) -> tuple[int, int]:
    for field, _ in items:
        server.registers.pop(field, None)
    return compare_and_set(server, items)


def whoever_put_it_back(server: MemoryServer, partitions: Any) -> list[str]:
    return closed(server, dict.fromkeys(partitions, 0))


compare_and_set = MemoryServer._compare_and_set
closed = MemoryServer.closed
fold_registers = DecisionFold.registers


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(knocked_out("_compare_and_set", without_compare), id="compare and set"),
        pytest.param(knocked_out("closed", lambda *_: []), id="mend a loss"),
        pytest.param(knocked_out("closed", whoever_put_it_back), id="notice a loss mended with less"),
        pytest.param(
            knocked_out(
                "registers", lambda fold: [r for r in fold_registers(fold) if r.action != "clear"], DecisionFold
            ),
            id="put cleared versions back",
        ),
        pytest.param(
            knocked_out("prune", lambda fold, _: fold._states.clear() or [], DecisionFold), id="keep what is in force"
        ),
    ],
)
def test_each_rule_is_needed(rule):
    """With one rule knocked out some history goes wrong: the simulation can fail."""
    for seed in range(160):
        with rule():
            if published(seed, harm=40).problems:
                return
    pytest.fail("nothing was noticed in 160 histories")


def test_publishers_read_to_the_end_before_they_write():
    world = PublishWorld(0, decisions(0), harm=0)
    world.now_ms = world._last_ms
    late = Publisher(world, 0)
    while not late.ready:
        assert not world.server.registers or late.at == len(world.logs[0])
        late.step()
