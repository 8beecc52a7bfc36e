"""Stage 2 beside the judges: what it reads, in which order and how fast, and what becomes of it in trouble."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from streams.errors import SettingsError
from streams.judging.stage_2_candidates import Candidate
from streams.log.corrections import decode_corrections
from streams.pipeline import stage_2
from streams.pipeline.encoder_main import Hello
from streams.pipeline.encoder_process import EncoderFailed, EncoderProcess, EncoderRefused
from streams.pipeline.stage_2 import StageTwo, is_wanted
from streams.settings import Settings
from streams.windows.corrections import Differences
from tests.support.shells import SCORER, Shells, make_shells

COLUMNS = 1 + len(SCORER.categories)
PARTIALS = "hashtag-partials"


class Played:
    """As `EncoderProcess`: says the same of every text, until it is told to fail."""

    def __init__(self, revision: str = "new", model_revision: str = SCORER.revision) -> None:
        self.hello = Hello(revision, model_revision, COLUMNS)
        self.asked: list[list[bytes]] = []
        self.fails: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.ended = 0

    async def start(self) -> Hello:
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
    """Time passes when somebody sleeps."""

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
    """What the worker's log would say."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **_: self.lines.append((level, event))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In the place of asyncio's."""
    return Clock(monkeypatch)


@pytest.fixture
async def shells(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> AsyncIterator[Shells]:
    """A worker's parts, in a time of their own."""
    made = make_shells(monkeypatch, at_once=True, encoder_texts_per_second=10)
    yield made
    made.context.executor.shutdown()


def candidate(tag: str, tweets: Sequence[int], *, unsure: bool = True, heat: int = 50) -> Candidate:
    return Candidate(tag, unsure, heat, tuple(tweets))


def text_of(tweet: int) -> bytes | None:
    return b"text %d" % tweet


def value(shells: Shells, name: str) -> float:
    return getattr(shells.context.metrics, name)._value.get()


def told(shells: Shells, shard: int) -> list[tuple[str, list[int]]]:
    """(hashtag, tweets) of each record in a shard's log."""
    records = [decode_corrections(one.value or b"") for one in shells.topics.read(PARTIALS, shard)]
    return [(one.hashtags[0], np.frombuffer(one.tweets, "<i8").tolist()) for one in records]


class Running:
    """Stage 2 at work."""

    def __init__(self, shells: Shells, *processes: Played) -> None:
        self.log = Log()
        self.processes = list(processes)
        self.lives = 0

        def make() -> Played:
            self.lives += 1
            return self.processes[min(self.lives, len(self.processes)) - 1]

        self.stage = StageTwo(shells.context, self.log, make)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.stage.run())

    async def __aenter__(self) -> Running:
        await settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_what_it_finds_goes_down_the_tags_own_shard(shells: Shells) -> None:
    async with Running(shells, Played()) as running:
        running.stage.offer(3, [candidate("a", [7, 5])], text_of)
        await settle()
        (record,) = [decode_corrections(one.value or b"") for one in shells.topics.read(PARTIALS, 3)]
        assert (record.revision, record.model_revision, record.hashtags) == ("new", SCORER.revision, ["a", "a"])
        assert np.frombuffer(record.tweets, "<i8").tolist() == [7, 5]
        assert np.frombuffer(record.differences, "<f4").tolist() == [0.25] * (2 * COLUMNS)
        assert value(shells, "encoder_up") == 1 and value(shells, "encoder_texts") == 2
    assert running.processes[0].ended == 1 and value(shells, "encoder_up") == 0


async def test_the_most_urgent_tag_of_any_shard_is_read_first(shells: Shells) -> None:
    process = Played()
    async with Running(shells, process) as running:
        process.go_on.clear()
        running.stage.offer(0, [candidate("first", [1])], text_of)
        await settle()
        running.stage.offer(0, [candidate("hot", [2], heat=90), candidate("sure", [3], unsure=False, heat=99)], text_of)
        running.stage.offer(1, [candidate("hotter", [4], heat=95), candidate("cool", [5], heat=10)], text_of)
        process.go_on.set()
        await settle()
        assert [one[0] for one in process.asked] == [text_of(tweet) for tweet in (1, 4, 2, 5, 3)]


