"""Claims of idle partitions outlive a broker that does not answer for a while."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from streams.counting.times import TimeRules
from streams.errors import DependencyAway, TopicsError
from streams.log.reading import Bounds
from streams.pipeline import ingest
from streams.pipeline.ingest import IngestStage
from streams.settings import Settings


class Reader:
    """Answers as told, one answer a call."""

    answers: ClassVar[list[Any]] = []
    partitions = (0,)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def bounds(self, partitions: tuple[int, ...]) -> dict[int, Bounds]:
        answer = Reader.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {0: Bounds(0, answer)}


@pytest.fixture
def claimed(monkeypatch) -> list[int]:
    """What was claimed, once the stage runs out of answers."""
    monkeypatch.setattr(ingest, "LogReader", Reader)
    monkeypatch.setattr(ingest, "_IDLE_SECONDS", 0.002)
    return []


async def claim(claimed: list[int], *answers: Any) -> None:
    Reader.answers = list(answers)
    stage = IngestStage(SimpleNamespace(settings=Settings()), "id", TimeRules(), lambda: 1)  # type: ignore[arg-type]
    core = SimpleNamespace(claim=claimed.append)
    stage._partitions = {0: SimpleNamespace(core=core, next_offset=7, stood_at=None)}  # type: ignore[dict-item]
    stage.heard(1_000)
    async with asyncio.timeout(60):
        await stage._claim_for_ever()


async def test_a_broker_that_does_not_answer_is_asked_again(claimed):
    with pytest.raises(IndexError):
        await claim(claimed, 7, DependencyAway("no answer within 10 s"), DependencyAway("no answer within 10 s"), 7)
    assert len(claimed) == 2


async def test_a_log_that_was_cut_short_ends_the_worker(claimed):
    with pytest.raises(TopicsError, match="ends at 3, before 7"):
        await claim(claimed, 3)
