"""The ingest stage: all source partitions of this worker, their flush timer, and their backpressure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from faust.types.tuples import TP

from streams.clock import monotonic_seconds, now_ms
from streams.counting.ingest import DeadLetter, SourcePartition
from streams.counting.keys import Sharding
from streams.counting.times import TimeRules
from streams.errors import DependencyAway
from streams.log.leader_epochs import LeaderEpochs
from streams.log.producer import Ack
from streams.log.reading import connection
from streams.pipeline.context import Context
from streams.pipeline.dead_letters import send_dead_letter
from streams.pipeline.gaps import recreated
from streams.pipeline.idle_sources import BrokerClock, IdleSources
from streams.pipeline.ingest_partition import IngestPartition

_log = structlog.get_logger("hushtag.ingest")
_CONFIRM_LIMIT_SECONDS = 30.0
"""A deleted topic may be back soon, and brokers as well: a send waits as long for them."""
_CONFIRM_SECONDS = 0.2
"""Interval between two tries."""


class IngestStage:
    """All source partitions of this worker; implements `streams.pipeline.stages.Stage`.

    Args:
        count_sources: returns the number of partitions of the source topic; None while unknown.
        epochs: queries about the source topic; None: a client of the brokers in the settings.
    """

    reads_columns = True

    def __init__(
        self,
        context: Context,
        source_id: str,
        times: TimeRules,
        count_sources: Callable[[], int | None],
        epochs: LeaderEpochs | None = None,
    ) -> None:
        settings = context.settings
        self.context = context
        self.topic = settings.topic("tweets")
        self.partials_topic = settings.topic("hashtag-partials")
        self.source_id = source_id
        self.times = times
        self.sharding = Sharding(settings.shards)
        self.judged_ms: Callable[[], int] = lambda: -1
        """Returns the lowest watermark over all sources, from this worker's judges; -1: none."""
        self.broker_clock = BrokerClock()
        self._count_sources = count_sources
        self._partitions: dict[int, IngestPartition] = {}
        self._epochs = epochs or LeaderEpochs(connection(settings), self.topic)
        self.idle_sources = IdleSources(
            settings, self.topic, source_id, self._epochs, self.broker_clock, lambda: self._partitions
        )

    def partition(self, number: int) -> IngestPartition:
        """Create the state of a source partition in place of an older one."""
        self._partitions[number] = IngestPartition(self, number)
        return self._partitions[number]

    @property
    def newest_ms(self) -> int:
        """The greatest log time read, or passed while idle, by this worker's partitions; -1: none."""
        slack_ms = self.times.watermark_slack_ms
        cores = [partition.core for partition in self._assigned() if partition.core is not None]
        return max((max(core.newest_ms, core.watermark_ms + slack_ms) for core in cores), default=-1)

    def known_end(self, tp: TP) -> int | None:
        """Return the last queried end of a source partition; None for another topic, or before the first query."""
        partition = self._partitions.get(tp.partition) if tp.topic == self.topic else None
        return partition.known_end if partition is not None else None

    def too_far_ahead(self) -> frozenset[TP]:
        """Return the partitions that are too far ahead of the slowest one to be read.

        No tick settles before the slowest source has passed it, and beyond `max_lag_ms` there are no early decisions.
        Further reading would only fill the judges' open panes until the slowest source has caught up.
        """
        own = {
            partition: core.watermark_ms
            for partition in self._assigned()
            if (core := partition.core) and core.watermark_ms >= 0
        }
        judged_ms = self.judged_ms()
        slowest_ms = min([*own.values(), *([judged_ms] if judged_ms >= 0 else [])], default=-1)
        limit_ms = slowest_ms + self.context.settings.max_lag_ms
        paused = frozenset(TP(self.topic, partition.number) for partition, at_ms in own.items() if at_ms > limit_ms)
        self.context.metrics.held_sources.set(len(paused))
        return paused

    async def confirm_source(self, number: int) -> None:
        """Check that the records read so far are of the topic that this worker counts.

        The leader of the partition is asked after they were read. So a topic that was created again under the same
        name is noticed before a count of it is sent under the old id.

        Raises:
            SourceRecreated: the topic has another id.
            DependencyAway: no broker knows the topic.
        """
        end_seconds = monotonic_seconds() + _CONFIRM_LIMIT_SECONDS
        while monotonic_seconds() < end_seconds:
            view = await self._epochs.describe(number)
            if view is not None and view.topic_id != self.source_id:
                raise recreated(self.topic, self.source_id, view.topic_id)
            if view is not None:
                return
            await asyncio.sleep(_CONFIRM_SECONDS)
        raise DependencyAway(
            f"no broker of {self.context.settings.kafka} knows {self.topic}", fix="hushtag topics check"
        )

    def note_recreated(self, number: int) -> None:
        """Log that the committed offset of a partition belongs to an older topic of the same name; judges count it."""
        _log.warning("the topic was created again, it is read from its first offset", topic=self.topic,
                     partition=number, topic_id=self.source_id)  # fmt: skip

    def sources(self) -> int:
        """Return the number of partitions of the source topic."""
        return max(self._count_sources() or 0, max(self._partitions, default=-1) + 1)

    async def run(self) -> None:
        """Run the flush timer and the watch for idle sources until cancelled."""
        flushes = self.context.spawn(self._flush_periodically(), "ingest-flush")
        idle = self.context.spawn(self.idle_sources.run(), "ingest-idle")
        try:
            await asyncio.gather(flushes, idle)
        finally:
            flushes.cancel()
            idle.cancel()
            self._epochs.close()

    async def _flush_periodically(self) -> None:
        """Flush every `flush_ms`. After a longer flush, leave as much time again to reading."""
        every_seconds, took_seconds, loop = self.context.settings.flush_ms / 1000, 0.0, asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(every_seconds - took_seconds, min(every_seconds, took_seconds)))
            began = loop.time()
            await asyncio.gather(*[partition.flush() for partition in self._assigned()])
            took_seconds = loop.time() - began

    def _assigned(self) -> list[IngestPartition]:
        return [partition for partition in self._partitions.values() if partition.core is not None]

    def count(self, core: SourcePartition) -> None:
        """Add the counts of one flush to the metrics."""
        metrics, counts = self.context.metrics, core.counts
        metrics.tweets.inc(counts.tweets)
        metrics.hashtag_uses.inc(counts.uses)
        metrics.duplicates.inc(counts.duplicates)
        metrics.late_clamped.inc(counts.clamped)
        metrics.too_old.inc(counts.too_old)
        for kind, count in counts.controls.items():
            metrics.controls.labels(kind=kind).inc(count)
        for kind, count in counts.retractions.items():
            metrics.retractions.labels(kind=kind).inc(count)
        for letter in core.dead_letters:
            metrics.dead_letters.labels(reason=letter.error.reason).inc()
        if core.newest_ms >= 0:
            present_ms = self.context.log_clock.present_ms(now_ms())
            metrics.lag_seconds.labels(partition=str(core.source)).set(
                max(0, present_ms - core.watermark_ms - self.times.watermark_slack_ms) / 1000
            )

    async def send_dead_letter(self, letter: DeadLetter) -> Ack:
        """Send a record that cannot be read to the dead-letter topic."""
        return await send_dead_letter(
            self.context, self.topic, letter.source, letter.offset, letter.value, letter.error,
            **{"source-log-time-ms": str(letter.log_ms)},
        )  # fmt: skip
