"""Publishing under kills, pauses and losses: a surface sees the flags of the decisions, never an older one.

`SEEDS=400 pytest tests/simulation/test_publish.py` runs more seeds; `FIRST=` sets the first one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hushtag_client import MemoryServer

from streams.flags.decision_fold import DecisionFold
from streams.log.decisions import Decision
from tests.support.restart_oracle import policies
from tests.support.simulated import SimulatedPipeline
from tests.support.simulated_publish import Publisher, PublishWorld, dated
from tests.support.simulated_sizes import LONG, SHARDS, small_units

pytestmark = pytest.mark.simulation

SCHEDULES = 12
"""Number of publisher histories for one history of judges."""


@cache
def decisions(seed: int) -> list[list[tuple[int, Decision]]]:
    """Return the decisions of a simulated history by shard, zombies included."""
    with small_units():
        world = SimulatedPipeline(seed, policies(random.Random(seed)), span=LONG).run()
    return [dated(world.logs["decisions", shard]) for shard in range(SHARDS)]


def published(seed: int, **options: Any) -> PublishWorld:
    return PublishWorld(seed, decisions(seed // SCHEDULES), **options).run()


def test_surfaces_match_decisions(seed):
    world = published(seed, harm=(12, 40)[seed % 2])
    assert not world.problems, f"seed {seed}: {len(world.problems)} problems\n" + "\n".join(world.problems[:5])


def test_reader_checks_often_and_sees_flags():
    worlds = [published(seed) for seed in range(0, 4 * SCHEDULES, 6)]
    assert sum(world.looks for world in worlds) > 1_000
    assert sum(world.answers for world in worlds) > 2_000
    assert sum(world.hidden for world in worlds) > 100
    assert sum(world.discounted for world in worlds) > 100


def test_history_without_failures_has_no_problems():
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
        pytest.param(knocked_out("closed", lambda *_: []), id="reconcile a loss"),
        pytest.param(knocked_out("closed", whoever_put_it_back), id="notice a reconcile by a lagging worker"),
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
def test_breaking_any_rule_is_detected(rule):
    """Break one rule: some history must then have problems. That of the rarest rule comes early among these."""
    for seed in range(240, 400):
        with rule():
            if published(seed, harm=40).problems:
                return
    pytest.fail("nothing was noticed in 160 histories")


def test_publishers_read_log_before_they_write():
    world = PublishWorld(0, decisions(0), harm=0)
    world.now_ms = world._last_ms
    late = Publisher(world, 0)
    while not late.ready:
        assert not world.server.registers or late.at == len(world.logs[0])
        late.step()
