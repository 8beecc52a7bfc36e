"""Reader of crowds: reads the evidence of the last hours once, on the first request, and then only what is new.

Six of seven records are not of a minute, or not of the shortest window; those are passed over by their first members.
Two hours of 4,000 hashtags and countries are 445 MB: reading them takes 1.6 CPU seconds once, and 10 MB of memory
(`python -m benchmarks.crowd`). A call waits three seconds for it and then answers with what was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol, Self

import msgspec

from moderation.domain.crowd.answers import CrowdPointAnswer
from moderation.domain.crowd.crowd import LONGEST_MS, RECENT_MS, CrowdFold
from streams.clock import monotonic_seconds, now_ms
from streams.errors import TopicsError
from streams.log.evidence import EvidenceConditions
from streams.log.evidence_reading import PlacedRecord, evidence_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import EVIDENCE
from streams.settings import Settings

_FRESH_SECONDS = 2.0
"""Age up to which the topic is not read again."""
_WAIT_SECONDS = 3.0
"""Longest wait of a call for the first read, which goes on without it."""


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """The first members of a record; the others are passed over."""

    shard: int
    tick_ms: int
    window_ms: int
    part: int
    parts: int
    conditions: EvidenceConditions


_decode_head = msgspec.msgpack.Decoder(_Head).decode


@dataclass(frozen=True, slots=True)
class Crowd:
    """Crowd of a hashtag in a country."""

    points: list[CrowdPointAnswer]
    window_ms: int
    """Window that each point counts; 0: nothing was read."""
    floor: int
    """Least tweets in the window of a point."""
    newest_ms: int
    """End of the newest minute that was read; 0: none."""
    is_calibrated: bool | None
    """Whether the scale of the newest minute was fitted to the platform's labels; None: nothing was read."""
    complete: bool
    """Whether everything was read; if not, the read goes on, and a later call has more."""


class CrowdSource(Protocol):
    """Source of crowds; `CrowdFollower` on Kafka."""

    @property
    def is_calibrated(self) -> bool | None:
        """`Crowd.is_calibrated` at the last read."""

    async def read(self, hashtag: str, country: str, since_ms: int) -> Crowd:
        """Read the crowd of a hashtag in a country from a time to now."""


class CrowdFollower:
    """Reader of `hashtag-evidence`: an async context manager, safe for concurrent calls; connects on first use.

    Args:
        settings: addresses and topic names.
        open_hashtags: returns the hashtags of open cases, whose older minutes are kept.

    Raises (from `read`):
        DependencyAway: Kafka does not answer.
        TopicsError: the topic does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        open_hashtags: Callable[[], Awaitable[Collection[str]]],
        *,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._settings = settings
        self._open_hashtags = open_hashtags
        self._clock = clock
        self._fold = CrowdFold()
        self._stack = AsyncExitStack()
        self._reader: LogReader | None = None
        self._next: dict[int, int | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._read_at = -_FRESH_SECONDS

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._stack.aclose()

    @property
    def nbytes(self) -> int:
        """Memory of what is kept, in bytes."""
        return self._fold.nbytes

    @property
    def is_calibrated(self) -> bool | None:
        """`Crowd.is_calibrated` at the last read."""
        return self._fold.is_calibrated

    async def read(self, hashtag: str, country: str, since_ms: int) -> Crowd:
        """Read the crowd of a hashtag in a country from a time to now, `LONGEST_MS` at most."""
        complete = await self._refresh()
        at_ms, fold = self._clock(), self._fold
        points = fold.series(hashtag, country, max(since_ms, at_ms - LONGEST_MS), at_ms)
        return Crowd(points, fold.window_ms, fold.floor, fold.newest_ms, fold.is_calibrated, complete)

    async def _refresh(self) -> bool:
        """Read on; return whether the present end was reached within the wait."""
        if self._task is None and monotonic_seconds() - self._read_at < _FRESH_SECONDS:
            return True
        if self._task is None:
            self._task = asyncio.create_task(self._read_on())
        task = self._task
        await asyncio.wait([task], timeout=_WAIT_SECONDS)
        if not task.done():
            return False
        if self._task is task:
            self._task = None
        task.result()
        return True

    async def _read_on(self) -> None:
        if self._reader is None:
            self._reader = await self._stack.enter_async_context(
                LogReader(connection(self._settings), self._settings.topic(EVIDENCE))
            )
        at_ms = self._clock()
        self._fold.expire(at_ms - LONGEST_MS)
        self._fold.thin(at_ms - RECENT_MS, await self._open_hashtags())
        if not self._next or self._fold.newest_ms < at_ms - LONGEST_MS:
            self._next = {
                partition: await self._reader.offset_at(partition, at_ms - LONGEST_MS)
                for partition in self._reader.partitions
            }
        try:
            async for batch in self._reader.to_end(self._next):
                for record in batch:
                    apply_evidence(self._fold, record)
                self._next[batch[-1].partition] = batch[-1].offset + 1
                await asyncio.sleep(0)
        except TopicsError:
            self._fold, self._next = CrowdFold(), {}  # created again: the next call reads it from its beginning
            raise
        self._read_at = monotonic_seconds()


def apply_evidence(fold: CrowdFold, record: PlacedRecord) -> None:
    """Apply a record of the topic, if the fold wants it; one that cannot be read is logged and passed over."""
    try:
        head = _decode_head(record.value or b"")
    except msgspec.MsgspecError:
        head = None
    if head is not None and not fold.wants(head.tick_ms, head.window_ms, head.conditions.windows_ms):
        return
    if (evidence := evidence_in(record)) is not None:
        fold.apply(evidence)
