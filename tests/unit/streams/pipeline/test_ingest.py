"""The ingest shell: what is acknowledged before what, what may be committed, and what an idle partition may claim."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from faust.types.tuples import TP

from streams.counting.block_counts import BLOCK, Flush
from streams.counting.times import TimeRules
from streams.errors import DependencyAway
from streams.log.partials import decode_partial
from streams.pipeline.gaps import LostRecords
from streams.pipeline.ingest import IngestPartition, IngestStage
from tests.support.shells import NOW_MS, Kept, Shells, make_shells, settle_down
from tests.unit.streams.counting.test_ingest import tweet

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
    stage = IngestStage(shells.context, "topic-id", TIMES, lambda: 1)
    partition = stage.partition(0)
    partition.start(committed, first)
    return stage, partition


def markers(shells: Shells) -> list[bool]:
    """Which of the records under way carry a marker."""
    found = [decode_partial(one.value or b"") for one in shells.sender.under_way]
    return [isinstance(one, Flush) and one.watermark_ms >= 0 for one in found]


async def test_markers_wait_for_their_partials_and_the_replay_point_for_the_markers(shells: Shells) -> None:
    _, partition = started(shells)
    await partition.take(log(BLOCK + 44))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    assert len(markers(shells)) > SHARDS and not any(markers(shells))
    shells.sender.deliver(len(shells.sender.under_way) - 1)
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


async def test_what_the_shards_have_not_been_told_is_not_worked_off(shells: Shells) -> None:
    """So a worker is not ready before: all that was read may still be in its memory only."""
    _, partition = started(shells)
    assert partition.position == 0
    await partition.take(log(10))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    await partition.take(log(5, first=10))
    assert partition.position == 0
    while not flush.done():
        shells.sender.deliver()
        await settle_down()
    assert partition.position == 10, "what came while it was sent is for the next flush"


@pytest.mark.parametrize("limit", ["_UNSENT_TWEETS", "_UNSENT_BYTES"])
async def test_a_broker_that_acknowledges_nothing_holds_up_what_is_read(
    shells: Shells, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Whether the timer has begun a flush or not: what waits in memory has a bound, whatever the log still holds."""
    size = len(log(1)[0].value or b"")
    monkeypatch.setattr(f"streams.pipeline.ingest.{limit}", 100 if limit == "_UNSENT_TWEETS" else 100 * size)
    _, partition = started(shells)
    taken = 0

    async def read() -> None:
        nonlocal taken
        for first in range(0, 5_000, 10):
            await partition.take(log(10, first))
            taken = first + 10

    reading = asyncio.create_task(read())
    await settle_down()
    timer = asyncio.create_task(partition.flush())
    for _ in range(5):
        await settle_down()
    waiting = len(shells.sender.under_way)
    assert 90 <= taken <= 220 and waiting
    await settle_down(200)
    assert len(shells.sender.under_way) == waiting and taken <= 220
    while not reading.done():
        shells.sender.deliver()
        await settle_down()
    assert taken == 5_000
    timer.cancel()


async def test_a_source_far_ahead_of_the_slowest_is_not_read(shells: Shells) -> None:
    """No tick settles before the slowest has passed it, so what others bring would only pile up in open panes."""
    limit_ms = shells.context.settings.max_lag_ms
    stage, slow = started(shells)
    fast = stage.partition(1)
    fast.start(None, 0)
    assert stage.ahead() == frozenset(), "nothing is known yet"
    await slow.take(log(1))
    await fast.take([Kept(0, NOW_MS + limit_ms, None, tweet(1, at_ms=NOW_MS + limit_ms))])
    assert stage.ahead() == frozenset(), "just within"
    await fast.take([Kept(1, NOW_MS + limit_ms + 1, None, tweet(2, at_ms=NOW_MS + limit_ms))])
    assert stage.ahead() == {TP("tweets", 1)}
    await slow.take([Kept(1, NOW_MS + 1, None, tweet(3, at_ms=NOW_MS))])
    assert stage.ahead() == frozenset()
    stage.judged_ms = lambda: NOW_MS - TIMES.watermark_slack_ms - limit_ms
    assert stage.ahead() == {TP("tweets", 0), TP("tweets", 1)}, "another worker's is slower than both"
    stage.judged_ms = lambda: -1
    slow.drop()
    assert stage.ahead() == frozenset(), "it is somebody else's now"


async def test_what_could_not_be_sent_ends_the_partition(shells: Shells) -> None:
    _, partition = started(shells)
    await partition.take(log(10))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    shells.sender.fail()
    with pytest.raises(DependencyAway):
        await flush
    await partition.take(log(10, first=10))
    again = asyncio.create_task(partition.flush())
    await settle_down()
    assert again.done() and shells.sender.under_way == [], "no later marker may vouch for what was lost"
    assert partition.replay_point is None


