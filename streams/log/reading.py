"""Read a topic, or a part of it, to its present end, with a consumer that has no group.

The end is a position, not a record. Transaction markers, aborted records and compaction leave gaps, and the last offset
may hold no record. So a partition is done when the consumer's position reaches the end, and progress is measured by the
position. Records that retention removes during the read are skipped.

The deadline is on silence: a long topic may take long, but a broker must answer within `silence_seconds`. Only the time
in which this process ran counts (`streams.log.silence`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, OffsetOutOfRangeError

from streams.clock import monotonic_seconds
from streams.errors import DependencyAway, TopicsError
from streams.log.kafka_security import KafkaArguments, check_login, connection_of, lacking, may_see, refusal
from streams.log.metadata_backoff import with_metadata_backoff
from streams.log.silence import INTERVAL_SECONDS, Silence, answer_within
from streams.settings import Settings

Batch = list[ConsumerRecord]
"""Records of one partition, ascending by offset; never empty."""
T = TypeVar("T")
_RETRY_SECONDS = 0.2
_SINGLE_BYTES = 32 * 1024
_SINGLE_WAIT_MS = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """Half-open range of the offsets of a partition, gaps included."""

    begin: int
    end: int


class Connection(KafkaArguments):
    """Arguments of every aiokafka client, with the limit on a broker's silence that log readers apply."""

    silence_seconds: float = 10.0


def connection(settings: Settings) -> Connection:
    """Return the arguments of every aiokafka client: the servers and the login."""
    arguments = Connection(connection_of(settings))
    arguments.silence_seconds = settings.kafka_silence_seconds
    return arguments


