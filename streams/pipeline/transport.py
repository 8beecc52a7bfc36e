"""A Kafka transport for Faust with one event per fetched batch and with start positions chosen by the stages.

Faust gives an agent one event per record: 12,500 to 18,000 tweets/s. One event per *batch* is ten times as fast. Ten
more things differ from the driver that this module subclasses:

- `perform_seek` seeks every assigned partition to the offset that its stage asks for. aiokafka's `seek_to_committed`
  skips partitions whose committed offset is none or 0, and what was fetched while Faust's flow was stopped is lost.
- Records fetched while the assignment changes are discarded, and a seek is due before anything else is delivered.
- A rebalance cancels the task that waits for a fetch, but not the fetch, which continues in the consumer's thread. Its
  records of the new assignment would be lost, so it seeks back to the first of them.
- Partitions that a stage has paused are not fetched.
- A stage may read columns instead of records (`streams.pipeline.fetched_columns`).
- A commit carries a note of the stage, and a start gets it back. Faust commits empty notes, and aiokafka drops them.
- The commit position is a stage's replay point. Faust's ack lists are not used: topics are declared `acks=False`.
- States are dropped before a revocation proceeds, and created before an assignment proceeds.
- The topics are subscribed at once. Faust waits a second for tables that the app may still declare.
- While no broker answers, metadata requests pause (`streams.log.metadata_backoff`).

Theory of operation: the transport reports assignments to a `PartitionHooks` object (see `stages.py`) and asks it for
starts and replay points. The stages skip or refuse records by offset; the transport never decides what counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Protocol, cast

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaTimeoutError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.serializers.schemas import Schema
from faust.tables.manager import TableManager
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from streams.counting.records import RecordColumns
from streams.log.metadata_backoff import with_metadata_backoff
from streams.pipeline.fetched_columns import with_columns

_RETRY_SECONDS = 0.05
"""Pause before the next fetch when every partition is paused, and before the next try of a failed seek."""


class PartitionHooks(Protocol):
    """The calls of the transport into the application; `streams.pipeline.stages.Assignments` implements them."""

    def revoked(self) -> None:
        """Drop every state and replay point now: all partitions are about to be revoked."""

    def assigned(self, tps: Iterable[TP]) -> None:
        """Create the states of newly assigned partitions."""

    def start_at(self, tp: TP, committed: int | None, first: int, note: str = "") -> int:
        """Return the offset to read from, given the committed offset (None: none), the log's first, and the note."""

    def commit_note(self, tp: TP) -> str:
        """Return the note to commit with an offset; "" for none."""

    def replay_points(self) -> Mapping[TP, int]:
        """Return the offsets that may be committed."""

    def fetchable(self, active: Iterable[TP]) -> set[TP]:
        """Return those of the active partitions to fetch from now."""

    def reads_columns(self, topic: str) -> bool:
        """Return whether the stage of a topic takes `RecordColumns` instead of a list of records."""

    def consumer_options(self) -> Mapping[str, Any]:
        """Return the arguments of aiokafka's consumer: servers, security, group, timeouts."""


def hooks_of(app: Any) -> PartitionHooks:
    """Return the hooks that the worker has set on its app."""
    return cast(PartitionHooks, app.stages)


