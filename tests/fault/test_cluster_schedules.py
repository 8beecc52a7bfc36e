"""Seeded schedules on a cluster of four brokers: all records equal the reference, whichever broker fails.

`make fault CLUSTER=20 SEEDS=0` plays twenty; `make fault CLUSTER=1 SEEDS=0 FIRST=7` the schedule of seed 7 again.
"""

from __future__ import annotations

import json

import pytest

from tests.fault.play import Result

pytestmark = [pytest.mark.fault, pytest.mark.timeout(2_400)]


def test_cluster_schedule_has_no_problems(cluster_result: Result) -> None:
    print(json.dumps(cluster_result.as_dict()))
    again = f"play it again: make fault CLUSTER=1 SEEDS=0 FIRST={cluster_result.seed}"
    faults = ", ".join(cluster_result.kinds)
    found = "\n".join([again, *cluster_result.problems, f"faults: {faults}", *cluster_result.exits])
    assert not cluster_result.problems, found
    assert cluster_result.decisions > 0, f"nothing was decided, so nothing was proved\n{found}"
