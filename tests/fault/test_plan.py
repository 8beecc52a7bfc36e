"""Contents of every block of seeds."""

from __future__ import annotations

import pytest

from tests.fault.plan import BLOCK, FEED_SECONDS, KINDS, plan


@pytest.mark.parametrize("block", range(5))
def test_seed_block_has_every_kind_of_fault(block):
    plans = [plan(seed) for seed in range(block * BLOCK, (block + 1) * BLOCK)]
    assert {kind for one in plans for kind in one.kinds} == set(KINDS)
    assert sum("zombie" in one.kinds for one in plans) >= 6
    for one in plans:
        assert len(one.kinds) >= 3
        assert one.workers >= 2 or "zombie" not in one.kinds, "another worker must take over"
        assert all(0 < step.at_seconds < FEED_SECONDS for step in one.steps)


def test_seed_determines_plan():
    assert plan(7) == plan(7)
    assert plan(7) != plan(27)
