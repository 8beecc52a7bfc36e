"""Time of a running publisher, by its heartbeats in Redis: the broker's as far as its worker knows it.

A heartbeat may be all that a dead publisher has left. So one that differs from the time that this process knows counts
only if it advances while it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING

from streams.clock import monotonic_seconds, steady_ms
from streams.errors import HushtagError
from streams.log.log_clock import LogClock

if TYPE_CHECKING:
    from streams.flags.lookup import FlagLookup

AGREES_MS = 10_000
"""Difference up to which a publisher's time and the known one agree."""
NEXT_HEARTBEAT_SECONDS = 2.5
"""Time in which a running publisher writes its next heartbeat."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class PublishTime:
    """Time of a running publisher, written between two moments of this host's clock (all Unix times in ms)."""

    at_ms: int
    after_ms: int
    before_ms: int
    agrees: bool
    """Whether it agrees with the known time to within `AGREES_MS`; the moments then say no more than that."""


async def read_publish_time(
    lookup: FlagLookup, clock: Callable[[], int], known: Callable[[], int] | None = None
) -> PublishTime | None:
    """Read the time of a running publisher; None if none is running.

    A heartbeat that agrees with the known time is believed. Else this waits `NEXT_HEARTBEAT_SECONDS` at most for one
    that advances: of several, the middle one, as the clock of one worker may have jumped.

    Args:
        lookup: connection to Redis.
        clock: this host's clock, Unix time in ms.
        known: present time as this process knows it; None: by `clock`.

    Raises:
        FlagStoreUnavailable: Redis does not answer.
    """
    asked_ms = clock()
    first = await lookup.heartbeats()
    if not first:
        return None
    newest_ms = max(first.values())
    if abs((known or clock)() - newest_ms) <= AGREES_MS:
        return PublishTime(newest_ms, asked_ms, clock(), agrees=True)
    deadline = monotonic_seconds() + NEXT_HEARTBEAT_SECONDS
    while True:
        beats = await lookup.heartbeats()
        if advanced := [at_ms for shard, at_ms in beats.items() if at_ms > first.get(shard, at_ms)]:
            return PublishTime(median_low(advanced), asked_ms, clock(), agrees=False)
        if monotonic_seconds() >= deadline:
            return None
        asked_ms = clock()
        await asyncio.sleep(POLL_SECONDS)


async def adopt_publish_time(log_clock: LogClock, redis_url: str, clock: Callable[[], int]) -> None:
    """Set a process's log time by a running publisher, for a process that has read no recent record.

    Without one, or without Redis, or where the times agree, nothing changes; it takes `NEXT_HEARTBEAT_SECONDS` at most.

    Args:
        log_clock: time of the log, as the process knows it.
        redis_url: address of Redis.
        clock: the clock that `log_clock` corrects, Unix time in ms.
    """
    from streams.flags.lookup import FlagLookup  # imported on use: it takes a tenth of a second

    try:
        async with (
            asyncio.timeout(NEXT_HEARTBEAT_SECONDS),
            FlagLookup(redis_url, timeout_seconds=NEXT_HEARTBEAT_SECONDS) as lookup,
        ):
            publish_time = await read_publish_time(lookup, clock, lambda: log_clock.present_ms(clock()))
    except (TimeoutError, HushtagError):
        return
    if publish_time is not None and not publish_time.agrees:
        log_clock.adopt(publish_time.at_ms, after_ms=publish_time.after_ms, before_ms=publish_time.before_ms)


async def present_ms(redis_url: str) -> int:
    """Return the present time: this host's clock, or a running publisher's where they differ by `AGREES_MS`."""
    log_clock = LogClock()
    await adopt_publish_time(log_clock, redis_url, steady_ms)
    return log_clock.present_ms(steady_ms())
