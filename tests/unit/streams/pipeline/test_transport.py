"""The transport over a broker in memory: where reading begins, what a rebalance takes, what is committed.

Everything is Faust's and ours, down to the aiokafka consumer, whose place a fake takes that does what aiokafka does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError, KafkaTimeoutError
from aiokafka.structs import OffsetAndMetadata
from faust.types.tuples import TP

from streams.pipeline import transport
from streams.pipeline.app import App
from streams.pipeline.stages import Assignments
from tests.support.shells import Kept

TOPIC = "tweets"
ONE, TWO, THREE = TP(TOPIC, 0), TP(TOPIC, 1), TP(TOPIC, 2)


class FakeKafka:
    """As much of an aiokafka consumer as Faust's driver uses."""

    _closed = False
    _max_poll_records = 3

    def __init__(self) -> None:
        self.logs: dict[TP, range] = {}
        self.committed: dict[TP, int] = {}
        self.notes: dict[TP, str] = {}
        """Notes committed with the offsets."""
        self.assigned: set[TP] = set()
        self.at: dict[TP, int] = {}
        self.before_seek: Callable[[], Awaitable[None]] | None = None
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self._fetcher = SimpleNamespace(
            _closed=False, fetched_records=self._fetched, _subscriptions=SimpleNamespace(fetch_context=self._context)
        )
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._fetch_committed)

    def assign(self, tps: Iterable[TP]) -> None:
        """What a rebalance does: positions are the committed offsets, or the log's first."""
        self.assigned = set(tps)
        self.at = {tp: self.committed.get(tp, self.logs[tp].start) for tp in self.assigned}

    def assignment(self) -> set[TP]:
        return self.assigned

    def seek(self, tp: TP, offset: int) -> None:
        if tp not in self.assigned:
            raise IllegalStateError(f"{tp} is not assigned")
        self.at[tp] = offset

    async def position(self, tp: TP) -> int:
        return self.at[tp]

    async def beginning_offsets(self, tps: Sequence[TP]) -> dict[TP, int]:
        return {tp: self.logs[tp].start for tp in tps}

    async def _fetch_committed(self, tps: Sequence[TP]) -> dict[TP, OffsetAndMetadata]:
        """Return the committed offsets as aiokafka's coordinator does: without the partitions that have none."""
        if self.before_seek is not None:
            happens, self.before_seek = self.before_seek, None
            await happens()
        at = self.committed
        return {tp: OffsetAndMetadata(at[tp], self.notes.get(tp, "")) for tp in tps if tp in at}

    async def seek_to_committed(self) -> dict[TP, int | None]:
        """Seek as aiokafka does: where nothing is committed, or 0, the position stays."""
        self.at |= {tp: at for tp, at in self.committed.items() if tp in self.assigned and at}
        return {tp: self.committed.get(tp) for tp in self.assigned}

    async def commit(self, offsets: Mapping[TP, OffsetAndMetadata]) -> None:
        self.committed.update({tp: given.offset for tp, given in offsets.items()})
        self.notes.update({tp: given.metadata for tp, given in offsets.items()})

    async def _fetched(self, tps: Iterable[TP], timeout: float, max_records: int) -> dict[TP, list[Kept]]:
        found = {}
        for tp in sorted(tps):
            offsets = self.logs[tp][self.logs[tp].index(self.at[tp]) :] if self.at[tp] in self.logs[tp] else range(0)
            batch = [Kept(offset, 0, None, b"") for offset in offsets[:max_records]]
            if batch:
                found[tp] = batch
                self.at[tp] = batch[-1].offset + 1
        if self.before_answer is not None:
            happens, self.before_answer = self.before_answer, None
            await happens()
        return found

    def _context(self) -> AbstractContextManager[None]:
        return nullcontext()


class Thread(transport.ConsumerThread):
    """Calls directly, without a thread."""

    async def call_thread(self, fun: Any, *args: Any, **kwargs: Any) -> Any:
        result = fun(*args, **kwargs)
        return await result if isawaitable(result) else result


class Consumer(transport.Consumer):
    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)


class Taken:
    """A partition that notes what it is given, and refuses a gap, as the stages do."""

    def __init__(self, number: int) -> None:
        self.replay_point: int | None = None
        self.next_offset = -1
        self.offsets: list[int] = []
        self.dropped = False
        self.is_full = False

    def start_at(self, committed: int | None, first: int) -> int:
        self.next_offset = max(committed or 0, first)
        return self.next_offset

    async def process(self, batch: Sequence[Any]) -> None:
        assert batch[0].offset <= self.next_offset, f"{batch[0].offset} where {self.next_offset} was due"
        for record in batch:
            if record.offset >= self.next_offset:
                self.offsets.append(record.offset)
                self.next_offset = record.offset + 1

    def drop(self) -> None:
        self.dropped = True