class LogReader:
    """Reader of one topic: an async context manager with one consumer, for one read at a time.

    `silence_seconds` is the setting `kafka_silence_seconds` unless given.
    `committed_only` hides uncommitted records of transactions; the end is then the last stable offset.
    `single` fetches little at once and never waits at the end: for reads of single records at many offsets. A fetch at
    the end would otherwise hold up the next read by half a second.

    Raises (on entering, and from every method):
        TopicsError: the topic, or a requested partition, does not exist. The request does not create it.
        DependencyAway: the broker was silent for `silence_seconds`.
        BrokerRefuses: the broker refuses the login, or does not let this user read the topic.
    """

    def __init__(
        self,
        kafka: Mapping[str, Any],
        topic: str,
        *,
        committed_only: bool = False,
        silence_seconds: float | None = None,
        max_records: int = 5_000,
        single: bool = False,
    ) -> None:
        self.topic = topic
        self.partitions: tuple[int, ...] = ()
        """All partitions of the topic, set on entering."""
        self._kafka = kafka
        self._servers = kafka["bootstrap_servers"]
        default_seconds: float = getattr(kafka, "silence_seconds", Connection.silence_seconds)
        self._silence_seconds = default_seconds if silence_seconds is None else silence_seconds
        self._max_records = max_records
        self._consumer = with_metadata_backoff(
            AIOKafkaConsumer(
                **kafka,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed" if committed_only else "read_uncommitted",
                max_partition_fetch_bytes=_SINGLE_BYTES if single else 4 * 1024 * 1024,
                fetch_max_wait_ms=_SINGLE_WAIT_MS if single else 500,
            )
        )

    async def __aenter__(self) -> Self:
        try:
            await self._answered(self._connect())
            # A request by name would create a missing topic, if the broker has `auto.create.topics.enable`.
            if self.topic not in await self._answered(self._all_topics()):
                if not await self._answered(may_see(self._consumer._client, self.topic)):
                    raise lacking("Describe", f"topic {self.topic}", self._kafka)
                raise TopicsError(f"topic {self.topic} does not exist on {self._servers}", fix="hushtag topics create")
            self._consumer.assign([TopicPartition(self.topic, 0)])
            self.partitions = await self._answered(self._find_partitions())
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def bounds(self, partitions: tuple[int, ...] | None = None) -> dict[int, Bounds]:
        """Query the first offset and the end of each partition, the ends first."""
        topic_partitions = self._topic_partitions(self.partitions if partitions is None else partitions)
        ends = await self._answered(self._consumer.end_offsets(topic_partitions))
        begins = await self._answered(self._consumer.beginning_offsets(topic_partitions))
        return {p.partition: Bounds(min(begins[p], ends[p]), ends[p]) for p in topic_partitions}

    async def offset_at(self, partition: int, log_time_ms: int) -> int | None:
        """Return the first offset with a log time at or after a moment; the end if there is none.

        None, which is the log's first offset, for a moment before 1970.
        """
        if log_time_ms < 0:
            return None
        tp = self._topic_partitions((partition,))[0]
        first = (await self._answered(self._consumer.offsets_for_times({tp: log_time_ms})))[tp]
        return first.offset if first is not None else (await self.bounds((partition,)))[partition].end

    async def to_end(
        self, starts: Mapping[int, int | None] | None = None, ends: Mapping[int, int] | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches of the partitions in `starts` (all if None) up to their present ends, partitions interleaved.

        Args:
            starts: first offset by partition, None for the log's first. If retention has removed it, the read begins at
                the log's first offset; compare `bounds` if that matters.
            ends: end by partition, exclusive, to read to instead of the present end. The log must have reached it.

        Raises:
            TopicsError: a start lies beyond the log's end: the topic was cut short or created again.
        """
        starts = dict.fromkeys(self.partitions, None) if starts is None else starts
        bounds = await self.bounds(tuple(starts))
        remaining: dict[TopicPartition, int] = {}
        begin: dict[TopicPartition, int] = {}
        for partition, start in starts.items():
            first, end = bounds[partition].begin, (ends or {}).get(partition, bounds[partition].end)
            if start is not None and start > bounds[partition].end:
                raise TopicsError(
                    f"{self.topic}[{partition}] ends at {bounds[partition].end}, before offset {start}: "
                    "it was cut short, or created again",
                    fix="hushtag topics check",
                )
            tp = TopicPartition(self.topic, partition)
            begin[tp] = max(first, first if start is None else start)
            if begin[tp] < end:
                remaining[tp] = end
        if not remaining:
            return
        self._consumer.assign(list(remaining))
        for tp in remaining:
            self._consumer.seek(tp, begin[tp])
        async for batch in self._read(remaining, begin):
            yield batch

    async def follow(
        self, starts: Mapping[int, int | None] | None = None, *, poll_seconds: float = 0.5
    ) -> AsyncGenerator[Batch | None, None]:
        """Yield batches as `to_end` does, then new ones until cancelled; None each time the present end is reached."""
        at = dict.fromkeys(self.partitions, None) if starts is None else dict(starts)
        while True:
            ends = {partition: bounds.end for partition, bounds in (await self.bounds(tuple(at))).items()}
            async for batch in self.to_end(at, ends):
                yield batch
            at.update(ends)
            yield None
            await asyncio.sleep(poll_seconds)

    async def _read(
        self, remaining: dict[TopicPartition, int], position: dict[TopicPartition, int]
    ) -> AsyncGenerator[Batch, None]:
        silence = Silence(self._silence_seconds)
        while remaining:
            asked_seconds = monotonic_seconds()
            try:
                fetched = await self._consumer.getmany(
                    *remaining, timeout_ms=int(INTERVAL_SECONDS * 1000), max_records=self._max_records
                )
            except OffsetOutOfRangeError:
                await self._skip_lost(remaining)
                fetched = {}
            except KafkaError as error:
                raise self._error(error) from error
            silence.waited(monotonic_seconds() - asked_seconds)  # the caller's own time is not the broker's silence
            for tp, records in fetched.items():
                silence.broken()
                batch = [record for record in records if record.offset < remaining[tp]]
                if batch:
                    yield batch
            for tp in list(remaining):
                at = await self._consumer.position(tp)
                if at > position[tp]:
                    position[tp] = at
                    silence.broken()
                if at >= remaining[tp]:
                    self._consumer.pause(tp)
                    del remaining[tp]
            if silence.is_over_limit:
                raise self._error(f"no data of {self.topic} for {self._silence_seconds:g} s")

    async def _skip_lost(self, remaining: dict[TopicPartition, int]) -> None:
        for partition, bounds in (await self.bounds(tuple(tp.partition for tp in remaining))).items():
            tp = TopicPartition(self.topic, partition)
            at = await self._consumer.position(tp)
            if at < bounds.begin:
                self._consumer.seek(tp, bounds.begin)
            elif at > bounds.end:
                raise TopicsError(f"{self.topic}[{partition}] was cut short to {bounds.end} while being read at {at}")

    async def _connect(self) -> None:
        while True:
            try:
                await self._consumer.start()
                return
            except KafkaConnectionError:
                await check_login(self._kafka)  # `start` reports every failure as an unreachable broker
                await asyncio.sleep(_RETRY_SECONDS)

    async def _all_topics(self) -> set[str]:
        while True:
            try:
                topics: set[str] = await self._consumer.topics()
                return topics
            except KafkaError as error:
                # A plain KafkaError means that no broker answered this request.
                if not error.retriable and type(error) is not KafkaError:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)

    async def _find_partitions(self) -> tuple[int, ...]:
        while not (partitions := self._consumer.partitions_for_topic(self.topic)):
            await asyncio.sleep(0.02)
        return tuple(sorted(partitions))

    def _topic_partitions(self, partitions: tuple[int, ...]) -> list[TopicPartition]:
        unknown = [p for p in partitions if p not in self.partitions]
        if unknown:
            raise TopicsError(
                f"topic {self.topic} has no partition {unknown[0]}, only 0 to {len(self.partitions) - 1}",
                fix="hushtag topics check",
            )
        return [TopicPartition(self.topic, p) for p in partitions]

    async def _answered(self, call: Awaitable[T]) -> T:
        try:
            return await answer_within(self._silence_seconds, call)
        except (TimeoutError, KafkaTimeoutError):
            raise self._error(f"no answer within {self._silence_seconds:g} s") from None
        except KafkaError as error:
            raise self._error(error) from error

    def _error(self, why: object) -> DependencyAway:
        if isinstance(why, KafkaError) and (refused := refusal(why, self._kafka, resource=self.topic)) is not None:
            return refused
        what = str(why) or type(why).__name__
        return DependencyAway(f"Kafka at {self._servers}: {what}", fix="is the broker up, and HUSHTAG_KAFKA right?")


async def read_to_end(
    kafka: Mapping[str, Any],
    topic: str,
    partition: int,
    start_offset: int | None = None,
    *,
    committed_only: bool = False,
    silence_seconds: float | None = None,
) -> AsyncGenerator[Batch, None]:
    """Yield batches of one partition from `start_offset` (None: the log's first) to its present end.

    Wrap it in `contextlib.aclosing` if you may leave before its end. Errors: those of `LogReader`.
    """
    async with LogReader(kafka, topic, committed_only=committed_only, silence_seconds=silence_seconds) as reader:
        async for batch in reader.to_end({partition: start_offset}):
            yield batch