async def test_a_text_is_read_but_once(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_2, "REMEMBERED_TEXTS", 3)
    process = Played()
    async with Running(shells, process) as running:
        same = {1: b"x", 2: b"x", 3: b"y", 4: b"x"}
        running.stage.offer(0, [candidate("a", [1, 2, 3])], same.get)
        await settle()
        running.stage.offer(1, [candidate("b", [4])], same.get)
        await settle()
        assert process.asked == [[b"x", b"y"]]
        assert told(shells, 0) == [("a", [1, 2, 3])] and told(shells, 1) == [("b", [4])]
        assert value(shells, "encoder_texts") == 2 and value(shells, "encoder_remembered") == 2
        running.stage.offer(0, [candidate("c", [5, 6])], text_of)
        await settle()
        running.stage.offer(0, [candidate("a", [3])], same.get)
        await settle()
        assert process.asked[2:] == [[b"y"]], "no more than so many are remembered; x was asked for last"


async def test_it_reads_no_more_texts_a_second_than_it_may(shells: Shells, clock: Clock) -> None:
    process = Played()
    async with Running(shells, process) as running:
        began = clock.now
        running.stage.offer(0, [candidate(f"tag{n}", range(20 * n, 20 * n + 20)) for n in range(3)], text_of)
        await settle()
        assert len(process.asked) == 3
        assert clock.now - began == pytest.approx(2 * 20 / 10), "ten a second, the first at once"


async def test_what_waits_is_bounded_and_a_new_tick_replaces_it(shells: Shells) -> None:
    process = Played()
    async with Running(shells, process) as running:
        process.go_on.clear()
        running.stage.offer(0, [candidate("held", [1])], text_of)
        await settle()
        tags = [candidate(f"tag{n}", range(100 * n, 100 * n + 20)) for n in range(50)]
        running.stage.offer(0, tags, text_of)
        queued = value(shells, "encoder_queue")
        assert 200 <= queued < 220, "twenty seconds' work, and a tag is not cut"
        assert value(shells, "encoder_dropped") == 50 * 20 - queued
        running.stage.offer(0, [candidate("tag1", [100, 101])], text_of)
        assert value(shells, "encoder_queue") == 2
        assert value(shells, "encoder_dropped") == 50 * 20 - 2
        running.stage.forget(0)
        process.go_on.set()
        await settle()
        assert told(shells, 0) == [("held", [1])]


async def test_a_text_that_is_gone_is_dropped(shells: Shells) -> None:
    async with Running(shells, Played()) as running:
        running.stage.offer(0, [candidate("a", [1, 2]), candidate("b", [3])], {1: b"x"}.get)
        await settle()
        assert told(shells, 0) == [("a", [1])]
        assert value(shells, "encoder_dropped") == 2


async def test_it_is_started_again_ever_less_often(shells: Shells, clock: Clock) -> None:
    process = Played()
    process.fails = EncoderFailed("it has ended with 7")
    async with Running(shells, process) as running:
        for life in range(1, 12):
            await settle()
            running.stage.offer(0, [candidate("a", [life])], text_of)
            await settle()
            assert running.lives == life + 1 and process.ended == life
        assert clock.slept[:4] == [1, 2, 4, 8] and clock.slept[-1] == stage_2.LONGEST_PAUSE_SECONDS
        assert value(shells, "encoder_restarts") == 11
        assert running.log.lines.count(("warning", "stage 2 is away: stage 1 stands")) == 11
    assert told(shells, 0) == [] and shells.crashed == []


