"""The pause between metadata updates while no broker answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient

from streams.errors import DependencyAway
from streams.log.metadata_backoff import PAUSE_SECONDS, with_metadata_backoff
from streams.log.producer import Sender
from streams.log.reading import LogReader
from streams.pipeline import transport
from streams.settings import Settings

NO_BROKER = {"bootstrap_servers": "127.0.0.1:1"}
MAKE = {"consumer": lambda: AIOKafkaConsumer(**NO_BROKER), "producer": lambda: AIOKafkaProducer(**NO_BROKER)}


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Results of the metadata updates in order; the last one repeats."""
    answers: list[bool] = []
    monkeypatch.setattr(AIOKafkaClient, "_metadata_update", _answer(answers))
    return answers


def _answer(answers: list[bool]) -> Callable[..., object]:
    async def metadata_update(self: AIOKafkaClient, cluster: object, topics: object) -> bool:
        self.asked = getattr(self, "asked", 0) + 1
        return answers[min(self.asked, len(answers)) - 1]

    return metadata_update


@asynccontextmanager
async def asking(kafka: AIOKafkaConsumer | AIOKafkaProducer) -> AsyncIterator[AIOKafkaClient]:
    """Run aiokafka's own update routine on a client without requests so far."""
    client = kafka._client if isinstance(kafka, AIOKafkaConsumer) else kafka.client
    routine = asyncio.create_task(client._md_synchronizer())
    yield client
    routine.cancel()
    await kafka.stop()


async def asked_of(kafka: AIOKafkaConsumer | AIOKafkaProducer, seconds: float) -> int:
    """Return the number of updates while a caller requests them all the time."""
    async with asking(kafka) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await client.force_metadata_update()
                    await asyncio.sleep(0)
        return int(client.asked)


@pytest.mark.parametrize("kind", MAKE)
async def test_failed_update_waits_before_the_next(kind: str, results: list[bool]) -> None:
    results.append(False)
    without_backoff = await asked_of(MAKE[kind](), PAUSE_SECONDS * 3.5)
    assert without_backoff > 100, "aiokafka pauses by itself: the backoff is no longer needed"
    assert 1 <= await asked_of(with_metadata_backoff(MAKE[kind]()), PAUSE_SECONDS * 3.5) <= 4


@pytest.mark.parametrize("kind", MAKE)
async def test_successful_update_returns_without_a_pause(kind: str, results: list[bool]) -> None:
    results.append(True)
    async with asking(with_metadata_backoff(MAKE[kind]())) as client:
        for _ in range(100):
            assert await client.force_metadata_update() is True
        assert client.asked == 100


async def test_log_reader_has_the_backoff(results: list[bool]) -> None:
    results.append(False)
    reader = LogReader(NO_BROKER, "tweets")
    assert 1 <= await asked_of(reader._consumer, PAUSE_SECONDS * 3.5) <= 4


async def test_worker_consumer_has_the_backoff(results: list[bool]) -> None:
    results.append(False)
    stages = SimpleNamespace(consumer_options=lambda: {**NO_BROKER, "group_id": "a"})
    thread = SimpleNamespace(app=SimpleNamespace(stages=stages))
    consumer = transport.ConsumerThread._create_worker_consumer(thread, None)
    assert 1 <= await asked_of(consumer, PAUSE_SECONDS * 3.5) <= 4


async def test_sender_has_the_backoff(results: list[bool]) -> None:
    results.append(False)
    sender = Sender(Settings(kafka="127.0.0.1:1"))
    with suppress(DependencyAway):
        await sender.start()
    assert 1 <= await asked_of(sender._producer, PAUSE_SECONDS * 3.5) <= 4


async def test_update_succeeds_after_a_failed_one(results: list[bool]) -> None:
    results += [False, True]
    async with asking(with_metadata_backoff(MAKE["consumer"]())) as client:
        assert await client.force_metadata_update() is False
        assert await client.force_metadata_update() is True
