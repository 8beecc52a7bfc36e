"""Stage 2: order and rate of scoring, the cache, and failures of its process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from models.share import Scale
from streams.errors import SettingsError
from streams.judging.stage_2_candidates import Candidate
from streams.log.corrections import decode_corrections
from streams.pipeline import stage_2
from streams.pipeline.encoder_main import EncoderHello
from streams.pipeline.encoder_process import EncoderFailed, EncoderProcess, EncoderRefused
from streams.pipeline.stage_2 import Stage2, is_enabled
from streams.settings import Settings
from streams.windows.corrections import Differences
from tests.support.shells import SCORER, Shells, make_shells

COLUMNS = 1 + len(SCORER.categories)
PARTIALS = "hashtag-partials"
SCALE = Scale(np.full((1, COLUMNS, 4), 0.5), np.zeros((1, COLUMNS, 3))).to_bytes()


class FakeProcess:
    """In place of `EncoderProcess`: gives the same answer for every text, until a test makes it fail."""

    def __init__(self, revision: str = "new", model_revision: str = SCORER.revision) -> None:
        self.hello = EncoderHello(revision, model_revision, COLUMNS, SCALE)
        self.asked: list[list[bytes]] = []
        self.fails: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.ended = 0

    async def start(self) -> EncoderHello:
        return self.hello

    async def ask(self, texts: Sequence[bytes]) -> Differences:
        self.asked.append(list(texts))
        await self.go_on.wait()
        if self.fails is not None:
            raise self.fails
        return np.full((len(texts), COLUMNS), 0.25, np.float32)

    async def end(self) -> None:
        self.ended += 1


class Clock:
    """A clock that advances only by sleeping."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        monkeypatch.setattr(stage_2, "monotonic_seconds", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
            self.now += seconds
        await _real_sleep(0)


_real_sleep = asyncio.sleep


async def settle(rounds: int = 60) -> None:
    for _ in range(rounds):
        await _real_sleep(0)


class Log:
    """A log that collects (level, event)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **_: self.lines.append((level, event))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replaces asyncio's clock."""
    return Clock(monkeypatch)


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> AsyncIterator[Shells]:
    """A worker's parts under the fake clock."""
    made = make_shells(monkeypatch, at_once=True, encoder_texts_per_second=10)
    yield made
    made.context.executor.shutdown()


def candidate(tag: str, tweets: Sequence[int], *, unsure: bool = True, heat: int = 50) -> Candidate:
    return Candidate(tag, unsure, heat, tuple(tweets))


def text_of(tweet: int) -> bytes | None:
    return b"text %d" % tweet


def value(shells: Shells, name: str) -> float:
    return getattr(shells.context.metrics, name)._value.get()


def corrections(shells: Shells, shard: int) -> list[tuple[str, list[int]]]:
    """Return (hashtag, tweets) of each record in a shard's log."""
    records = [decode_corrections(one.value or b"") for one in shells.topics.read(PARTIALS, shard)]
    return [(one.hashtags[0], np.frombuffer(one.tweets, "<i8").tolist()) for one in records]


class Running:
    """Stage 2, running over fake processes."""

    def __init__(self, shells: Shells, *processes: FakeProcess) -> None:
        self.log = Log()
        self.processes = list(processes)
        self.starts = 0

        def make() -> FakeProcess:
            self.starts += 1
            return self.processes[min(self.starts, len(self.processes)) - 1]

        self.stage = Stage2(shells.context, self.log, make)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.stage.run())

    async def __aenter__(self) -> Running:
        await settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_corrections_go_to_the_shard_of_the_hashtag(shells: Shells) -> None:
    async with Running(shells, FakeProcess()) as running:
        running.stage.offer(3, [candidate("a", [7, 5])], text_of)
        await settle()
        (record,) = [decode_corrections(one.value or b"") for one in shells.topics.read(PARTIALS, 3)]
        assert (record.revision, record.model_revision, record.hashtags) == ("new", SCORER.revision, ["a", "a"])
        assert np.frombuffer(record.tweets, "<i8").tolist() == [7, 5]
        assert np.frombuffer(record.differences, "<f4").tolist() == [0.25] * (2 * COLUMNS)
        assert record.scale == SCALE, "a judge reads the scale from the record"
        assert value(shells, "encoder_up") == 1 and value(shells, "encoder_texts") == 2
    assert running.processes[0].ended == 1 and value(shells, "encoder_up") == 0


