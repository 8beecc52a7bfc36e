"""Idle source partitions: only a partition read to its end advances, and only to the broker's time before the query."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from streams.counting.times import TimeRules
from streams.errors import DependencyAway, TopicsError
from streams.log.leader_epochs import TopicView
from streams.log.reading import Bounds
from streams.pipeline import idle_sources
from streams.pipeline.gaps import SourceRecreated
from streams.pipeline.idle_sources import BrokerClock, IdleSources
from streams.pipeline.ingest_partition import IngestPartition
from streams.pipeline.ingest_stage import IngestStage
from streams.settings import Settings
from tests.support.block_counts import TOPIC_ID
from tests.support.shells import NOW_MS, Kept, Shells, make_shells
from tests.support.sources import tweet

TIMES = TimeRules()


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shells]:
    made = make_shells(monkeypatch, shards=2)
    yield made
    made.context.executor.shutdown()


def log(n: int) -> list[Kept]:
    return [Kept(offset, NOW_MS, None, tweet(offset, at_ms=NOW_MS)) for offset in range(n)]


def started(shells: Shells) -> tuple[IngestStage, IngestPartition]:
    shells.topics.logs.setdefault(("tweets", 0), [])
    stage = IngestStage(shells.context, TOPIC_ID, TIMES, lambda: 1)
    partition = stage.partition(0)
    partition.start_at(None, 0)
    return stage, partition


@pytest.mark.parametrize(("stamped_by", "known"), [(1, NOW_MS), (0, None)])
async def test_broker_clock_ignores_producer_timestamps(
    shells: Shells, monkeypatch: pytest.MonkeyPatch, stamped_by: int, known: int | None
) -> None:
    """With CreateTime an acknowledgement repeats this worker's own clock."""
    monkeypatch.setattr(idle_sources, "monotonic_seconds", lambda: 100.0)
    stage, partition = started(shells)
    shells.sender.at_once, shells.sender.stamped_by = True, stamped_by
    await partition.process(log(5))
    await partition.flush()
    assert partition.sent_offset == 5 and stage.broker_clock.now_ms() == known


class Enough(Exception):
    """Ends an endless loop."""


@pytest.mark.parametrize(
    ("end", "unproven", "advanced_seconds"),
    [(5, 0, 30), (6, 0, 0), (5, 1, 0)],
    ids=["read to its end", "a record unread", "a record not replicated"],
)
async def test_watermark_advances_to_the_time_before_the_query(
    shells: Shells, monkeypatch: pytest.MonkeyPatch, end: int, unproven: int, advanced_seconds: int
) -> None:
    """The last acknowledgement was 30 seconds before the query; the answer takes five seconds more."""
    shells.topics.unproven = unproven
    seconds, answers = [100.0], iter([135.0])

    def asked() -> None:
        if (at := next(answers, None)) is None:
            raise Enough
        seconds[0] = at

    monkeypatch.setattr(idle_sources, "monotonic_seconds", lambda: seconds[0])
    monkeypatch.setattr(idle_sources, "_POLL_SECONDS", 0)
    stage, partition = started(shells)
    shells.topics.logs["tweets", 0] = log(end)
    await partition.process(log(5))
    stage.broker_clock.set(NOW_MS)
    seconds[0] = 130.0
    shells.topics.asked = asked
    with pytest.raises(Enough):
        await stage.idle_sources.run()
    assert partition.core is not None
    assert partition.core.watermark_ms - (NOW_MS - TIMES.watermark_slack_ms) == advanced_seconds * 1000


class Reader:
    """A log reader with one prepared answer per call."""

    answers: ClassVar[list[Any]] = []
    partitions = (0,)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def bounds(self, partitions: tuple[int, ...]) -> dict[int, Bounds]:
        answer = Reader.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {0: Bounds(0, answer)}


class Epochs:
    """Queries about a topic: its id, and one log end for each call; the last one repeats. None: not proven."""

    def __init__(self, *ends: int | None, topic_ids: Sequence[str | None] = ("id",)) -> None:
        self._ends, self._ids = list(ends), list(topic_ids)

    async def describe(self) -> TopicView | None:
        topic_id = self._ids.pop(0) if len(self._ids) > 1 else self._ids[0]
        return None if topic_id is None else TopicView(topic_id)

    async def log_ends(self, view: TopicView, partitions: Iterable[int]) -> dict[int, int]:
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        return {} if end is None else dict.fromkeys(partitions, end)


async def advance(monkeypatch: pytest.MonkeyPatch, advanced: list[int], epochs: Epochs, *answers: Any) -> None:
    """Run until the answers are used up."""
    monkeypatch.setattr(idle_sources, "LogReader", Reader)
    monkeypatch.setattr(idle_sources, "_POLL_SECONDS", 0.001)
    Reader.answers = list(answers)
    partition: Any = SimpleNamespace(core=SimpleNamespace(advance_idle=advanced.append), next_offset=7)
    clock = BrokerClock()
    clock.set(1_000)
    sources = IdleSources(Settings(), "tweets", "id", epochs, clock, lambda: {0: partition})  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        await sources.run()


async def test_silent_broker_is_queried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    advanced: list[int] = []
    away = DependencyAway("no answer within 10 s")
    with pytest.raises(IndexError):
        await advance(monkeypatch, advanced, Epochs(7), 7, away, away, 7)
    assert len(advanced) == 2


async def test_log_shorter_than_read_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TopicsError, match="ends at 3, before 7"):
        await advance(monkeypatch, [], Epochs(3), 3)


@pytest.mark.parametrize(
    ("ends", "advances"),
    [((7,), 1), ((8,), 0), ((None,), 0), ((8, 7), 1)],
    ids=["agrees", "record above the high watermark", "not proven", "replicated meanwhile"],
)
async def test_source_advances_only_up_to_a_proven_log_end(
    monkeypatch: pytest.MonkeyPatch, ends: tuple[int | None, ...], advances: int
) -> None:
    """The high watermark is 7 all the time, and all below it is read."""
    advanced: list[int] = []
    with pytest.raises(IndexError):
        await advance(monkeypatch, advanced, Epochs(*ends), *[7] * len(ends))
    assert len(advanced) == advances


async def test_topic_created_again_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile it does not exist, which ends nothing."""
    advanced: list[int] = []
    with pytest.raises(SourceRecreated, match="tweets was created again: its id is new, and id was read") as error:
        await advance(monkeypatch, advanced, Epochs(7, topic_ids=["id", None, None, "new"]), 7, 7)
    assert (len(advanced), error.value.exit_code) == (1, 1), "a supervisor starts it again"