async def test_whoever_ran_well_for_a_while_is_started_again_at_once(shells: Shells, clock: Clock) -> None:
    process = Played()
    process.fails = EncoderFailed("no answer in 30 s")
    async with Running(shells, process) as running:
        for life in range(3):
            clock.now += stage_2.STEADY_SECONDS
            running.stage.offer(0, [candidate("a", [life])], text_of)
            await settle()
        assert clock.slept == [1, 1, 1]


async def test_an_error_of_our_own_ends_no_worker(shells: Shells) -> None:
    broken, whole = Played(), Played()
    broken.fails = ZeroDivisionError("a bug")
    async with Running(shells, broken, whole) as running:
        running.stage.offer(0, [candidate("a", [1])], text_of)
        await settle()
        assert ("exception", "stage 2 is away: stage 1 stands") in running.log.lines
        running.stage.offer(0, [candidate("a", [1])], text_of)
        await settle()
        assert told(shells, 0) == [("a", [1])]


async def test_one_for_another_stage_1_is_not_asked_and_not_started_again(shells: Shells) -> None:
    async with Running(shells, Played(model_revision="another")) as running:
        await settle()
        assert running.task.done() and running.lives == 1 and not running.stage.reads_along
        running.stage.offer(0, [candidate("a", [1])], text_of)
        assert ("error", "stage 2 cannot be used: stage 1 stands alone") in running.log.lines


def test_whether_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_2, "NEEDED", ("no_such_package",))
    assert not is_wanted(Settings()) and not is_wanted(Settings(encoder="off"))
    with pytest.raises(SettingsError, match="no_such_package"):
        is_wanted(Settings(encoder="on"))
    monkeypatch.setattr(stage_2, "NEEDED", ())
    assert is_wanted(Settings()) and is_wanted(Settings(encoder="on"))
    assert not is_wanted(Settings(encoder="off")) and not is_wanted(Settings(encoder_texts_per_second=0))


CHILD = """
import os, sys, time
from streams.pipeline.encoder_main import *
out = sys.stdout.buffer
how = {how!r}
if how == "silent": time.sleep(60)
if how == "no start": sys.exit(3)
if how == "cannot": send(out, encode(Hello(trouble="no weights")))
if how == "no words": send(out, b"what?")
if how == "endless": out.write(b"\\xff" * 9); out.flush()
send(out, encode(Hello("new", "one", 2)))
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


async def test_a_process_answers_texts_of_any_kind() -> None:
    process = child()
    try:
        assert await process.start() == Hello("new", "one", 2)
        for texts in ([b"1234567"], [b"a" * 100_000, b"", "\ud800".encode("utf-8", "surrogatepass")]):
            found = await process.ask(texts) if len(texts[0]) < 100 else None
            if found is not None:
                assert found.tolist() == pytest.approx(np.full((len(texts), 2), 0.07, np.float32))
    finally:
        await process.end()


async def asked(process: EncoderProcess, text: bytes | None) -> None:
    """From the start to an answer."""
    await process.start()
    assert text is not None
    await process.ask([text])


@pytest.mark.parametrize(
    ("how", "text", "why"),
    [
        ("no start", None, "ended"),
        ("no words", None, "cannot be read"),
        ("endless", None, "bytes is none of its own"),
        ("", b"die", "ended"),
        ("", b"hang", "no answer in 1 s"),
        ("", b"short", "no answer to 1 texts"),
        ("", b"wild", "no differences"),
    ],
)
async def test_whatever_goes_wrong_in_a_process_is_said(how: str, text: bytes | None, why: str) -> None:
    process = child(how, answer_seconds=1.0 if text == b"hang" else 60.0)
    try:
        with pytest.raises(EncoderFailed, match=why):
            await asked(process, text)
    finally:
        await process.end()


async def test_one_that_cannot_says_why() -> None:
    process = child("cannot")
    try:
        with pytest.raises(EncoderRefused, match="no weights"):
            await process.start()
    finally:
        await process.end()


async def test_a_program_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(EncoderFailed, match="cannot be started"):
        await EncoderProcess(["/no/such/program"]).start()


async def test_while_it_thinks_the_loop_goes_on() -> None:
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
