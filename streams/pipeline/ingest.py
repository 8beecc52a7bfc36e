"""The ingest stage: source records to registers, flushed to every shard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import structlog
from faust.types.tuples import TP

from streams.clock import monotonic_seconds, now_ms
from streams.counting.block_counts import BLOCK
from streams.counting.ingest import DUPLICATE_RANGE, DeadLetter, SourcePartition
from streams.counting.sharding import Sharding
from streams.counting.times import TimeRules
from streams.errors import DependencyAway
from streams.log.partials import encode_partial
from streams.log.producer import Ack
from streams.log.reading import LogReader, connection
from streams.pipeline.context import Context
from streams.pipeline.gaps import Gap, cut_short, explain_gap

_log = structlog.get_logger("hushtag.ingest")
_UNSENT_TWEETS = 20_000
_UNSENT_BYTES = 64 * 1024 * 1024
"""Backpressure: no more is read before so many, or so much, is flushed. A dead letter may have a megabyte."""
_BY_THE_BROKER = 1
"""Of a record's timestamp type: LogAppendTime. Another was stamped by our own clock."""
_IDLE_SECONDS = 1.0
_DEAD_LETTER_BYTES = 3 * 1024 * 1024
"""A longer value is cut, or no topic would take it; `source-bytes` says how long it was."""


