"""Give each test of histories its seeds."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import CHOSEN, NOTICED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize `seed` by the table of seeds; a test with a decorator of its own is not in it."""
    if (seeds := CHOSEN.get(f"{metafunc.definition.path.name}::{metafunc.function.__name__}")) is not None:
        metafunc.parametrize("seed", seeds.played())


@pytest.fixture
def first_seed(request: pytest.FixtureRequest) -> int:
    """Return the first seed of a test that breaks a rule."""
    return NOTICED.get(request.node.callspec.id, 0)
