"""Idle source partitions: advance their watermark by the broker's clock, so that they do not hold back settling.

A partition that is read to its end advances to the time taken *before* Kafka was asked for that end. Taken afterwards,
the time could cover a record that was appended in between and is not read yet.

The end is the leader's log end, as `streams.log.leader_epochs` proves it. The high watermark alone does not suffice:
above it lie records that the leader has stamped and not yet replicated. So position, high watermark and log end must
agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Protocol

import structlog

from streams.clock import monotonic_seconds
from streams.counting.ingest import SourcePartition
from streams.errors import DependencyAway
from streams.log.leader_epochs import LeaderEpochs
from streams.log.reading import Bounds, LogReader, connection
from streams.pipeline.gaps import cut_short, recreated
from streams.settings import Settings

_log = structlog.get_logger("hushtag.ingest")
_POLL_SECONDS = 0.5


class BrokerClock:
    """The broker's time, estimated from its last timestamp; never ahead of the broker.

    A watermark speaks of the broker's log, so this worker's own wall clock has no part in it.
    """

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None

    def set(self, broker_ms: int) -> None:
        """Store the log-append time of a record that has just been acknowledged."""
        self._last = (broker_ms, monotonic_seconds())

    def now_ms(self) -> int | None:
        """Return the last timestamp plus the time since then; None before the first."""
        if self._last is None:
            return None
        broker_ms, set_at_seconds = self._last
        return broker_ms + int((monotonic_seconds() - set_at_seconds) * 1000)


class IdleSource(Protocol):
    """The state of a source partition that may be idle; see `streams.pipeline.ingest_partition`."""

    core: SourcePartition | None
    next_offset: int | None
    known_end: int | None


class IdleSources:
    """Advances the watermarks of this worker's idle source partitions.

    Args:
        settings: address of the brokers.
        topic: name of the source topic.
        source_id: id of the topic that is counted.
        epochs: answers for the topic's id and its proven log ends.
        clock: the broker's time.
        partitions: returns the assigned partitions, by number.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        source_id: str,
        epochs: LeaderEpochs,
        clock: BrokerClock,
        partitions: Callable[[], Mapping[int, IdleSource]],
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._source_id = source_id
        self._epochs = epochs
        self._clock = clock
        self._partitions = partitions
        self._last_offsets: dict[int, int | None] = {}
        """`next_offset` of each partition at the last query."""

    async def run(self) -> None:
        """Query the ends until cancelled. A silent broker does not end the worker here: flushes have a deadline.

        Raises:
            SourceRecreated: the topic has another id.
            TopicsError: a log has become shorter.
        """
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                async with self._reader() as reader:
                    await self._advance_until_partitions_are_added(reader)
            except DependencyAway as error:
                _log.warning("cannot query the ends of the tweets partitions, retrying", why=str(error))

    def _reader(self) -> LogReader:
        return LogReader(connection(self._settings), self._topic, max_records=1)  # one record proves there are any

    async def _advance_until_partitions_are_added(self, reader: LogReader) -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            assigned = {number: source for number, source in self._partitions().items() if source.core is not None}
            before_asking_ms = self._clock.now_ms()
            read = {number: source.next_offset for number, source in assigned.items()}
            view = await self._epochs.describe()
            if view is None:
                continue
            if view.topic_id != self._source_id:
                raise recreated(self._topic, self._source_id, view.topic_id)
            if not assigned.keys() <= set(reader.partitions):
                return
            if not assigned or before_asking_ms is None:
                continue
            log_ends = await self._epochs.log_ends(view, assigned)
            for number, bounds in (await reader.bounds(tuple(assigned))).items():
                log_end = log_ends.get(number)
                if log_end is not None:
                    self._check_length(number, read[number], log_end)
                await self._advance(reader, assigned[number], number, bounds, log_end, before_asking_ms)

    def _check_length(self, number: int, read_before: int | None, log_end: int) -> None:
        if read_before is not None and read_before > log_end:
            raise cut_short(self._topic, number, log_end, read_before)

    async def _advance(
        self,
        reader: LogReader,
        source: IdleSource,
        number: int,
        bounds: Bounds,
        log_end: int | None,
        before_asking_ms: int,
    ) -> None:
        next_offset, end = source.next_offset, bounds.end
        if next_offset is None:
            return
        if next_offset < end and self._last_offsets.get(number) == next_offset:
            # No record since the last query: only transaction markers may remain.
            async with aclosing(reader.to_end({number: next_offset}, {number: end})) as rest:
                async for _ in rest:
                    break  # a record exists, so it will be delivered
                else:
                    next_offset = end
        self._last_offsets[number] = source.next_offset
        source.known_end = end if next_offset < end else source.next_offset
        if log_end is not None and next_offset >= log_end and source.core is not None:
            source.core.advance_idle(before_asking_ms)