@pytest.mark.parametrize("steps", [1, 2])
async def test_a_partition_that_is_dropped_while_it_flushes_goes_no_further(shells: Shells, steps: int) -> None:
    _, partition = started(shells)
    await partition.take(log(BLOCK + 44))
    flush = asyncio.create_task(partition.flush())
    await settle_down()
    if steps == 2:
        shells.sender.deliver()
        await settle_down()
    partition.drop()
    shells.sender.deliver()
    await settle_down()
    assert shells.sender.under_way == []
    await flush
    assert partition.replay_point is None


async def test_what_is_delivered_twice_counts_once(shells: Shells) -> None:
    _, partition = started(shells)
    await partition.take(log(6))
    await partition.take(log(6, first=3))
    assert partition.core is not None
    assert (partition.core.counts.tweets, partition.core.counts.duplicates) == (9, 0)


async def test_a_gap_in_what_is_delivered_ends_the_worker(shells: Shells) -> None:
    _, partition = started(shells)
    shells.topics.logs["tweets", 0] = log(20)
    await partition.take(log(5))
    with pytest.raises(LostRecords, match="12 was delivered where 5 was due, but the log has 5"):
        await partition.take(log(8, first=12))
    assert partition.next_offset == 5


@pytest.mark.parametrize("why", ["retention", "hole"])
async def test_a_gap_of_the_log_itself_is_gone_over(shells: Shells, why: str) -> None:
    _, partition = started(shells)
    await partition.take(log(5))
    shells.topics.logs["tweets", 0] = log(8, first=12)
    if why == "retention":
        shells.topics.cut("tweets", 0, 12)
    await partition.take(log(8, first=12))
    assert partition.next_offset == 20
    assert shells.context.metrics.gaps.labels(kind=why)._value.get() == 1


@pytest.mark.parametrize(("committed", "first", "lost"), [(None, 12, 0), (12, 12, 0), (5, 12, 1)])
async def test_what_retention_took_while_nobody_read_is_counted_once(
    shells: Shells, committed: int | None, first: int, lost: int
) -> None:
    _, partition = started(shells, committed=committed, first=first)
    partition.start(committed, first)  # the same assignment is sought again
    assert shells.context.metrics.gaps.labels(kind="retention")._value.get() == lost


@pytest.mark.parametrize(("stamped_by", "known"), [(1, NOW_MS), (0, None)])
async def test_only_a_time_that_the_broker_gave_is_the_broker_s(
    shells: Shells, monkeypatch: pytest.MonkeyPatch, stamped_by: int, known: int | None
) -> None:
    """Of a topic stamped by its producers an acknowledgement says what our own clock said."""
    monkeypatch.setattr("streams.pipeline.ingest.monotonic_seconds", lambda: 100.0)
    stage, partition = started(shells)
    shells.sender.at_once, shells.sender.stamped_by = True, stamped_by
    await partition.take(log(5))
    await partition.flush()
    assert partition.sent_offset == 5 and stage._broker_now_ms() == known


class Enough(Exception):
    """Ends a loop that has no end."""


async def claimed(shells: Shells, monkeypatch: pytest.MonkeyPatch, read: int, there: int) -> int:
    """Seconds by which a watermark has moved on after one look at a log of which so much is there, and so much read.

    The broker was last heard of 30 seconds ago; its answer takes five.
    """
    seconds, answers = [100.0], iter([135.0])

    def asked() -> None:
        if (at := next(answers, None)) is None:
            raise Enough
        seconds[0] = at

    monkeypatch.setattr("streams.pipeline.ingest.monotonic_seconds", lambda: seconds[0])
    monkeypatch.setattr("streams.pipeline.ingest._IDLE_SECONDS", 0)
    stage, partition = started(shells)
    shells.topics.logs["tweets", 0] = log(there)
    await partition.take(log(read))
    stage.heard(NOW_MS)
    seconds[0] = 130.0
    shells.topics.asked = asked
    with pytest.raises(Enough):
        await stage._claim_for_ever()
    assert partition.core is not None
    return (partition.core.watermark_ms - (NOW_MS - TIMES.watermark_slack_ms)) // 1000


async def test_an_idle_partition_claims_the_time_before_it_asked_for_the_end(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await claimed(shells, monkeypatch, read=5, there=5) == 30


async def test_a_partition_that_has_not_read_all_claims_nothing(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await claimed(shells, monkeypatch, read=5, there=6) == 0
