"""A log that has become shorter than what was read of it ends the worker: new records would pass for old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from faust.types.tuples import TP

from streams.errors import DependencyAway, TopicsError
from streams.pipeline.gaps import watch_lengths
from streams.pipeline.stages import Assignments
from tests.support.shells import Shells, make_shells

LOG = TP("hashtag-partials", 3)
READ = 7


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch) -> Shells:
    monkeypatch.setattr("streams.pipeline.gaps._LOOK_SECONDS", 0)
    return make_shells(monkeypatch)


async def watched(shells: Shells, told: Callable[[TP], int | None], there: int) -> None:
    """Look some times at a log of which 7 records were read, `told` is known and so many are there."""
    for _ in range(there):
        shells.topics.append(LOG.topic, LOG.partition, b"")
    try:
        async with asyncio.timeout(0.1):
            await watch_lengths(shells.context.settings, lambda: {LOG: READ}, told)
    except TimeoutError:
        pass


async def test_it_is_noticed(shells: Shells) -> None:
    with pytest.raises(TopicsError, match=r"hashtag-partials\[3\] ends at 5, before 7: it was cut short") as error:
        await watched(shells, lambda _: 5, there=5)
    assert "HUSHTAG_GROUP" in error.value.fix


@pytest.mark.parametrize("told", [None, 7, 9])
async def test_a_log_that_is_long_enough_is_not_asked_for(shells: Shells, told: int | None) -> None:
    asked: list[bool] = []
    shells.topics.asked = lambda: asked.append(True)
    await watched(shells, lambda _: told, there=5)
    assert asked == []


async def test_a_leader_that_knows_less_for_a_moment_is_believed_when_it_is_asked(shells: Shells) -> None:
    await watched(shells, lambda _: 5, there=7)


async def test_a_broker_that_is_away_ends_nobody_here(shells: Shells) -> None:
    def away() -> None:
        raise DependencyAway("away")

    shells.topics.asked = away
    await watched(shells, lambda _: 5, there=5)


def test_what_a_partition_has_reached() -> None:
    class Stage:
        topic = LOG.topic

        def partition(self, number: int) -> object:
            return type("One", (), {"reached": {3: READ, 4: None}[number], "drop": lambda self: None})()

    assignments = Assignments([Stage()], dict)  # type: ignore[list-item]
    assignments.assigned([LOG, TP(LOG.topic, 4)])
    assert assignments.reached() == {LOG: READ}
