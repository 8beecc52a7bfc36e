"""Waits until a decision is what a surface sees, by the client's own rule; or says why it is not yet.

The decision is in the log for good by then: this only tells a moderator whether the rest of the way works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from moderation.written import Written
from streams.clock import monotonic_seconds, now_ms
from streams.errors import FlagStoreUnavailable
from streams.flags.lookup import FlagLookup, Verdict, verdict
from streams.settings import Settings

_ASK_SECONDS = 0.05
_ALIVE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Visible:
    """What became of one decision within the time. `verdicts`: what each of its surfaces does now, if Redis answers."""

    published: bool
    verdicts: tuple[Verdict, ...]
    note: str = ""
    """Why it is not published yet; "" if it is."""


async def wait_visible(settings: Settings, written: Sequence[Written], *, wait_seconds: float = 5.0) -> list[Visible]:
    """Wait until the registers of all these decisions, or newer ones, are in Redis. Never raises for Redis's sake."""
    deadline = monotonic_seconds() + wait_seconds
    async with FlagLookup(settings.redis_url, timeout_seconds=wait_seconds) as lookup:
        return [await _wait_for(lookup, one, deadline) for one in written]


async def _wait_for(lookup: FlagLookup, written: Written, deadline_seconds: float) -> Visible:
    record = written.record
    while True:
        try:
            registers = await lookup.of_scope(record.hashtag, record.surfaces, record.country)
            own = {
                register.surface: register.version
                for register in registers
                if (register.hashtag, register.country, register.source)
                == (record.hashtag, record.country, record.source)
            }
            published = all(own.get(surface, "") >= written.version for surface in record.surfaces)
            late = monotonic_seconds() >= deadline_seconds
            if published or late:
                at_ms = now_ms()
                verdicts = tuple(verdict(registers, record.hashtag, s, record.country, at_ms) for s in record.surfaces)
                return Visible(published, verdicts, "" if published else await _why(lookup))
        except FlagStoreUnavailable as error:
            return Visible(False, (), f"{error}: whether surfaces see it is not known")
        await asyncio.sleep(_ASK_SECONDS)


async def _why(lookup: FlagLookup) -> str:
    beat_ms = await lookup.last_heartbeat_ms()
    if beat_ms is None:
        return "publish is not running: no worker has ever reported to this Redis"
    quiet_ms = now_ms() - beat_ms
    if quiet_ms > _ALIVE_MS:
        return f"publish is not running: the last worker reported {quiet_ms / 1000:.0f} s ago"
    return "publish runs, and has not taken it up yet"
