"""Kafka in memory for the stages: topics, a log reader, and a producer whose acknowledgements a test controls.

The stages under test are the real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from streams.counting.sketch import KeyedHash
from streams.errors import DependencyAway
from streams.flags.store import FlagStore
from streams.log.leader_epochs import TopicView
from streams.log.reading import Bounds
from streams.metrics import Metrics
from streams.pipeline.context import Context
from streams.pipeline.model_cache import ModelCache
from streams.scoring import TextScorer
from streams.settings import Settings
from tests.support.block_counts import TOPIC_ID
from tests.support.word_policy import WordScorer

NOW_MS = 1_611_600_000_000
SCORER = TextScorer(WordScorer())
HASHES = KeyedHash(b"k")


@dataclass(frozen=True)
class Kept:
    """A record as aiokafka delivers it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    timestamp_type: int = 1
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = 0


class Topics:
    """All logs of a broker, by (topic, partition); offsets need not be dense."""

    def __init__(self) -> None:
        self.logs: dict[tuple[str, int], list[Kept]] = {}
        self.begins: dict[tuple[str, int], int] = {}
        """The first offset of logs that retention has cut."""
        self.now_ms = NOW_MS
        self.topic_id: str | None = TOPIC_ID
        """Id of every topic; None while the topic does not exist."""
        self.unproven = 0
        """Records above the high watermark: stamped by the leader, and not replicated yet."""
        self.asked: Callable[[], None] = lambda: None
        """Called between a query for a log's bounds and the answer."""
        self.asked_ends: Callable[[], None] = lambda: None
        """Called between a query for a proven log end and the answer."""

    def end(self, topic: str, partition: int) -> int:
        log = self.logs.get((topic, partition))
        return log[-1].offset + 1 if log else self.begins.get((topic, partition), 0)

    def append(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Kept:
        kept = Kept(self.end(topic, partition), self.now_ms, key, value, headers=tuple(headers))
        self.logs.setdefault((topic, partition), []).append(kept)
        return kept

    def read(self, topic: str, partition: int, start: int = 0) -> list[Kept]:
        return [one for one in self.logs.get((topic, partition), []) if one.offset >= start]

    def cut(self, topic: str, partition: int, begin: int) -> None:
        """Remove everything before an offset, as retention does."""
        self.begins[topic, partition] = begin
        self.logs[topic, partition] = self.read(topic, partition, begin)

    def reader(self, _kafka: Mapping[str, Any], topic: str, **_: Any) -> Reader:
        """Create a reader; replaces the class `LogReader`."""
        return Reader(self, topic)


class TopicEpochs:
    """Queries about one topic in memory; replaces `streams.log.leader_epochs.LeaderEpochs`."""

    def __init__(self, topics: Topics, topic: str) -> None:
        self._topics, self._topic = topics, topic

    async def describe(self, partition: int | None = None) -> TopicView | None:
        return None if self._topics.topic_id is None else TopicView(self._topics.topic_id)

    async def log_ends(self, view: TopicView, partitions: Iterable[int]) -> dict[int, int]:
        self._topics.asked_ends()
        return {number: self._topics.end(self._topic, number) + self._topics.unproven for number in partitions}

    def close(self) -> None:
        pass


class Reader:
    """Log reader in memory; replaces `streams.log.reading.LogReader`."""

    def __init__(self, topics: Topics, topic: str) -> None:
        self.topics, self.topic = topics, topic
        self.partitions = tuple(sorted(number for name, number in topics.logs if name == topic)) or (0,)

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def bounds(self, partitions: tuple[int, ...] | None = None) -> dict[int, Bounds]:
        self.topics.asked()
        return {
            number: Bounds(self.topics.begins.get((self.topic, number), 0), self.topics.end(self.topic, number))
            for number in (self.partitions if partitions is None else partitions)
        }

    async def offset_at(self, partition: int, log_time_ms: int) -> int | None:
        found = (one.offset for one in self.topics.read(self.topic, partition) if one.timestamp >= log_time_ms)
        return next(found, self.topics.end(self.topic, partition))

    async def to_end(
        self, starts: Mapping[int, int | None] | None = None, ends: Mapping[int, int] | None = None
    ) -> AsyncIterator[list[Kept]]:
        for number, start in (dict.fromkeys(self.partitions) if starts is None else starts).items():
            end = (ends or {}).get(number, self.topics.end(self.topic, number))
            batch = [one for one in self.topics.read(self.topic, number, start or 0) if one.offset < end]
            if batch:
                yield batch


@dataclass
class Sent:
    """A record without an acknowledgement."""

    topic: str
    partition: int
    value: bytes | None
    key: bytes | None
    ack: asyncio.Future[Any]
    headers: Sequence[tuple[str, bytes]] = ()


class Sender:
    """Producer in memory; replaces `streams.log.producer.Sender`. `deliver` appends records and acknowledges them."""

    def __init__(self, topics: Topics, *, at_once: bool = False) -> None:
        self.topics = topics
        self.in_flight: list[Sent] = []
        self.at_once = at_once
        self.stamped_by = 1
        """Timestamp type of acknowledgements: 1 for the broker's clock, 0 for the producer's."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(
        self,
        topic: str,
        partition: int | None,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        ack = asyncio.get_running_loop().create_future()
        self.in_flight.append(Sent(topic, partition or 0, value, key, ack, headers))
        if self.at_once:
            self.deliver()
        return ack

    async def acknowledged(self, acks: Sequence[asyncio.Future[Any]]) -> list[Any]:
        return list(await asyncio.gather(*acks))

    def deliver(self, count: int | None = None) -> None:
        """Deliver the first `count` records in flight, all by default."""
        ready, self.in_flight = self.in_flight[:count], self.in_flight[len(self.in_flight[:count]) :]
        for one in ready:
            kept = self.topics.append(one.topic, one.partition, one.value, key=one.key, headers=one.headers)
            if not one.ack.done():
                one.ack.set_result(
                    SimpleNamespace(
                        topic=one.topic,
                        partition=one.partition,
                        timestamp=kept.timestamp,
                        timestamp_type=self.stamped_by,
                        offset=kept.offset,
                    )
                )

    def fail(self) -> None:
        """Fail the acknowledgements of all records in flight."""
        failed, self.in_flight = self.in_flight, []
        for one in failed:
            one.ack.set_exception(DependencyAway("sending to Kafka failed", fix="none"))


@dataclass
class Shells:
    """The shared parts of a worker, and the errors that its stages crashed with."""

    topics: Topics
    sender: Sender
    context: Context
    crashed: list[BaseException] = field(default_factory=list)


async def settle_down(rounds: int = 20) -> None:
    """Let every task run until it waits for the test."""
    for _ in range(rounds):
        await asyncio.sleep(0)


def make_shells(
    monkeypatch: pytest.MonkeyPatch, *, store: FlagStore | None = None, at_once: bool = False, **settings: Any
) -> Shells:
    """Create the shared parts of a worker over Kafka in memory."""
    topics, metrics = Topics(), Metrics()
    sender = Sender(topics, at_once=at_once)
    monkeypatch.setattr("streams.log.models.LogReader", topics.reader)
    monkeypatch.setattr("streams.log.policies.LogReader", topics.reader)
    for module in ("ingest_stage", "gaps"):
        monkeypatch.setattr(f"streams.pipeline.{module}.LeaderEpochs", lambda _, topic: TopicEpochs(topics, topic))
    for module in ("idle_sources", "recovery", "publish_partition", "judge_partition", "gaps", "account_facts"):
        monkeypatch.setattr(f"streams.pipeline.{module}.LogReader", topics.reader)
    crashed: list[BaseException] = []

    async def crash(error: BaseException) -> None:
        crashed.append(error)

    chosen = Settings(**settings)
    context = Context(
        settings=chosen,
        metrics=metrics,
        sender=sender,  # type: ignore[arg-type]
        hashes=HASHES,
        scorer=SCORER,
        models=ModelCache(chosen, SCORER, metrics),
        executor=ThreadPoolExecutor(1),
        store=store,
        crash=crash,
    )
    return Shells(topics, sender, context, crashed)