class BatchSchema(Schema):  # type: ignore[type-arg]
    """Passes a batch to the agent unchanged."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Return the function that makes an event of a message; called by Faust."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, message.headers, message)

        return decode


def with_commit_notes(consumer: Any, note: Callable[[TP], str]) -> Any:
    """Make a consumer commit a note with each offset, where Faust commits an empty one; return the same object."""
    commit = consumer.commit

    async def commit_with_notes(offsets: Mapping[Any, OffsetAndMetadata]) -> None:
        await commit({tp: OffsetAndMetadata(offset.offset, note(TP(*tp))) for tp, offset in offsets.items()})

    consumer.commit = commit_with_notes
    return consumer


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Thread of the aiokafka consumer, with the worker's options."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        self._assignor = RoundRobinPartitionAssignor
        consumer = with_metadata_backoff(
            aiokafka.AIOKafkaConsumer(
                partition_assignment_strategy=[RoundRobinPartitionAssignor],
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                **hooks_of(self.app).consumer_options(),
            )
        )
        with_columns(consumer, lambda topic: hooks_of(self.app).reads_columns(topic))
        return with_commit_notes(consumer, lambda tp: hooks_of(self.app).commit_note(tp))

    async def committed(self, tps: Iterable[TP]) -> dict[TP, OffsetAndMetadata]:
        """Return the committed offsets with their notes; a partition without one is left out."""
        return await self.call_thread(self._committed, list(tps))  # type: ignore[no-any-return]

    async def _committed(self, tps: list[TP]) -> dict[TP, OffsetAndMetadata]:
        partitions = [TopicPartition(*tp) for tp in tps]
        committed = await self._ensure_consumer()._coordinator.fetch_committed_offsets(partitions)
        return {TP(*tp): offset for tp, offset in committed.items()}

    async def getmany(self, active_partitions: Any, timeout: float) -> Any:
        """Fetch records through the thread; called from the main loop."""
        consumer, epoch = self._ensure_consumer(), cast(Consumer, self.consumer).epoch
        active_partitions = hooks_of(self.app).fetchable(active_partitions)
        if not active_partitions:  # without partitions the consumer would return all of them
            await asyncio.sleep(min(timeout, _RETRY_SECONDS))
            return {}
        return await self.call_thread(
            self._fetch_for, epoch, consumer, active_partitions, timeout=timeout, max_records=consumer._max_poll_records
        )

    async def _fetch_for(self, epoch: int, consumer: Any, active_partitions: Any, **options: Any) -> Any:
        """Fetch in the thread; if the assignment has changed meanwhile, seek back to the first fetched record."""
        if epoch != cast(Consumer, self.consumer).epoch:
            return {}
        records = await self._fetch_records(consumer, active_partitions, **options)
        if epoch == cast(Consumer, self.consumer).epoch:
            return records
        for tp, batch in records.items():
            if batch:
                with suppress(IllegalStateError):  # it is no longer assigned
                    consumer.seek(tp, batch[0].offset)
        return {}

    def topic_partitions(self, topic: str) -> int | None:
        """Return the number of partitions by the client's metadata: Faust's own snapshot exists only on the leader."""
        partitions = self._consumer.partitions_for_topic(topic) if self._consumer is not None else None
        return len(partitions) if partitions else None


class Consumer(driver.Consumer):
    """Consumer that delivers batches, and seeks and commits as the stages decide."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.epoch = 0
        """Number of revocations and assignments. A fetch that began under a lower number is stale."""
        self._seek_due = False

    @property
    def stages(self) -> PartitionHooks:
        """Hooks of the application."""
        return hooks_of(self.app)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drop the state of all partitions, and make the fetches under way stale."""
        self.epoch += 1
        self._seek_due = True
        self.stages.revoked()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Create the state of the assigned partitions, and make a seek due."""
        self.epoch += 1
        self._seek_due = True
        self.stages.assigned(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek every assigned partition to the start that its stage chooses, or leave the seek due.

        A partition without a leader, as after a broker's end, gives no answer. Nothing is delivered until it does.
        """
        try:
            await self._seek_to_starts()
        except (TimeoutError, KafkaTimeoutError) as error:
            self.log.warning("no answer to the seek, retrying: %r", error)

    async def _seek_to_starts(self) -> None:
        epoch = self.epoch
        tps = list(self.assignment())
        if not tps:
            self._seek_due = False
            return
        deadline_seconds = (
            self.app.conf.broker_request_timeout / 2 - 1
        )  # Faust's recovery never returns from its own timeout
        async with asyncio.timeout(deadline_seconds):
            committed = await cast(ConsumerThread, self._thread).committed(tps)
            first = await self.earliest_offsets(*tps)
        if epoch != self.epoch:
            raise IllegalStateError("the assignment changed")  # so that Faust does not resume the flow for the old one
        starts = {}
        for tp in tps:
            last = committed.get(tp)
            at, note = (last.offset, last.metadata) if last is not None and last.offset >= 0 else (None, "")
            starts[tp] = self.stages.start_at(tp, at, first[tp], note)
            self._committed_offset.pop(tp, None)
            if at and note == self.stages.commit_note(tp):  # Faust commits only what is above it
                self._committed_offset[tp] = at
        async with asyncio.timeout(deadline_seconds):
            await self.seek_wait(starts)
        if epoch == self.epoch:
            self._seek_due = False

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield one event per fetched batch of one partition."""
        epoch = self.epoch
        records, active = await self._wait_next_records(timeout)
        if records is None or self.should_stop:
            return
        if epoch != self.epoch or not self.flow_active:
            self._seek_due = True  # the fetched records are discarded, so a seek must rewind
            return
        if self._seek_due:
            await self._retry_seek()
            return
        for tp, batch in records.items():
            if epoch != self.epoch or not self.flow_active:
                self._seek_due = True
                return
            if not batch or (active is not None and tp not in active and tp not in self._buffered_partitions):
                continue
            self._read_offset[tp] = None  # Faust drops records below it; only a state may skip records
            yield tp, self._batch_message(tp, batch)
            self._read_offset[tp] = None

    async def _retry_seek(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:  # the assignment changed meanwhile: the seek stays due
            self.log.warning("seek failed, retrying: %r", error)
            await self.sleep(_RETRY_SECONDS)

    def _batch_message(self, tp: TP, batch: Sequence[Any] | RecordColumns) -> ConsumerMessage:
        last, value = batch[-1], cast(Any, batch)
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000.0, 0, None, None, value,
            None, None, None, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter([tp for tp in self.stages.replay_points() if topics is None or tp in topics or tp.topic in topics])

    def _new_offset(self, tp: TP) -> int | None:
        return self.stages.replay_points().get(tp)


class NoTables(TableManager):
    """Table manager of an app without tables: it does not delay the start."""

    async def on_start(self) -> None:
        """Start recovery at once, without Faust's second of sleep."""
        await self._update_channels()
        await self.recovery.start()


class Transport(driver.Transport):
    """Faust transport of the scheme `hushtag://`."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    default_port = 9092


def register() -> None:
    """Register the scheme, whether or not the package's entry points are installed."""
    drivers.TRANSPORTS.aliases["hushtag"] = f"{__name__}:Transport"
