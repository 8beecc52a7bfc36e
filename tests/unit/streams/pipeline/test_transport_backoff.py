"""A fetch that a rebalance leaves behind takes nothing from the new assignment."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

from aiokafka.errors import IllegalStateError
from faust.types.tuples import TP

from streams.pipeline.transport import ConsumerThread, NoTables

TWEETS, PARTIALS = TP("tweets", 0), TP("hashtag-partials", 1)
RECORDS = {TWEETS: [SimpleNamespace(offset=7), SimpleNamespace(offset=8)], PARTIALS: [SimpleNamespace(offset=3)]}


class Thread(ConsumerThread):
    """Without a broker, and without a thread: what is called in it is called here."""

    def __init__(self) -> None:
        self.consumer: Any = SimpleNamespace(epoch=4)
        self.app: Any = SimpleNamespace(stages=SimpleNamespace(fetchable=lambda partitions: partitions))
        self.sought: list[tuple[TP, int]] = []
        self.assigned = {TWEETS, PARTIALS}
        self.arrived = asyncio.Event()

    def _ensure_consumer(self) -> Any:
        return SimpleNamespace(seek=self._seek, _max_poll_records=100)

    def _seek(self, tp: TP, offset: int) -> None:
        if tp not in self.assigned:
            raise IllegalStateError("not assigned")
        self.sought.append((tp, offset))

    async def call_thread(self, fun: Any, *args: Any, **kwargs: Any) -> Any:
        return await fun(*args, **kwargs)

    async def _fetch_records(self, *_: Any, **__: Any) -> Any:
        await self.arrived.wait()
        return RECORDS


async def fetched(thread: Thread) -> asyncio.Task[Any]:
    task = asyncio.ensure_future(thread.getmany({TWEETS, PARTIALS}, timeout=1.0))
    await asyncio.sleep(0)
    return task


async def test_fetch_delivers_requested_records():
    thread = Thread()
    task = await fetched(thread)
    thread.arrived.set()
    assert await task == RECORDS and thread.sought == []


async def test_fetch_seeks_back_after_a_rebalance():
    thread = Thread()
    task = await fetched(thread)
    thread.consumer.epoch += 2  # revoked, assigned, sought
    thread.arrived.set()
    assert await task == {}
    assert thread.sought == [(TWEETS, 7), (PARTIALS, 3)]


async def test_fetch_ignores_partitions_no_longer_assigned():
    thread = Thread()
    task = await fetched(thread)
    thread.consumer.epoch += 2
    thread.assigned = {PARTIALS}
    thread.arrived.set()
    assert await task == {} and thread.sought == [(PARTIALS, 3)]


async def test_fetch_of_an_older_epoch_is_skipped():
    thread = Thread()
    assert await thread._fetch_for(3, thread._ensure_consumer(), set()) == {}


async def test_topics_are_subscribed_without_delay():
    tables = Mock(spec=NoTables, recovery=Mock(start=AsyncMock()), _update_channels=AsyncMock())
    await NoTables.on_start(tables)
    tables._update_channels.assert_awaited_once()  # it lets the conductor subscribe
    tables.recovery.start.assert_awaited_once()
    tables.sleep.assert_not_called()
