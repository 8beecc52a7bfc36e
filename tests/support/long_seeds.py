"""Seeds of tests that play histories: some in `make test`, all in `make test-long`."""

from __future__ import annotations

import pytest


def seeds(count: int, short: int) -> list[object]:
    """Return parameters for the seeds from 0 to `count` - 1, of which those from `short` on are long."""
    return [*range(short), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(short, count))]
