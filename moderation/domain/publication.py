"""Wait until the surfaces see decisions, and say why they do not yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hushtag_client import Register
from pydantic import Field

from moderation.log.drafts import AcceptedRecord
from streams.answers import AnswerModel, Millis
from streams.clock import monotonic_seconds, now_ms
from streams.errors import FlagStoreUnavailable
from streams.flags.publish_time import read_publish_time
from streams.log.moderation import TagRecord
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.flags.lookup import FlagLookup, FlagResolution

POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class PublicationStatus:
    """Status of one decision in Redis at the end of the wait."""

    published: bool
    verdicts: tuple[FlagResolution, ...]
    """Current effect on each surface of the decision; empty if Redis does not answer."""
    note: str = ""
    """Reason why the decision is not published yet; "" if it is."""


class OrderPublishedAnswer(AnswerModel):
    """Times at which the last decision on an order reached the log, and the surfaces."""

    recorded_ms: Millis
    on_surfaces_ms: Millis | None = Field(description="null: nothing changes there, or it is not there yet.")
    published: bool | None = Field(description="null: nothing changes on surfaces.")
    note: str = Field(description="Reason why the surfaces do not have it yet.")

    def words(self, unchanged: str = "nothing changes on surfaces") -> str:
        """Describe both times in a line; `unchanged` describes a record without effect on surfaces."""
        recorded = f"recorded {_clock_words(self.recorded_ms)}"
        if self.published is None:
            return f"{recorded}; {unchanged}"
        if self.on_surfaces_ms is not None:
            return f"{recorded}, on surfaces {_clock_words(self.on_surfaces_ms)}"
        return f"{recorded}, not on surfaces yet" if self.note else f"{recorded}; did not wait for surfaces (--wait 0)"


async def wait_order_published(
    settings: Settings,
    offset: int,
    *,
    recorded_ms: int,
    changes: bool,
    wait_seconds: float,
    clock: Callable[[], int],
) -> OrderPublishedAnswer:
    """Wait until Redis holds every restriction that a record of an order changes; 0 seconds skips the wait.

    Publish writes the topic in its order, so that one offset answers for a ruling on any number of targets. `clock` is
    the log's time, like `recorded_ms`.
    """

    def answer(on_surfaces_ms: int | None, note: str = "") -> OrderPublishedAnswer:
        published = on_surfaces_ms is not None if changes else None
        return OrderPublishedAnswer(
            recorded_ms=recorded_ms, on_surfaces_ms=on_surfaces_ms, published=published, note=note
        )

    if not changes or not wait_seconds:
        return answer(None)
    from streams.flags.lookup import FlagLookup

    deadline = monotonic_seconds() + wait_seconds
    async with FlagLookup(settings.redis_url, timeout_seconds=wait_seconds) as lookup:
        try:
            while await lookup.published_offset() <= offset:
                if monotonic_seconds() >= deadline:
                    return answer(None, await delay_reason(lookup))
                await asyncio.sleep(POLL_SECONDS)
        except FlagStoreUnavailable as error:
            return answer(None, f"{error}: it is not known whether surfaces see it")
    return answer(clock())


def _clock_words(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S UTC")


async def wait_published(
    settings: Settings, accepted: Sequence[AcceptedRecord], *, wait_seconds: float = 5.0
) -> list[PublicationStatus]:
    """Wait until Redis holds the registers of all decisions or newer ones; an unreachable Redis gives a note."""
    from streams.flags.lookup import FlagLookup  # imported on use: other commands start faster without Redis

    deadline = monotonic_seconds() + wait_seconds
    async with FlagLookup(settings.redis_url, timeout_seconds=wait_seconds) as lookup:
        return [await _wait_for(lookup, record, deadline) for record in accepted]


async def _wait_for(lookup: FlagLookup, accepted: AcceptedRecord, deadline_seconds: float) -> PublicationStatus:
    from streams.flags.lookup import resolve

    record = accepted.record
    while True:
        try:
            registers = await lookup.for_scope(record.hashtag, record.surfaces, record.country)
            versions = published_versions(registers, record)
            published = all(versions.get(surface, "") >= accepted.version for surface in record.surfaces)
            if published or monotonic_seconds() >= deadline_seconds:
                at_ms = record.at_ms  # by the broker's clock, unlike the present time of this host
                verdicts = tuple(resolve(registers, record.hashtag, s, record.country, at_ms) for s in record.surfaces)
                return PublicationStatus(published, verdicts, "" if published else await delay_reason(lookup))
        except FlagStoreUnavailable as error:
            return PublicationStatus(False, (), f"{error}: it is not known whether surfaces see it")
        await asyncio.sleep(POLL_SECONDS)


def published_versions(registers: Iterable[Register], record: TagRecord) -> dict[str, str]:
    """Return the versions of the registers of a record's own scope, by surface."""
    own = (record.hashtag, record.country, record.source)
    return {reg.surface: reg.version for reg in registers if (reg.hashtag, reg.country, reg.source) == own}


async def delay_reason(lookup: FlagLookup) -> str:
    """Say why Redis does not have a decision yet."""
    beats = await lookup.heartbeats()
    if not beats:
        return "publish is not running: no worker has ever reported to this Redis"
    if await read_publish_time(lookup, now_ms) is None:
        age_seconds = (now_ms() - max(beats.values())) / 1000
        last = f"the last worker reported {age_seconds:.0f} s ago" if age_seconds >= 0 else "no worker reports"
        return f"publish is not running: {last}"
    return "publish is running and has not applied it yet"