async def test_most_urgent_hashtag_is_scored_first(shells: Shells) -> None:
    process = FakeProcess()
    async with Running(shells, process) as running:
        process.go_on.clear()
        running.stage.offer(0, [candidate("first", [1])], text_of)
        await settle()
        running.stage.offer(0, [candidate("hot", [2], heat=90), candidate("sure", [3], unsure=False, heat=99)], text_of)
        running.stage.offer(1, [candidate("hotter", [4], heat=95), candidate("cool", [5], heat=10)], text_of)
        process.go_on.set()
        await settle()
        assert [one[0] for one in process.asked] == [text_of(tweet) for tweet in (1, 4, 2, 5, 3)]


async def test_repeated_text_is_scored_once(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_2, "CACHED_TEXTS", 3)
    process = FakeProcess()
    async with Running(shells, process) as running:
        same = {1: b"x", 2: b"x", 3: b"y", 4: b"x"}
        running.stage.offer(0, [candidate("a", [1, 2, 3])], same.get)
        await settle()
        running.stage.offer(1, [candidate("b", [4])], same.get)
        await settle()
        assert process.asked == [[b"x", b"y"]]
        assert corrections(shells, 0) == [("a", [1, 2, 3])] and corrections(shells, 1) == [("b", [4])]
        assert value(shells, "encoder_texts") == 2 and value(shells, "encoder_remembered") == 2
        running.stage.offer(0, [candidate("c", [5, 6])], text_of)
        await settle()
        running.stage.offer(0, [candidate("a", [3])], same.get)
        await settle()
        assert process.asked[2:] == [[b"y"]], "y was the least recently used and evicted"


async def test_rate_limit_holds(shells: Shells, clock: Clock) -> None:
    process = FakeProcess()
    async with Running(shells, process) as running:
        began = clock.now
        running.stage.offer(0, [candidate(f"tag{n}", range(20 * n, 20 * n + 20)) for n in range(3)], text_of)
        await settle()
        assert len(process.asked) == 3
        assert clock.now - began == pytest.approx(2 * 20 / 10), "ten a second, the first at once"


async def test_queue_is_bounded_and_replaced_by_the_next_tick(shells: Shells) -> None:
    process = FakeProcess()
    async with Running(shells, process) as running:
        process.go_on.clear()
        running.stage.offer(0, [candidate("current", [1])], text_of)
        await settle()
        tags = [candidate(f"tag{n}", range(100 * n, 100 * n + 20)) for n in range(50)]
        running.stage.offer(0, tags, text_of)
        queued = value(shells, "encoder_queue")
        assert 200 <= queued < 220, "twenty seconds of work; a hashtag is not cut"
        assert value(shells, "encoder_dropped") == 50 * 20 - queued
        running.stage.offer(0, [candidate("tag1", [100, 101])], text_of)
        assert value(shells, "encoder_queue") == 2
        assert value(shells, "encoder_dropped") == 50 * 20 - 2
        running.stage.remove(0)
        process.go_on.set()
        await settle()
        assert corrections(shells, 0) == [("current", [1])]


async def test_evicted_text_is_dropped(shells: Shells) -> None:
    async with Running(shells, FakeProcess()) as running:
        running.stage.offer(0, [candidate("a", [1, 2]), candidate("b", [3])], {1: b"x"}.get)
        await settle()
        assert corrections(shells, 0) == [("a", [1])]
        assert value(shells, "encoder_dropped") == 2


async def test_restart_pauses_grow(shells: Shells, clock: Clock) -> None:
    process = FakeProcess()
    process.fails = EncoderFailed("the process has ended with code 7")
    async with Running(shells, process) as running:
        for run in range(1, 12):
            await settle()
            running.stage.offer(0, [candidate("a", [run])], text_of)
            await settle()
            assert running.starts == run + 1 and process.ended == run
        assert clock.slept[:4] == [1, 2, 4, 8] and clock.slept[-1] == stage_2.LONGEST_PAUSE_SECONDS
        assert value(shells, "encoder_restarts") == 11
        assert running.log.lines.count(("warning", "stage 2 is down, stage 1 decides alone")) == 11
    assert corrections(shells, 0) == [] and shells.crashed == []


async def test_steady_process_restarts_with_the_first_pause(shells: Shells, clock: Clock) -> None:
    process = FakeProcess()
    process.fails = EncoderFailed("no answer in 30 s")
    async with Running(shells, process) as running:
        for run in range(3):
            clock.now += stage_2.STEADY_SECONDS
            running.stage.offer(0, [candidate("a", [run])], text_of)
            await settle()
        assert clock.slept == [1, 1, 1]


async def test_internal_error_does_not_end_the_worker(shells: Shells) -> None:
    broken, working = FakeProcess(), FakeProcess()
    broken.fails = ZeroDivisionError("a bug")
    async with Running(shells, broken, working) as running:
        running.stage.offer(0, [candidate("a", [1])], text_of)
        await settle()
        assert ("exception", "stage 2 is down, stage 1 decides alone") in running.log.lines
        running.stage.offer(0, [candidate("a", [1])], text_of)
        await settle()
        assert corrections(shells, 0) == [("a", [1])]


