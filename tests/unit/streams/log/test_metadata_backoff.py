"""Who waits for a broker asks for it now and then, not all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from streams.log.metadata_backoff import PAUSE_SECONDS, patient
from streams.log.producer import Sender
from streams.log.reading import LogReader
from streams.pipeline import transport
from streams.settings import Settings

NOBODY = {"bootstrap_servers": "127.0.0.1:1"}
MAKE = {"consumer": lambda: AIOKafkaConsumer(**NOBODY), "producer": lambda: AIOKafkaProducer(**NOBODY)}


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What each try to learn the metadata is to end with; afterwards, the last for ever."""
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
    """Its client, of which nothing was asked yet, with aiokafka's own routine that asks."""
    client = kafka._client if isinstance(kafka, AIOKafkaConsumer) else kafka.client
    routine = asyncio.create_task(client._md_synchronizer())
    yield client
    routine.cancel()
    await kafka.stop()


async def asked_of(kafka: AIOKafkaConsumer | AIOKafkaProducer, seconds: float) -> int:
    """How often it asks while somebody wants to know all the time."""
    async with asking(kafka) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await client.force_metadata_update()
                    await asyncio.sleep(0)
        return int(client.asked)


@pytest.mark.parametrize("kind", MAKE)
async def test_without_an_answer_it_waits_before_it_asks_again(kind: str, tries: list[bool]) -> None:
    tries.append(False)
    impatient = await asked_of(MAKE[kind](), PAUSE_SECONDS * 3.5)
    assert impatient > 100, "aiokafka pauses by itself: patience is not needed any more"
    assert 1 <= await asked_of(patient(MAKE[kind]()), PAUSE_SECONDS * 3.5) <= 4


@pytest.mark.parametrize("kind", MAKE)
async def test_an_answer_is_passed_on_without_a_pause(kind: str, tries: list[bool]) -> None:
    tries.append(True)
    async with asking(patient(MAKE[kind]())) as client:
        for _ in range(100):
            assert await client.force_metadata_update() is True
        assert client.asked == 100


async def test_who_reads_a_log_is_patient(tries: list[bool]) -> None:
    tries.append(False)
    reader = LogReader(NOBODY, "tweets")
    assert 1 <= await asked_of(reader._consumer, PAUSE_SECONDS * 3.5) <= 4


async def test_a_worker_that_reads_is_patient(tries: list[bool]) -> None:
    tries.append(False)
    stages = SimpleNamespace(consumer_options=lambda: {**NOBODY, "group_id": "a"})
    thread = SimpleNamespace(app=SimpleNamespace(stages=stages))
    consumer = transport.ConsumerThread._create_worker_consumer(thread, None)
    assert 1 <= await asked_of(consumer, PAUSE_SECONDS * 3.5) <= 4


async def test_who_sends_is_patient(tries: list[bool]) -> None:
    tries.append(False)
    sender = Sender(Settings(kafka="127.0.0.1:1"))
    with suppress(KafkaConnectionError):
        await sender.start()
    assert 1 <= await asked_of(sender._producer, PAUSE_SECONDS * 3.5) <= 4


async def test_after_a_pause_it_asks_again(tries: list[bool]) -> None:
    tries += [False, True]
    async with asking(patient(MAKE["consumer"]())) as client:
        assert await client.force_metadata_update() is False
        assert await client.force_metadata_update() is True
