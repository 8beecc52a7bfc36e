"""A log shorter than what was read of it ends the worker: new records would reuse old offsets."""

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
    monkeypatch.setattr("streams.pipeline.gaps._CHECK_SECONDS", 0)
    return make_shells(monkeypatch)


async def watched(shells: Shells, fetched: Callable[[TP], int | None], end: int) -> None:
    """Watch a log of which 7 records were read, and which ends at `end`."""
    for _ in range(end):
        shells.topics.append(LOG.topic, LOG.partition, b"")
    try:
        async with asyncio.timeout(0.1):
            await watch_lengths(shells.context.settings, lambda: {LOG: READ}, fetched)
    except TimeoutError:
        pass


async def test_shortened_log_ends_the_worker(shells: Shells) -> None:
    with pytest.raises(TopicsError, match=r"hashtag-partials\[3\] ends at 5, before 7: it was cut short") as error:
        await watched(shells, lambda _: 5, end=5)
    assert "HUSHTAG_GROUP" in error.value.fix


@pytest.mark.parametrize("fetched", [None, 7, 9])
async def test_long_enough_log_is_not_queried(shells: Shells, fetched: int | None) -> None:
    asked: list[bool] = []
    shells.topics.asked_ends = lambda: asked.append(True)
    await watched(shells, lambda _: fetched, end=5)
    assert asked == []


async def test_broker_answer_overrides_the_fetched_end(shells: Shells) -> None:
    await watched(shells, lambda _: 5, end=7)


async def test_silent_broker_does_not_end_the_worker(shells: Shells) -> None:
    def away() -> None:
        raise DependencyAway("away")

    shells.topics.asked_ends = away
    await watched(shells, lambda _: 5, end=5)


def test_required_ends_of_assigned_partitions() -> None:
    class Stage:
        topic = LOG.topic

        def partition(self, number: int) -> object:
            return type("One", (), {"required_end": {3: READ, 4: None}[number], "drop": lambda self: None})()

    assignments = Assignments([Stage()], dict)  # type: ignore[list-item]
    assignments.assigned([LOG, TP(LOG.topic, 4)])
    assert assignments.required_ends() == {LOG: READ}
