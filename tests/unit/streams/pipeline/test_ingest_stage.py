"""The ingest stage: source partitions far ahead of the slowest one are paused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faust.types.tuples import TP

from streams.counting.times import TimeRules
from streams.pipeline.ingest_partition import IngestPartition
from streams.pipeline.ingest_stage import IngestStage
from tests.support.block_counts import TOPIC_ID
from tests.support.shells import NOW_MS, Kept, Shells, make_shells
from tests.support.sources import tweet

TIMES = TimeRules()


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shells]:
    made = make_shells(monkeypatch, shards=2)
    yield made
    made.context.executor.shutdown()


async def read(partition: IngestPartition, offset: int, at_ms: int) -> None:
    await partition.process([Kept(offset, at_ms, None, tweet(offset, at_ms=at_ms))])


async def test_source_beyond_max_lag_of_the_slowest_is_paused(shells: Shells) -> None:
    """No tick settles before the slowest source has passed it, so further reading only fills open panes."""
    limit_ms = shells.context.settings.max_lag_ms
    stage = IngestStage(shells.context, TOPIC_ID, TIMES, lambda: 2)
    slow, fast = stage.partition(0), stage.partition(1)
    slow.start_at(None, 0)
    fast.start_at(None, 0)
    assert stage.too_far_ahead() == frozenset(), "no watermark is known yet"
    await read(slow, 0, NOW_MS)
    await read(fast, 0, NOW_MS + limit_ms)
    assert stage.too_far_ahead() == frozenset(), "exactly at the limit"
    await read(fast, 1, NOW_MS + limit_ms + 1)
    assert stage.too_far_ahead() == {TP("tweets", 1)}
    await read(slow, 1, NOW_MS + 1)
    assert stage.too_far_ahead() == frozenset()
    stage.judged_ms = lambda: NOW_MS - TIMES.watermark_slack_ms - limit_ms
    assert stage.too_far_ahead() == {TP("tweets", 0), TP("tweets", 1)}, "a source of another worker is slower"
    stage.judged_ms = lambda: -1
    slow.drop()
    assert stage.too_far_ahead() == frozenset(), "another worker owns the slow source now"
