"""The moderation service on a log in memory, for tests of the services and the API above it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.log.service import ModerationService
from streams.clock import now_ms
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.log.log_clock import LogClock
from streams.log.moderation import UNKNOWN_MS


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    offset: int
    key: bytes
    value: bytes
    timestamp: int = UNKNOWN_MS


@dataclass(slots=True)
class InMemoryLog:
    """The moderation topic as a list; it replaces both the reader and the producer of the service."""

    records: list[LoggedRecord] = field(default_factory=list)
    broker_clock: Callable[[], int] = lambda: UNKNOWN_MS
    """The broker's time; by default records have the time of their writer."""
    servers = "memory"

    def send(self, records: Sequence[tuple[bytes, bytes]]) -> list[int]:
        begin = len(self.records)
        self.records += [
            LoggedRecord(begin + n, key, value, self.broker_clock()) for n, (value, key) in enumerate(records)
        ]
        return list(range(begin, len(self.records)))

    async def to_end(self, starts: Mapping[int, int | None]) -> AsyncGenerator[list[LoggedRecord], None]:
        if batch := self.records[starts[0] or 0 :]:
            yield batch

    def close(self) -> None:
        pass


def in_memory_service(log: InMemoryLog, clock: Callable[[], int] = now_ms) -> ModerationService:
    """Build a service that is not entered; the constructor is bypassed because it makes a Kafka client."""
    service = ModerationService.__new__(ModerationService)
    service.view = OverrideHistory()
    service._topic = "memory"
    service._deadline_seconds = 1.0
    service._clock = clock
    service.log_clock = LogClock()
    service._read_began_ms = 0
    service._lock = asyncio.Lock()
    service._reader = log  # type: ignore[assignment]
    service._producer = log  # type: ignore[assignment]
    return service


class FixedDecisions:
    """Automated decisions of a test, in place of a `DecisionsFollower`."""

    def __init__(self, decisions: Sequence[Decision] = (), **options: Any) -> None:
        self.fold = AutomatedFold(**options)
        for decision in decisions:
            self.fold.apply(decision)

    async def refresh(self, now_ms: int) -> AutomatedFold:
        return self.fold