class Stage:
    topic = TOPIC
    partition = staticmethod(Taken)

    async def run(self) -> None:
        raise AssertionError("the transport runs no stage")


class Worker:
    """An app's consumer, and the broker under it."""

    def __init__(self) -> None:
        transport.register()
        app = App("transport", broker="hushtag://memory", topic_disable_leader=True, web_enabled=False)
        self.assignments = app.stages = Assignments([Stage()], dict)
        self.kafka = FakeKafka()

        async def nothing(*_: Any) -> None:
            pass

        self.consumer = Consumer(app.transport, nothing, nothing, nothing)
        self.consumer._thread._consumer = transport.with_commit_notes(self.kafka, self.assignments.commit_note)
        app.flow_control.resume()

    async def assign(self, *tps: TP, seek: bool = True) -> None:
        """A rebalance, as Faust goes through it: the flow rests until every position was sought."""
        consumer = self.consumer
        consumer.stop_flow()
        await consumer.on_partitions_revoked(set(self.kafka.assigned))
        self.kafka.assign(tps)
        await consumer.on_partitions_assigned(set(tps))
        if seek:
            await consumer.perform_seek()
            consumer.resume_flow()

    async def fetch(self) -> None:
        """One fetch, delivered as the stages' agents do."""
        async for tp, message in self.consumer.getmany(0.0):
            partition = self.assignments.get(tp)
            assert partition is not None
            await partition.process(message.value)

    async def read(self, fetches: int = 20) -> None:
        for _ in range(fetches):
            await self.fetch()

    def taken(self, tp: TP) -> Taken:
        partition = self.assignments.get(tp)
        assert isinstance(partition, Taken)
        return partition


@pytest.fixture
async def worker() -> Worker:
    made = Worker()
    made.kafka.logs = {ONE: range(12), TWO: range(40, 52), THREE: range(12)}
    return made


@pytest.mark.parametrize("committed", [None, 0])
async def test_fetch_in_flight_during_rebalance_loses_nothing(worker: Worker, committed: int | None) -> None:
    """It answers with the first batch of the new assignment while the flow rests; that batch goes nowhere."""
    kafka = worker.kafka
    await worker.assign(ONE)
    await worker.read(2)
    if committed is not None:
        kafka.committed = {ONE: committed, THREE: committed}

    async def rebalance() -> None:
        await worker.assign(ONE, TWO, THREE, seek=False)
        await kafka._fetched([ONE, TWO, THREE], 0.0, 3)

    kafka.before_answer = rebalance
    await worker.fetch()
    assert worker.taken(ONE).offsets == []
    await worker.consumer.perform_seek()
    worker.consumer.resume_flow()
    await worker.read()
    for tp, log in kafka.logs.items():
        assert worker.taken(tp).offsets == list(log)


async def test_paused_partition_is_not_fetched(worker: Worker) -> None:
    await worker.assign(ONE, TWO)
    worker.assignments.too_far_ahead = lambda: frozenset({ONE})
    await worker.read()
    assert worker.taken(ONE).offsets == [] and worker.taken(TWO).offsets == [*range(40, 52)]
    assert set(worker.assignments.unpaused()) == {TWO}, "the watchdog does not wait for it to move"
    worker.assignments.too_far_ahead = lambda: frozenset({ONE, TWO})
    await worker.read()
    assert worker.taken(ONE).offsets == [], "asked for nothing, aiokafka would give all"
    worker.assignments.too_far_ahead = frozenset
    await worker.read()
    assert worker.taken(ONE).offsets == [*range(12)]


async def test_full_partition_does_not_block_others(worker: Worker) -> None:
    """One fetch serves all partitions: a batch without a consumer would block the rest."""
    await worker.assign(ONE, TWO)
    worker.taken(ONE).is_full = True
    await worker.read()
    assert worker.taken(ONE).offsets == [] and worker.taken(TWO).offsets == [*range(40, 52)]
    assert set(worker.assignments.unpaused()) == {ONE, TWO}, "the watchdog sees to it that it moves"
    worker.taken(ONE).is_full = False
    await worker.read()
    assert worker.taken(ONE).offsets == [*range(12)]


async def test_batch_of_an_older_assignment_is_fetched_again(worker: Worker) -> None:
    """The rebalance is over when the fetch returns: the flow is active, the batch is not of these positions."""
    await worker.assign(ONE)
    await worker.read(2)

    async def rebalance() -> None:
        await worker.assign(ONE, THREE)

    worker.kafka.before_answer = rebalance
    await worker.read()
    assert worker.taken(ONE).offsets == worker.taken(THREE).offsets == list(range(12))


