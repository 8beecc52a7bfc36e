"""The publish stage: decisions and moderation folded, written to Redis by compare-and-set.

Both topics are read from their beginning after every assignment: the fold is the state, Redis only a view of it. When
the end that a partition had at assignment is reached it is reconciled, which opens it for ordinary writes; a refused
write (Redis was lost) leads to a reconcile at once. A write says on which offset of the log it follows, so that Redis
refuses it if somebody else, who had read less, has put the partition back meanwhile.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hushtag_client.registers import Register

from streams.clock import now_ms
from streams.errors import ContractError, FlagStoreUnavailable
from streams.flags.decision_fold import DecisionFold
from streams.flags.moderation_fold import ModerationFold
from streams.flags.store import Applied, FlagStore
from streams.log.decisions import Decision, Progress, decode_record
from streams.log.moderation import decode_moderation
from streams.log.reading import LogReader, connection
from streams.orders.deadlines import clocks
from streams.pipeline.context import Context
from streams.pipeline.gaps import cut_short

RECONCILE_SECONDS = 30.0
HEARTBEAT_SECONDS = 1.0
_AGAIN_SECONDS = 0.1


class _Published(ABC):
    """A partition whose fold goes to Redis; implements `streams.pipeline.stages.Partition`."""

    replay_point: int | None = None
    full = False
    """What is not written yet waits as registers, the last word on each."""

    def __init__(self, context: Context, topic: str, number: int, name: str) -> None:
        self.name = name
        self.ready = False
        self._context = context
        self._topic = topic
        self._number = number
        self._next_offset = 0
        self.written = 0
        """The offset before which everything in the log has been written to Redis."""
        self._dropped = False
        self._end: int | None = None
        self._writing = asyncio.Lock()
        self._changed: dict[tuple[str, str, str, str], Register] = {}
        self._wake = asyncio.Event()
        self._tasks = [
            context.spawn(self._find_end(), f"publish-{name}-end"),
            context.spawn(self._write_for_ever(), f"publish-{name}"),
        ]

    def start(self, committed: int | None, first: int) -> int:
        self._next_offset = max(self._next_offset, first)
        self._wake.set()
        return self._next_offset

    @property
    def position(self) -> int | None:
        return self._next_offset

    @property
    def reached(self) -> int | None:
        return self._next_offset

    def drop(self) -> None:
        self._dropped = True
        self.ready = False
        for task in self._tasks:
            task.cancel()

    async def take(self, batch: Sequence[Any]) -> None:
        """Fold, and leave the writing to a task: a Redis that is away must not hold up what is read."""
        for record in batch:
            if record.offset < self._next_offset:
                continue
            self._next_offset = record.offset + 1
            self._offer(self._fold(record))
        self._wake.set()

    def _offer(self, registers: Sequence[Register]) -> None:
        for register in registers:
            self._changed[register.hashtag, register.surface, register.country, register.source] = register
        if registers:
            self._wake.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self.ready:
                await self._caught_up()
            changed, self._changed = (self._changed, {}) if self.ready else ({}, self._changed)
            if changed:
                await self._write(list(changed.values()), self._next_offset)

    @abstractmethod
    def _fold(self, record: Any) -> list[Register]:
        """Take a record; the registers that it changes."""

    @abstractmethod
    def _all(self) -> list[Register]:
        """Everything to put back at a reconcile."""

    async def _find_end(self) -> None:
        """What Redis was told of another log has higher versions than this one will have: nothing could be changed.

        So it is asked first, before anything is written there.
        """
        remembered = await self._remembered()
        async with LogReader(connection(self._context.settings), self._topic) as reader:
            end = (await reader.bounds((self._number,)))[self._number].end
        if end < remembered:
            raise cut_short(self._topic, self._number, end, remembered)
        self._end = end
        self._wake.set()

    async def _remembered(self) -> int:
        """Up to where Redis has heard of the log."""
        store, metrics = self._context.store, self._context.metrics
        assert store is not None
        while True:
            try:
                return await store.remembered(self.name)
            except FlagStoreUnavailable as error:
                metrics.redis_up.set(0)
                await asyncio.sleep(error.retry_after_seconds)

    async def _caught_up(self) -> None:
        """Once the end that the log had at assignment is reached, open the partition for writes."""
        if self._end is not None and self._next_offset >= self._end and not self._dropped:
            self._changed = {}
            await self.reconcile()
            self.ready = not self._dropped

    async def reconcile(self) -> None:
        """Put everything back; a no-op for what stands already."""
        while await self._stored(self._put_back) and not self._dropped:
            await asyncio.sleep(_AGAIN_SECONDS)  # the server was lost once more in the middle of it
        self._context.metrics.reconciles.inc()

    async def _put_back(self, store: FlagStore) -> Applied:
        upto = self._next_offset
        return self._reached(await store.reconcile(self.name, self._all(), upto=upto), upto)

    def _reached(self, done: Applied, upto: int) -> Applied:
        if not done.refused:
            self.written = max(self.written, upto)
        return done

    async def _write(self, registers: Sequence[Register], upto: int) -> None:
        async def write(store: FlagStore) -> Applied:
            return self._reached(await store.apply(self.name, registers, after=self.written, upto=upto), upto)

        refused = await self._stored(write)
        if refused and not self._dropped:
            await self.reconcile()
        for register in registers:
            if register.provisional and register.action in ("suppress", "hold"):  # a settled one waits for its tick
                self._context.metrics.event_to_flag_seconds.observe(max(0, now_ms() - register.decided_at_ms) / 1000)

    async def _stored(self, write: Callable[[FlagStore], Awaitable[Applied]]) -> bool:
        """Write, waiting out a Redis that is away; readers go on with what they know. Whether it was refused."""
        store, metrics = self._context.store, self._context.metrics
        assert store is not None
        async with self._writing:
            while not self._dropped:
                try:
                    done = await write(store)
                except FlagStoreUnavailable as error:
                    metrics.redis_up.set(0)
                    metrics.flag_writes.labels(result="unavailable").inc()
                    await asyncio.sleep(error.retry_after_seconds)
                    continue
                metrics.redis_up.set(1)
                metrics.flag_writes.labels(result="applied").inc(done.applied)
                metrics.flag_writes.labels(result="stale").inc(done.stale)
                if done.refused:
                    metrics.flag_writes.labels(result="refused").inc()
                return done.refused
        return False


class DecisionsPartition(_Published):
    """One shard's automated decisions."""

    def __init__(self, stage: DecisionsStage, number: int) -> None:
        super().__init__(stage.context, stage.topic, number, str(number))
        self.settled_ms = 0
        self.fold = stage.new_fold()

    def _fold(self, record: Any) -> list[Register]:
        said = decode_record(record.value)
        if isinstance(said, Progress):
            self.settled_ms = max(self.settled_ms, said.settled_ms)
            return []
        assert isinstance(said, Decision)
        return self.fold.apply(said)

    def _all(self) -> list[Register]:
        return self.fold.registers()

    async def tidy(self, at_ms: int) -> None:
        """Forget what is over."""
        self.fold.prune(at_ms)


