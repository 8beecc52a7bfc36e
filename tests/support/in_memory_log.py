"""Moderation without a broker: the real desks on a log in memory, for tests of what is above them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moderation.review.automated import Automated
from moderation.writer import Desk
from streams.clock import now_ms
from streams.flags.overrides import PeopleView
from streams.log.decisions import Decision


@dataclass(frozen=True, slots=True)
class Line:
    offset: int
    key: bytes
    value: bytes


@dataclass(slots=True)
class Paper:
    """The moderation topic: a list."""

    lines: list[Line] = field(default_factory=list)
    servers = "paper"

    def send(self, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        offsets = []
        for value, key in records:
            offsets.append(len(self.lines))
            self.lines.append(Line(len(self.lines), key, value))
        return offsets

    async def to_end(self, starts: Mapping[int, int | None]) -> AsyncGenerator[list[Line], None]:
        if batch := self.lines[starts[0] or 0 :]:
            yield batch

    def close(self) -> None:
        pass


def paper_desk(paper: Paper, clock: Callable[[], int] = now_ms) -> Desk:
    """A desk on paper: not to be entered or left. (Its constructor would make a Kafka client.)"""
    desk = Desk.__new__(Desk)
    desk.view = PeopleView()
    desk._topic = "paper"
    desk._deadline_seconds = 1.0
    desk._clock = clock
    desk._turn = asyncio.Lock()
    desk._reader = paper  # type: ignore[assignment]
    desk._sender = paper  # type: ignore[assignment]
    return desk


class PaperFollower:
    """Automated decisions that a test gives."""

    def __init__(self, decisions: Sequence[Decision] = (), **options: Any) -> None:
        self.fold = Automated(**options)
        for said in decisions:
            self.fold.hear(said)

    async def refresh(self, now_ms: int) -> Automated:
        return self.fold
