"""Seeded schedules of faults: all records equal the reference, at every tick.

`make fault SEEDS=20 CLUSTER=0` runs twenty; `make fault SEEDS=1 CLUSTER=0 FIRST=7` plays that of seed 7 again.
"""

from __future__ import annotations

import json

import pytest

from tests.fault.play import Result

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1_200)]


def test_schedule_has_no_problems(result: Result) -> None:
    print(json.dumps(result.as_dict()))
    again = f"play it again: make fault SEEDS=1 CLUSTER=0 FIRST={result.seed}"
    found = "\n".join([again, *result.problems, f"faults: {', '.join(result.kinds)}", *result.exits])
    assert not result.problems, found
    assert result.decisions > 0, f"nothing was decided, so nothing was proved\n{found}"