class ModerationPartition(_Published):
    """People's decisions: from the topic to Redis without the judge."""

    def __init__(self, stage: ModerationStage, number: int) -> None:
        super().__init__(stage.context, stage.topic, number, "moderation")
        self.fold = ModerationFold(max_broker_skew_ms=stage.context.settings.max_broker_skew_ms)

    def _fold(self, record: Any) -> list[Register]:
        if record.value is None:
            return []
        try:
            return self.fold.apply(decode_moderation(record.value, record.key), record.offset, now_ms())
        except ContractError:
            self._context.metrics.moderation_refused.inc()
            return []

    def _all(self) -> list[Register]:
        self.fold.lapse(now_ms())
        return self.fold.registers()

    async def tidy(self, at_ms: int) -> None:
        """Bring back what stood before an override that has run out; forget what is over; tell the orders' clocks."""
        self._offer(self.fold.lapse(at_ms))
        self.fold.prune(at_ms)
        running = clocks(self.fold.cases.cases.values(), at_ms)
        self._context.metrics.set_order_clocks((one.country, one.nearest_seconds, one.open_orders) for one in running)

    def drop(self) -> None:
        super().drop()
        self._context.metrics.set_order_clocks(())


class DecisionsStage:
    """All shards' decisions of this worker."""

    def __init__(self, context: Context, new_fold: Callable[[], DecisionFold]) -> None:
        self.context = context
        self.topic = context.settings.topic("suppression-decisions")
        self.new_fold = new_fold
        self._partitions: dict[int, DecisionsPartition] = {}

    def partition(self, number: int) -> DecisionsPartition:
        self._partitions[number] = DecisionsPartition(self, number)
        return self._partitions[number]

    async def run(self) -> None:
        """Every second a heartbeat and a look whether Redis has lost us; every 30 a reconcile all the same."""
        loop = asyncio.get_running_loop()
        due = loop.time() + RECONCILE_SECONDS
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            live = [one for one in self._partitions.values() if one.ready]
            settled = {one_number: one.settled_ms for one_number, one in self._partitions.items() if one.ready}
            store = self.context.store
            assert store is not None
            try:
                if settled:
                    lost = await store.closed({one.name: one.written for one in live})
                    for one in live:
                        if one.name in lost:
                            await one.reconcile()
                    await store.heartbeat(settled, now_ms())
                    self.context.metrics.redis_up.set(1)
                if loop.time() >= due:
                    due = loop.time() + RECONCILE_SECONDS
                    for one in live:
                        await one.tidy(now_ms())
                        await one.reconcile()
                    await store.sweep(now_ms())
            except FlagStoreUnavailable:
                self.context.metrics.redis_up.set(0)


class ModerationStage:
    """The moderation topic, where this worker has it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.topic = context.settings.topic("moderation")
        self._partition: ModerationPartition | None = None

    def partition(self, number: int) -> ModerationPartition:
        self._partition = ModerationPartition(self, number)
        return self._partition

    async def run(self) -> None:
        """Every second what has expired and whether Redis has lost us; every 30 a reconcile all the same."""
        seconds = 0.0
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            seconds += HEARTBEAT_SECONDS
            one = self._partition
            if one is None or not one.ready:
                continue
            store = self.context.store
            assert store is not None
            try:
                await one.tidy(now_ms())
                if seconds >= RECONCILE_SECONDS or await store.closed({one.name: one.written}):
                    seconds = 0.0
                    await one.reconcile()
            except FlagStoreUnavailable:
                self.context.metrics.redis_up.set(0)
