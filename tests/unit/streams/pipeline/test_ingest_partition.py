"""A source partition: the order of acknowledgements in a flush, the replay point, gaps and backpressure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from streams.constants import BLOCK
from streams.counting.block_counts import Flush
from streams.counting.times import TimeRules
from streams.errors import DependencyAway
from streams.log.partials import decode_partial
from streams.pipeline.gaps import LostRecords, SourceRecreated
from streams.pipeline.ingest_partition import IngestPartition
from streams.pipeline.ingest_stage import IngestStage
from tests.support.block_counts import TOPIC_ID
from tests.support.shells import NOW_MS, Kept, Shells, make_shells, settle_down
from tests.support.sources import tweet

SHARDS = 2
TIMES = TimeRules()
TAGS = [f"tag{number}" for number in range(9)]


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shells]:
    monkeypatch.setattr("streams.counting.ingest._RECORD_BYTES", 2_000)
    made = make_shells(monkeypatch, shards=SHARDS)
    yield made
    made.context.executor.shutdown()


def log(n: int, first: int = 0) -> list[Kept]:
    return [
        Kept(offset, NOW_MS, None, tweet(offset, at_ms=NOW_MS, tags=(TAGS[offset % 9],)))
        for offset in range(first, first + n)
    ]


def started(shells: Shells, *, committed: int | None = None, first: int = 0) -> tuple[IngestStage, IngestPartition]:
    shells.topics.logs.setdefault(("tweets", 0), [])
    stage = IngestStage(shells.context, TOPIC_ID, TIMES, lambda: 1)
    partition = stage.partition(0)
    partition.start_at(committed, first)
    return stage, partition


def markers(shells: Shells) -> list[bool]:
    """Return for each record in flight whether it carries a marker."""
    found = [decode_partial(one.value or b"") for one in shells.sender.in_flight]
    return [isinstance(one, Flush) and one.watermark_ms >= 0 for one in found]


async def test_flush_acknowledges_partials_then_markers_then_replay_point(shells: Shells) -> None:
    _, partition = started(shells)
    await partition.process(log(BLOCK + 44))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    assert len(markers(shells)) > SHARDS and not any(markers(shells))
    shells.sender.deliver(len(shells.sender.in_flight) - 1)
    await settle_down()
    assert markers(shells) == [False], "an earlier partial is not acknowledged yet"
    shells.sender.deliver()
    await settle_down()
    assert markers(shells) == [True] * SHARDS and partition.replay_point is None
    shells.sender.deliver(1)
    await settle_down()
    assert partition.replay_point is None
    shells.sender.deliver()
    await flush
    assert partition.replay_point == BLOCK


async def test_deleted_tweet_is_erased_before_the_replay_point_moves(shells: Shells) -> None:
    _, partition = started(shells)
    deletion = Kept(0, NOW_MS, None, b'{"kind": "delete", "id": "17"}')
    await partition.process([deletion, *log(BLOCK + 44, first=1)])
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    erased = [one for one in shells.sender.in_flight if one.topic == "shown-texts"]
    assert [(one.key, one.value, one.partition) for one in erased] == [(b"17", None, 0)]
    while not flush.done():
        assert partition.replay_point is None
        shells.sender.deliver()
        await settle_down()
    assert partition.replay_point == BLOCK
    await partition.flush()
    assert [one for one in shells.sender.in_flight if one.topic == "shown-texts"] == [], "each deletion once"


async def test_position_moves_only_after_a_delivered_flush(shells: Shells) -> None:
    """Until then a worker is not ready: its counts exist only in memory."""
    _, partition = started(shells)
    assert partition.position == 0
    await partition.process(log(10))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    await partition.process(log(5, first=10))
    assert partition.position == 0
    while not flush.done():
        shells.sender.deliver()
        await settle_down()
    assert partition.position == 10, "records read during a flush belong to the next one"


@pytest.mark.parametrize("limit", ["_UNSENT_TWEETS", "_UNSENT_BYTES"])
async def test_silent_broker_bounds_unsent_records(shells: Shells, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """The bound holds whether the timer or the reader began the flush."""
    size = len(log(1)[0].value or b"")
    monkeypatch.setattr(f"streams.pipeline.ingest_partition.{limit}", 100 if limit == "_UNSENT_TWEETS" else 100 * size)
    _, partition = started(shells)
    processed = 0

    async def read() -> None:
        nonlocal processed
        for first in range(0, 5_000, 10):
            await partition.process(log(10, first))
            processed = first + 10

    reading = asyncio.create_task(read())
    await settle_down()
    timer = asyncio.create_task(partition.flush())
    for _ in range(5):
        await settle_down()
    waiting = len(shells.sender.in_flight)
    assert 90 <= processed <= 220 and waiting
    await settle_down(200)
    assert len(shells.sender.in_flight) == waiting and processed <= 220
    while not reading.done():
        shells.sender.deliver()
        await settle_down()
    assert processed == 5_000
    timer.cancel()


async def test_failed_flush_drops_the_partition(shells: Shells) -> None:
    _, partition = started(shells)
    await partition.process(log(10))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    shells.sender.fail()
    with pytest.raises(DependencyAway):
        await flush
    await partition.process(log(10, first=10))
    again = asyncio.create_task(partition.flush())
    await settle_down()
    assert again.done() and shells.sender.in_flight == [], "no later marker may cover the lost partials"
    assert partition.replay_point is None


@pytest.mark.parametrize("steps", [1, 2])
async def test_partition_dropped_during_flush_sends_nothing_more(shells: Shells, steps: int) -> None:
    _, partition = started(shells)
    await partition.process(log(BLOCK + 44))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    if steps == 2:
        shells.sender.deliver()
        await settle_down()
    partition.drop()
    shells.sender.deliver()
    await settle_down()
    assert shells.sender.in_flight == []
    await flush
    assert partition.replay_point is None


async def test_repeated_delivery_counts_once(shells: Shells) -> None:
    _, partition = started(shells)
    await partition.process(log(6))
    await partition.process(log(6, first=3))
    assert partition.core is not None
    assert (partition.core.counts.tweets, partition.core.counts.duplicates) == (9, 0)


async def test_undelivered_records_end_the_worker(shells: Shells) -> None:
    _, partition = started(shells)
    shells.topics.logs["tweets", 0] = log(20)
    await partition.process(log(5))
    with pytest.raises(LostRecords, match="12 was delivered where 5 was due, but the log has 5"):
        await partition.process(log(8, first=12))
    assert partition.next_offset == 5


@pytest.mark.parametrize("why", ["retention", "hole"])
async def test_gap_in_the_log_itself_is_skipped(shells: Shells, why: str) -> None:
    _, partition = started(shells)
    await partition.process(log(5))
    shells.topics.logs["tweets", 0] = log(8, first=12)
    if why == "retention":
        shells.topics.cut("tweets", 0, 12)
    await partition.process(log(8, first=12))
    assert partition.next_offset == 20
    assert shells.context.metrics.gaps.labels(kind=why)._value.get() == 1


@pytest.mark.parametrize(("committed", "first", "lost"), [(None, 12, 0), (12, 12, 0), (5, 12, 1)])
async def test_retention_loss_before_start_is_counted_once(
    shells: Shells, committed: int | None, first: int, lost: int
) -> None:
    _, partition = started(shells, committed=committed, first=first)
    partition.start_at(committed, first)  # the transport repeats the seek
    assert shells.context.metrics.gaps.labels(kind="retention")._value.get() == lost


async def test_counts_of_a_recreated_topic_are_not_sent(shells: Shells) -> None:
    """Its records continue at the offset that was read of the old one; the new id would count them again."""
    _, partition = started(shells)
    await partition.process(log(10))
    shells.topics.topic_id, shells.sender.at_once = "new", True
    with pytest.raises(SourceRecreated, match="tweets was created again: its id is new"):
        await partition.flush()
    await partition.flush()  # the partition is dropped
    assert shells.topics.logs.keys() == {("tweets", 0)} and partition.replay_point is None


async def test_flush_without_records_does_not_query_the_topic(shells: Shells) -> None:
    _, partition = started(shells)
    shells.topics.topic_id, shells.sender.at_once = "new", True
    await partition.flush()
    assert partition.replay_point == 0


async def test_flush_waits_for_a_topic_that_is_being_created_again(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0, 29, 29.9, 30.0])
    monkeypatch.setattr("streams.pipeline.ingest_stage.monotonic_seconds", lambda: next(times))
    monkeypatch.setattr("streams.pipeline.ingest_stage._CONFIRM_SECONDS", 0)
    _, partition = started(shells)
    await partition.process(log(10))
    shells.topics.topic_id = None
    with pytest.raises(DependencyAway, match=r"no broker of [^ ]+ knows tweets"):
        await partition.flush()
    assert shells.sender.in_flight == [] and list(times) == [], "it waits as long as a send"
