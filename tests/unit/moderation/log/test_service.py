"""Tests of the moderation service's reading of its own records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import pytest

from moderation.log.drafts import OverrideDraft
from streams.clock import now_ms
from streams.errors import DependencyAway
from streams.naming import tag_of
from tests.support.in_memory_log import InMemoryLog, LoggedRecord, in_memory_service


class SlowLog(InMemoryLog):
    """Log whose reading takes longer than the deadline of the service."""

    async def to_end(self, starts: Mapping[int, int | None]) -> AsyncGenerator[list[LoggedRecord], None]:
        await asyncio.sleep(0.06)
        async for batch in super().to_end(starts):
            yield batch


class SilentLog(InMemoryLog):
    """Log that never returns what was written."""

    async def to_end(self, starts: Mapping[int, int | None]) -> AsyncGenerator[list[LoggedRecord], None]:
        await asyncio.sleep(0.01)
        return
        yield []


def write(log: InMemoryLog) -> int:
    service = in_memory_service(log)
    service._deadline_seconds = 0.05
    draft = OverrideDraft(tag_of("rumour"), "block", "IN", ("trends",), "ann", "seen", now_ms() + 60_000)
    return len(asyncio.run(service.override([draft])))


def test_record_that_is_read_back_late_is_accepted() -> None:
    """A ruling on 100,000 targets takes longer to fold than the deadline; its writer must not repeat it."""
    assert write(SlowLog()) == 1


def test_record_that_is_never_read_back_is_refused() -> None:
    with pytest.raises(DependencyAway, match="cannot be read back"):
        write(SilentLog())