async def test_process_for_another_stage_1_is_refused(shells: Shells) -> None:
    async with Running(shells, FakeProcess(model_revision="another")) as running:
        await settle()
        assert running.task.done() and running.starts == 1 and not running.stage.is_up
        running.stage.offer(0, [candidate("a", [1])], text_of)
        assert ("error", "stage 2 cannot be used, stage 1 decides alone") in running.log.lines


def test_stage_2_enabled_by_settings_and_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_2, "NEEDED", ("no_such_package",))
    assert not is_enabled(Settings(encoder="auto")) and not is_enabled(Settings(encoder="off"))
    with pytest.raises(SettingsError, match="no_such_package"):
        is_enabled(Settings(encoder="on"))
    monkeypatch.setattr(stage_2, "NEEDED", ())
    assert is_enabled(Settings(encoder="auto")) and is_enabled(Settings(encoder="on"))
    assert not is_enabled(Settings()), "it finds fewer campaigns than stage 1 alone"
    assert not is_enabled(Settings(encoder="off")) and not is_enabled(Settings(encoder_texts_per_second=0))


CHILD = """
import os, sys, time
from streams.pipeline.encoder_main import *
out = sys.stdout.buffer
how = {how!r}
if how == "silent": time.sleep(60)
if how == "no start": sys.exit(3)
if how == "cannot": send(out, encode(EncoderHello(trouble="no weights")))
if how == "no words": send(out, b"what?")
if how == "endless": out.write(b"\\xff" * 9); out.flush()
send(out, encode(EncoderHello("new", "one", 2)))
while (frame := receive(sys.stdin.buffer)) is not None:
    texts = decode_texts(frame)
    if texts[0] == b"die": os._exit(7)
    if texts[0] == b"hang": time.sleep(60)
    if texts[0] == b"short": send(out, encode(b"1234"))
    if texts[0] == b"wild": send(out, encode(np.full((len(texts), 2), np.nan, "<f4").tobytes()))
    send(out, encode(np.full((len(texts), 2), len(texts[0]) / 100, "<f4").tobytes()))
"""


def child(how: str = "", answer_seconds: float = 60.0) -> EncoderProcess:
    script = CHILD.format(how=how)
    return EncoderProcess([sys.executable, "-c", script], start_seconds=60.0, answer_seconds=answer_seconds)


async def test_process_answers_any_text() -> None:
    process = child()
    try:
        assert await process.start() == EncoderHello("new", "one", 2)
        for texts in ([b"1234567"], [b"a" * 100_000, b"", "\ud800".encode("utf-8", "surrogatepass")]):
            found = await process.ask(texts) if len(texts[0]) < 100 else None
            if found is not None:
                assert found.tolist() == pytest.approx(np.full((len(texts), 2), 0.07, np.float32))
    finally:
        await process.end()


async def asked(process: EncoderProcess, text: bytes | None) -> None:
    """Start a process and ask it once."""
    await process.start()
    assert text is not None
    await process.ask([text])


@pytest.mark.parametrize(
    ("how", "text", "why"),
    [
        ("no start", None, "ended"),
        ("no words", None, "cannot be decoded"),
        ("endless", None, "longer than any answer"),
        ("", b"die", "ended"),
        ("", b"hang", "no answer in 1 s"),
        ("", b"short", "does not fit 1 texts"),
        ("", b"wild", "outside"),
    ],
)
async def test_process_failures_are_reported(how: str, text: bytes | None, why: str) -> None:
    process = child(how, answer_seconds=1.0 if text == b"hang" else 60.0)
    try:
        with pytest.raises(EncoderFailed, match=why):
            await asked(process, text)
    finally:
        await process.end()


async def test_process_that_cannot_start_reports_why() -> None:
    process = child("cannot")
    try:
        with pytest.raises(EncoderRefused, match="no weights"):
            await process.start()
    finally:
        await process.end()


async def test_missing_program_is_a_failure() -> None:
    with pytest.raises(EncoderFailed, match="cannot be started"):
        await EncoderProcess(["/no/such/program"]).start()


async def test_loop_runs_while_the_process_answers() -> None:
    process = child(answer_seconds=1.0)
    try:
        await process.start()
        asking = asyncio.create_task(process.ask([b"hang"]))
        turns = 0
        while not asking.done():
            await _real_sleep(0.01)
            turns += 1
        assert turns > 20
        with pytest.raises(EncoderFailed):
            asking.result()
    finally:
        await process.end()
