"""One source partition of ingest: admit records, count them, and flush the counts to every shard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from streams.constants import BLOCK
from streams.counting.ingest import DUPLICATE_RANGE, DeadLetter, SourcePartition
from streams.counting.keys import Sharding
from streams.counting.records import OFFSET, RecordColumns, SourceRecord
from streams.counting.times import TimeRules
from streams.log.log_clock import LOG_APPEND_TIME
from streams.log.partials import encode_partial
from streams.log.producer import Ack
from streams.log.shown_texts import text_key
from streams.log.topic_specs import SHOWN_TEXTS
from streams.pipeline.context import Context
from streams.pipeline.gaps import Gap, explain_gap
from streams.pipeline.idle_sources import BrokerClock

_log = structlog.get_logger("hushtag.ingest")
_UNSENT_TWEETS = 20_000
_UNSENT_BYTES = 64 * 1024 * 1024
"""Backpressure: past either limit reading waits for a flush. A dead letter may have a megabyte."""
_IDLE_SECONDS = 1.0
"""Least time between two flushes without changes."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """Records of one flush, and the offsets that they reach."""

    records: dict[int, list[bytes]]
    """Records by shard; the last one of each carries the marker."""
    dead_letters: list[DeadLetter]
    deleted: list[int]
    """Ids of deleted tweets."""
    read_offset: int | None
    replay_point: int


class SourcePort(Protocol):
    """The parts of the ingest stage that one source partition uses; see `streams.pipeline.ingest_stage`."""

    context: Context
    topic: str
    partials_topic: str
    source_id: str
    times: TimeRules
    sharding: Sharding
    broker_clock: BrokerClock

    def sources(self) -> int:
        """Return the number of partitions of the source topic."""

    async def confirm_source(self, number: int) -> None:
        """Check that the records read so far are of the topic that this worker counts."""

    def count(self, core: SourcePartition) -> None:
        """Add the counts of one flush to the metrics."""

    async def send_dead_letter(self, letter: DeadLetter) -> Ack:
        """Send a record that cannot be read to the dead-letter topic."""


class IngestPartition:
    """The state of one source partition; implements `streams.pipeline.stages.PartitionState`."""

    is_full = False
    """Never: `process` itself waits for the broker, since no partition of this worker can flush without it."""

    def __init__(self, stage: SourcePort, number: int) -> None:
        self.replay_point: int | None = None
        self.core: SourcePartition | None = None
        self.next_offset: int | None = None
        """The next offset to process; None until the start is known."""
        self.sent_offset: int | None = None
        """The offset up to which every shard has received the counts and the marker."""
        self.known_end: int | None = None
        """The log's end at the last query; where only transaction markers remain, the next offset."""
        self.number = number
        self._stage = stage
        self._dropped = False
        self._flushing = asyncio.Lock()
        self._unsent = 0
        self._unsent_bytes = 0
        self._empty_due_seconds = 0.0

    def start_at(self, committed: int | None, first: int) -> int:
        """Create the core at a block boundary, and return an offset early enough to find duplicates."""
        stage = self._stage
        if self.next_offset is None and committed is not None and committed < first:
            _log.warning("retention removed tweets before they were read", partition=self.number,
                         offsets=first - committed)  # fmt: skip
            stage.context.metrics.gaps.labels(kind=Gap.RETENTION.value).inc()
        replay_point = max(committed or 0, first) // BLOCK * BLOCK
        self.core = SourcePartition(
            self.number,
            stage.sources(),
            stage.source_id,
            replay_point,
            sharding=stage.sharding,
            hashes=stage.context.hashes,
            times=stage.times,
        )
        self._unsent = self._unsent_bytes = 0
        self.next_offset = self.sent_offset = max(first, replay_point - DUPLICATE_RANGE)
        return self.next_offset

    @property
    def position(self) -> int | None:
        """Return the offset up to which counts are sent."""
        return self.sent_offset

    @property
    def required_end(self) -> int | None:
        """Return None: `idle_sources` queries the end of the log, and compares it."""
        return None

    async def process(self, batch: Iterable[SourceRecord]) -> None:
        """Admit and count the records, `RecordColumns` or others, and flush the counts if there are many."""
        records = await self._admit(RecordColumns.of(batch))
        core = self.core
        if core is None or not len(records) or self._dropped:
            return
        self.next_offset = int(records.rows[-1, OFFSET]) + 1
        core.read(records)
        self._unsent += len(records)
        self._unsent_bytes += records.value_bytes
        if self._unsent >= _UNSENT_TWEETS or self._unsent_bytes >= _UNSENT_BYTES:
            await self.flush()

    def drop(self) -> None:
        """Drop the core with its unsent counts, and remove the metrics of the source."""
        self._dropped = True
        self._stage.context.metrics.remove_source(self.number)
        self.core = None
        self.replay_point = None

    async def _admit(self, batch: RecordColumns) -> RecordColumns:
        expected = self.next_offset
        if expected is None:
            return batch.part(0, 0)
        first = int(batch.rows[0, OFFSET])
        if first > expected:
            stage = self._stage
            kind = await explain_gap(stage.context.settings, stage.topic, self.number, expected, first)
            stage.context.metrics.gaps.labels(kind=kind.value).inc()
        return batch.since(expected)

    async def flush(self) -> None:
        """Publish everything counted since the last flush, then move the replay point.

        The steps are numbered below. A failure in steps 2 to 4 drops the partition: its core does not hold the counts
        any more, so no later marker may cover them. The worker then restarts and replays from the committed offset.
        """
        async with self._flushing:
            core = self.core
            if core is None or not self._is_flush_due():
                return
            has_records = bool(self._unsent)
            # 1. Take the counts out of the core, together with the offsets that they reach.
            outgoing = self._take(core)
            try:
                # 2. The topic's id, asked after the records were read: none of them may be of a topic that was created
                #    again under the same name.
                if has_records:
                    await self._stage.confirm_source(self.number)
                if self._dropped:
                    return
                # 3. Dead letters, erasures of deleted tweets' texts, and each shard's records but the last. They are
                #    acknowledged before step 4, so that no marker reaches a log that lacks a partial of this source.
                await self._publish_all_but_markers(outgoing)
                if self._dropped:
                    return
                # 4. Each shard's last record, which carries the marker. All are acknowledged before step 5, so that a
                #    replay begins before the first record that any shard may lack.
                await self._publish_markers(outgoing)
            except BaseException:
                self.drop()  # the flush was not delivered, so no later marker may cover it
                raise
            # 5. The replay point. A partition that was revoked during an await above must not move it.
            if not self._dropped and self.core is core:
                self.replay_point, self.sent_offset = outgoing.replay_point, outgoing.read_offset

    def _is_flush_due(self) -> bool:
        now_seconds = asyncio.get_running_loop().time()
        if not self._unsent and now_seconds < self._empty_due_seconds:
            return False
        self._empty_due_seconds = now_seconds + _IDLE_SECONDS
        return True

    def _take(self, core: SourcePartition) -> _Outgoing:
        self._unsent = self._unsent_bytes = 0
        core.sources = self._stage.sources()
        flushed = core.flush()
        outgoing = _Outgoing(
            records={shard: [encode_partial(record) for record in records] for shard, records in flushed.items()},
            dead_letters=core.dead_letters,
            deleted=core.deleted,
            read_offset=self.next_offset,
            replay_point=core.replay_point,
        )
        self._stage.count(core)
        core.reset_counts()
        return outgoing

    async def _publish_all_but_markers(self, outgoing: _Outgoing) -> None:
        sender, topic = self._stage.context.sender, self._stage.partials_topic
        acks = [await self._stage.send_dead_letter(letter) for letter in outgoing.dead_letters]
        erased = self._stage.context.settings.topic(SHOWN_TEXTS)
        acks += [await sender.send(erased, 0, None, key=text_key(tweet)) for tweet in outgoing.deleted]
        for shard, records in outgoing.records.items():
            acks += [await sender.send(topic, shard, record) for record in records[:-1]]
        await sender.acknowledged(acks)

    async def _publish_markers(self, outgoing: _Outgoing) -> None:
        context, topic = self._stage.context, self._stage.partials_topic
        acks = [await context.sender.send(topic, shard, records[-1]) for shard, records in outgoing.records.items()]
        acknowledged = await context.sender.acknowledged(acks)
        stamped = [ack.timestamp for ack in acknowledged if ack.timestamp_type == LOG_APPEND_TIME]
        if stamped:
            self._stage.broker_clock.set(min(stamped))
        context.metrics.partial_records.inc(sum(map(len, outgoing.records.values())))
        context.metrics.partial_bytes.inc(sum(len(value) for records in outgoing.records.values() for value in records))
