"""Contents of every block of seeds."""

from __future__ import annotations

import pytest

from tests.fault.plan import BLOCK, CLUSTER, FEED_SECONDS, KINDS, cluster_plan, plan


@pytest.mark.parametrize("block", range(5))
def test_seed_block_has_every_kind_of_fault(block):
    plans = [plan(seed) for seed in range(block * BLOCK, (block + 1) * BLOCK)]
    assert {kind for one in plans for kind in one.kinds} == set(KINDS)
    assert sum("zombie" in one.kinds for one in plans) >= 6
    assert sum("clock" in one.kinds for one in plans) == 5
    for one in plans:
        assert len(one.kinds) >= 3
        assert one.workers >= 2 or "zombie" not in one.kinds, "another worker must take over"
        assert all(0 < step.at_seconds < FEED_SECONDS for step in one.steps)


def test_seed_determines_plan():
    assert plan(7) == plan(7)
    assert plan(7) != plan(27)


def test_twenty_cluster_seeds_have_every_broker_fault_with_both_kinds_of_producers():
    plans = [cluster_plan(seed) for seed in range(20)]
    of_brokers = [kind for one in plans for kind in one.kinds if kind in CLUSTER]
    assert min(of_brokers.count(kind) for kind in CLUSTER) >= 4
    assert {one.acks for one in plans} == {1, "all"}
    assert all(0 < step.at_seconds < one.feed_seconds for one in plans for step in one.steps)
    assert cluster_plan(0).kinds == ["follower-stop"], "the one of the short suite"
    assert cluster_plan(3) == cluster_plan(3)