async def test_rebalance_between_batches_ends_the_fetch(worker: Worker) -> None:
    await worker.assign(ONE, THREE)
    await worker.fetch()
    batches = worker.consumer.getmany(0.0)
    assert (await anext(batches))[0] == ONE
    await worker.assign(ONE, THREE)
    assert [tp async for tp, _ in batches] == [], "what is left of it is not of these positions"
    await worker.read()
    assert worker.taken(ONE).offsets == worker.taken(THREE).offsets == list(range(12))


async def test_reading_starts_at_the_committed_or_chosen_offset(worker: Worker) -> None:
    worker.kafka.committed = {ONE: 7, TWO: 3}
    await worker.assign(ONE, TWO)
    await worker.read()
    assert worker.taken(ONE).offsets == list(range(7, 12))
    assert worker.taken(TWO).offsets == list(range(40, 52)), "retention took what was committed"


async def test_failed_seek_is_repeated_before_any_delivery(worker: Worker) -> None:
    """The assignment changes while the committed offsets are asked for."""

    async def rebalance() -> None:
        await worker.assign(THREE, seek=False)

    await worker.assign(ONE, seek=False)
    worker.kafka.before_seek = rebalance
    with pytest.raises(IllegalStateError):
        await worker.consumer.perform_seek()
    worker.consumer.resume_flow()
    await worker.kafka._fetched([THREE], 0.0, 3)
    await worker.read()
    assert worker.taken(THREE).offsets == list(range(12))


async def test_seek_without_an_answer_stays_due(worker: Worker) -> None:
    """The partition has no leader for a while. An error here would end the worker."""

    async def no_leader() -> None:
        raise KafkaTimeoutError("no offsets in 15000 ms")

    worker.kafka.committed = {ONE: 7}
    worker.kafka.before_seek = no_leader
    await worker.assign(ONE)
    await worker.kafka._fetched([ONE], 0.0, 3)
    await worker.read()
    assert worker.taken(ONE).offsets == list(range(7, 12))


async def test_revocation_drops_states_and_assignment_creates_new_ones(worker: Worker) -> None:
    await worker.assign(ONE)
    await worker.read()
    before = worker.taken(ONE)
    before.replay_point = 5
    await worker.assign(ONE)
    assert before.dropped and worker.taken(ONE) is not before
    assert worker.assignments.replay_points() == {}


async def test_commit_position_is_the_replay_point(worker: Worker) -> None:
    await worker.assign(ONE, THREE)
    await worker.read()
    consumer = worker.consumer
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {}
    worker.taken(ONE).replay_point = 4
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {ONE: 4}


async def commit(worker: Worker, tp: TP, offset: int) -> None:
    worker.taken(tp).replay_point = offset
    await worker.consumer._commit_offsets(
        worker.consumer._filter_committable_offsets(worker.consumer._filter_tps_with_pending_acks())
    )


async def test_topic_created_again_is_read_from_its_first_offset(worker: Worker) -> None:
    """Its offsets begin anew: the committed one is of another log, and so is the end of what was committed."""
    recreated: list[TP] = []
    worker.assignments.topic_ids[TOPIC] = "old"
    worker.assignments.note_recreated = recreated.append
    await worker.assign(ONE, THREE)
    await worker.read()
    await commit(worker, ONE, 7)
    assert (worker.kafka.committed, worker.kafka.notes) == ({ONE: 7}, {ONE: "old"})
    await worker.assign(ONE)
    await worker.read()
    assert worker.taken(ONE).offsets == list(range(7, 12)) and recreated == []
    worker.assignments.topic_ids[TOPIC] = "new"
    await worker.assign(ONE, THREE)
    await worker.read()
    assert worker.taken(ONE).offsets == list(range(12)) and recreated == [ONE]
    await commit(worker, ONE, 3)
    assert (worker.kafka.committed[ONE], worker.kafka.notes[ONE]) == (3, "new"), "below the old topic's offset"


async def test_offset_committed_without_a_note_is_kept(worker: Worker) -> None:
    """Earlier versions committed none. The note is committed with the next offset, though it may be the same."""
    worker.assignments.topic_ids[TOPIC] = "id"
    worker.kafka.committed = {ONE: 7}
    await worker.assign(ONE)
    await worker.read()
    assert worker.taken(ONE).offsets == list(range(7, 12))
    await commit(worker, ONE, 7)
    assert worker.kafka.notes[ONE] == "id"