class IngestPartition:
    """One source partition; implements `streams.pipeline.stages.Partition`."""

    full = False
    """`take` waits itself, for the broker: then nobody can go on."""

    def __init__(self, stage: IngestStage, number: int) -> None:
        self.replay_point: int | None = None
        self.core: SourcePartition | None = None
        self.next_offset: int | None = None
        """The next offset to deliver; None until the start is known."""
        self.sent_offset: int | None = None
        """Up to where the shards have been told what was read."""
        self.stood_at: int | None = None
        """`next_offset` at the last look whether all was read."""
        self.known_end: int | None = None
        """The log's end, as last asked for; where only markers are left, what was read."""
        self._stage = stage
        self.number = number
        self._dropped = False
        self._flushing = asyncio.Lock()
        self._unsent = 0
        self._unsent_bytes = 0
        self._empty_due_seconds = 0.0

    def start(self, committed: int | None, first: int) -> int:
        stage = self._stage
        if self.next_offset is None and committed is not None and committed < first:
            _log.warning("tweets were lost to retention before they were read", partition=self.number,
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
        return self.sent_offset

    @property
    def reached(self) -> int | None:
        return None  # claims ask for the end anyway

    async def take(self, batch: Sequence[Any]) -> None:
        records = await self._admit(batch)
        core = self.core
        if core is None or not records or self._dropped:
            return
        self.next_offset = records[-1].offset + 1
        core.read(records)
        self._unsent += len(records)
        self._unsent_bytes += sum([len(record.value) for record in records if record.value])
        if self._unsent >= _UNSENT_TWEETS or self._unsent_bytes >= _UNSENT_BYTES:
            await self.flush()

    def drop(self) -> None:
        self._dropped = True
        self._stage.context.metrics.forget_source(self.number)
        self.core = None
        self.replay_point = None

    async def _admit(self, batch: Sequence[Any]) -> Sequence[Any]:
        expected = self.next_offset
        if expected is None:
            return []
        if batch[0].offset > expected:
            stage = self._stage
            kind = await explain_gap(stage.context.settings, stage.topic, self.number, expected, batch[0].offset)
            stage.context.metrics.gaps.labels(kind=kind.value).inc()
        elif batch[0].offset < expected:
            return [record for record in batch if record.offset >= expected]
        return batch

    async def flush(self) -> None:
        """Send every shard what changed, and the marker; then all up to here may be committed."""
        async with self._flushing:
            core = self.core
            if core is None:
                return
            news = self._unsent > 0
            now_seconds = asyncio.get_running_loop().time()
            if not news and now_seconds < self._empty_due_seconds:
                return
            self._empty_due_seconds = now_seconds + _IDLE_SECONDS
            self._unsent = self._unsent_bytes = 0
            core.sources = self._stage.sources()
            flushed = core.flush()
            read_offset, replay_point, dead_letters = self.next_offset, core.replay_point, core.dead_letters
            encoded = {shard: [encode_partial(one) for one in records] for shard, records in flushed.items()}
            self._stage.note(core)
            core.reset_counts()
            try:
                await self._send(encoded, dead_letters)
            except BaseException:
                self.drop()  # it left the core and did not arrive: no marker of this state may vouch for it
                raise
            if not self._dropped and self.core is core:
                self.replay_point, self.sent_offset = replay_point, read_offset

    async def _send(self, encoded: dict[int, list[bytes]], dead_letters: list[DeadLetter]) -> None:
        """The earlier records of a shard are acknowledged before the one with the marker goes out."""
        context, topic = self._stage.context, self._stage.partials_topic
        early: list[Ack] = [await self._stage.send_dead_letter(letter) for letter in dead_letters]
        for shard, records in encoded.items():
            early += [await context.sender.send(topic, shard, record) for record in records[:-1]]
        await context.sender.acknowledged(early)
        if self._dropped:
            return
        markers = [await context.sender.send(topic, shard, records[-1]) for shard, records in encoded.items()]
        acknowledged = await context.sender.acknowledged(markers)
        stamped = [one.timestamp for one in acknowledged if one.timestamp_type == _BY_THE_BROKER]
        if stamped:
            self._stage.heard(min(stamped))
        context.metrics.partial_records.inc(sum(map(len, encoded.values())))
        context.metrics.partial_bytes.inc(sum(len(one) for records in encoded.values() for one in records))


class IngestStage:
    """All source partitions of this worker.

    Args:
        count_sources: how many partitions the source topic has now; None while nobody knows.
    """

    def __init__(
        self, context: Context, source_id: str, times: TimeRules, count_sources: Callable[[], int | None]
    ) -> None:
        settings = context.settings
        self.context = context
        self.topic = settings.topic("tweets")
        self.partials_topic = settings.topic("hashtag-partials")
        self.dead_letter_topic = settings.topic("tweets-dead-letter")
        self.source_id = source_id
        self.times = times
        self.sharding = Sharding(settings.shards)
        self.judged_ms: Callable[[], int] = lambda: -1
        """The lowest watermark over all sources, other workers' too, as the judges of this worker know it; -1: none."""
        self._broker_clock: tuple[int, float] | None = None
        self._count_sources = count_sources
        self._partitions: dict[int, IngestPartition] = {}

    def partition(self, number: int) -> IngestPartition:
        self._partitions[number] = IngestPartition(self, number)
        return self._partitions[number]

    @property
    def newest_ms(self) -> int:
        """The greatest log time that this worker's partitions have read or claimed; -1 if none has."""
        slack_ms = self.times.watermark_slack_ms
        cores = [one.core for one in self._live() if one.core is not None]
        return max((max(core.newest_ms, core.watermark_ms + slack_ms) for core in cores), default=-1)

    def known_end(self, tp: TP) -> int | None:
        """The end of a source partition's log, as last asked for; None of another topic, or while nobody has."""
        one = self._partitions.get(tp.partition) if tp.topic == self.topic else None
        return one.known_end if one is not None else None

    def ahead(self) -> frozenset[TP]:
        """Partitions so far ahead of the slowest that reading on would only fill memory.

        No tick settles before the slowest source has passed it, and further behind than `max_lag_ms` nothing is looked
        at early: what is read beyond would wait in the judges' open panes, for as long as the slowest takes.
        """
        own = {one: core.watermark_ms for one in self._live() if (core := one.core) and core.watermark_ms >= 0}
        judged_ms = self.judged_ms()
        slowest_ms = min([*own.values(), *([judged_ms] if judged_ms >= 0 else [])], default=-1)
        limit_ms = slowest_ms + self.context.settings.max_lag_ms
        held = frozenset(TP(self.topic, one.number) for one, at_ms in own.items() if at_ms > limit_ms)
        self.context.metrics.held_sources.set(len(held))
        return held

    def sources(self) -> int:
        """How many partitions the source topic has."""
        return max(self._count_sources() or 0, max(self._partitions, default=-1) + 1)

    async def run(self) -> None:
        context = self.context
        flushes = context.spawn(self._flush_for_ever(), "ingest-flush")
        claims = context.spawn(self._claim_for_ever(), "ingest-claim")
        try:
            await asyncio.gather(flushes, claims)
        finally:
            flushes.cancel()
            claims.cancel()

    async def _flush_for_ever(self) -> None:
        """So often, however long a flush takes; of one that takes long as much time again is left to reading."""
        every_seconds, took_seconds, loop = self.context.settings.flush_ms / 1000, 0.0, asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(every_seconds - took_seconds, min(every_seconds, took_seconds)))
            began = loop.time()
            await asyncio.gather(*[one.flush() for one in self._live()])
            took_seconds = loop.time() - began

    def heard(self, broker_ms: int) -> None:
        """The broker's clock, as the acknowledgement of a record has just told."""
        self._broker_clock = (broker_ms, monotonic_seconds())

    def _broker_now_ms(self) -> int | None:
        """The broker's time, never ahead of it: claims speak of its log, so our own clock has no say."""
        if self._broker_clock is None:
            return None
        broker_ms, heard_at = self._broker_clock
        return broker_ms + int((monotonic_seconds() - heard_at) * 1000)

    async def _claim_for_ever(self) -> None:
        """Idle partitions: time that has passed before Kafka was asked for the end has passed for good.

        A broker that does not answer ends nobody here: the flushes have a deadline for that.
        """
        while True:
            try:
                kafka = connection(self.context.settings)
                async with LogReader(kafka, self.topic, max_records=1) as reader:  # it asks whether there are any
                    await self._claim_while_all_are_known(reader)
            except DependencyAway as error:
                _log.warning("Kafka is asked for the ends of its logs once more", why=str(error))

    async def _claim_while_all_are_known(self, reader: LogReader) -> None:
        """Until partitions are added: then it must be asked anew which there are."""
        while True:
            await asyncio.sleep(_IDLE_SECONDS / 2)
            live = {number: one for number, one in self._partitions.items() if one.core is not None}
            if not live.keys() <= set(reader.partitions):
                return
            before_asking_ms = self._broker_now_ms()
            if live and before_asking_ms is not None:
                read = {number: one.next_offset for number, one in live.items()}
                for number, bounds in (await reader.bounds(tuple(live))).items():
                    self._check_length(number, read[number], bounds.end)
                    await self._claim(reader, live[number], number, bounds.end, before_asking_ms)

    def _check_length(self, number: int, read_before: int | None, end: int) -> None:
        if read_before is not None and read_before > end:
            raise cut_short(self.topic, number, end, read_before)

    async def _claim(
        self, reader: LogReader, one: IngestPartition, number: int, end: int, before_asking_ms: int
    ) -> None:
        next_offset = one.next_offset
        if next_offset is None:
            return
        if next_offset < end and one.stood_at == next_offset:  # nothing came for a round: is it all markers?
            async with aclosing(reader.to_end({number: next_offset}, {number: end})) as rest:
                async for _ in rest:
                    break  # a record is on its way
                else:
                    next_offset = end
        one.stood_at = one.next_offset
        one.known_end = end if next_offset < end else one.next_offset
        if next_offset >= end and one.core is not None:
            one.core.claim(before_asking_ms)

    def _live(self) -> list[IngestPartition]:
        return [one for one in self._partitions.values() if one.core is not None]

    def note(self, core: SourcePartition) -> None:
        """Counts of one flush into the metrics."""
        metrics, met = self.context.metrics, core.counts
        metrics.tweets.inc(met.tweets)
        metrics.hashtag_uses.inc(met.uses)
        metrics.duplicates.inc(met.duplicates)
        metrics.late_clamped.inc(met.clamped)
        metrics.too_old.inc(met.too_old)
        for kind, count in met.controls.items():
            metrics.controls.labels(kind=kind).inc(count)
        for kind, count in met.retractions.items():
            metrics.retractions.labels(kind=kind).inc(count)
        for letter in core.dead_letters:
            metrics.dead_letters.labels(reason=letter.error.reason).inc()
        if core.newest_ms >= 0:
            metrics.lag_seconds.labels(partition=str(core.source)).set(
                max(0, now_ms() - core.watermark_ms - self.times.watermark_slack_ms) / 1000
            )

    async def send_dead_letter(self, letter: DeadLetter) -> Ack:
        """The original bytes as they came; why and from where in the headers."""
        error = letter.error
        headers = {
            "reason": error.reason,
            "field": error.field,
            "value": error.value,
            "fix": error.fix,
            "source-topic": self.topic,
            "source-partition": str(letter.source),
            "source-offset": str(letter.offset),
            "source-log-time-ms": str(letter.log_ms),
            "source-bytes": str(len(letter.value or b"")),
        }
        origin = f"{self.topic}/{letter.source}/{letter.offset}".encode()
        encoded = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
        value = None if letter.value is None else letter.value[:_DEAD_LETTER_BYTES]
        return await self.context.sender.send(self.dead_letter_topic, None, value, key=origin, headers=encoded)
