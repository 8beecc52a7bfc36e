"""Silence of a broker: a process that did not run has not waited."""

from __future__ import annotations

import asyncio
import time

import pytest

from streams.errors import DependencyAway
from streams.log.reading import Connection, LogReader, connection
from streams.log.silence import INTERVAL_SECONDS, Silence, answer_within
from streams.settings import Settings


def test_late_wait_counts_one_interval() -> None:
    silence = Silence(1.0)
    silence.waited(60.0)
    assert not silence.is_over_limit
    for _ in range(4):
        silence.waited(INTERVAL_SECONDS)
    assert silence.is_over_limit
    silence.broken()
    assert not silence.is_over_limit


async def test_answer_survives_a_blocked_loop() -> None:
    """The answer lies in the socket while the process does not run."""
    answered = asyncio.get_running_loop().create_future()

    async def late() -> str:
        asyncio.get_running_loop().call_later(0.05, answered.set_result, "answer")
        time.sleep(0.5)  # this process does not run
        return str(await answered)

    assert await answer_within(0.3, late()) == "answer"


async def test_missing_answer_ends_the_wait_and_the_call() -> None:
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await answer_within(0.3, never())
    assert ended.is_set()


async def test_error_of_the_call_is_passed_on() -> None:
    async def fails() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await answer_within(5.0, fails())


async def test_cancelled_wait_cancels_the_call() -> None:
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(answer_within(60.0, never()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def test_limit_of_a_log_reader_is_a_setting() -> None:
    arguments = connection(Settings(kafka_silence_seconds=33.0))
    assert isinstance(arguments, Connection) and dict(arguments).keys() == {"bootstrap_servers", "security_protocol"}
    reader = LogReader(arguments, "t")
    assert reader._silence_seconds == 33.0
    await reader._consumer.stop()


class StarvedConsumer:
    """A consumer whose fetches return late, since the process does not run: the third one has the records."""

    def __init__(self, seconds: list[float], lasts_seconds: float, answers_at: int) -> None:
        self._seconds, self._lasts_seconds, self._answers_at = seconds, lasts_seconds, answers_at
        self.fetches = 0

    async def getmany(self, *partitions: object, **_: object) -> dict[object, list[object]]:
        self.fetches += 1
        self._seconds[0] += self._lasts_seconds
        return {}

    async def position(self, tp: object) -> int:
        return 5 if self.fetches >= self._answers_at else 0

    def pause(self, tp: object) -> None:
        pass


async def read(monkeypatch: pytest.MonkeyPatch, answers_at: int) -> None:
    """Read a log of 5 records; each fetch takes a minute of wall time."""
    seconds = [0.0]
    monkeypatch.setattr("streams.log.reading.monotonic_seconds", lambda: seconds[0])
    reader = LogReader({"bootstrap_servers": "127.0.0.1:1"}, "t")
    real, reader._consumer = reader._consumer, StarvedConsumer(seconds, 60.0, answers_at)
    try:
        async for _ in reader._read({"tp": 5}, {"tp": 0}):  # type: ignore[dict-item]
            pass
    finally:
        await real.stop()


async def test_starved_read_is_not_a_silent_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    await read(monkeypatch, answers_at=20)


async def test_fifty_fetches_without_an_answer_are_a_silent_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DependencyAway, match="no data of t for 10 s"):
        await read(monkeypatch, answers_at=60)
