"""Times at which a decision was recorded, and at which each surface got it.

The time on a surface is that of Redis's change stream, which has every applied write. So it is right also for a page
that is loaded again later, until the stream has dropped the entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from hushtag_client import keys
from pydantic import Field

from moderation.domain.publication import POLL_SECONDS, delay_reason, published_versions
from moderation.log.drafts import AcceptedRecord
from streams.answers import AnswerModel, Millis
from streams.clock import monotonic_seconds
from streams.errors import FlagStoreUnavailable
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import TagRecord
from streams.settings import Settings

_ONE_WRITE_MS = 1_000
"""Longest time between the first and the last append of one write."""

if TYPE_CHECKING:
    from streams.flags.lookup import FlagLookup


class SurfacePublishedAnswer(AnswerModel):
    """Publication on one surface in one country."""

    surface: str
    country: str = Field(description="ISO 3166-1 alpha-2, or `*`.")
    published: bool | None = Field(description="Whether it or a newer one is there; null: Redis does not answer.")
    published_at_ms: int | None = Field(description="null: not yet, or the time is no longer known.")


class PublishedAnswer(AnswerModel):
    """Times of one decision: in the log, and on surfaces."""

    hashtag: str
    version: str = Field(description="Version of the last record of the decision.")
    recorded_at_ms: Millis
    published: bool | None = Field(description="Whether every surface has it; null: Redis does not answer.")
    published_at_ms: int | None = Field(description="Time at which the last surface got it; null: not yet.")
    note: str = Field(description="Reason why a surface does not have it; empty if all have.")
    surfaces: list[SurfacePublishedAnswer]


PublicationWait = Callable[[Sequence[AcceptedRecord], float], Awaitable[PublishedAnswer]]
"""Records of one write and the longest wait in seconds to their publication."""


def records_of_write(history: OverrideHistory, hashtag: str, version: str) -> list[AcceptedRecord]:
    """Find the records of a hashtag that were written together with the last one up to a version, oldest first.

    A decision on a case writes one record for each country: they have one actor and one reason, and the broker gets
    them within a second.
    """
    accepted = [
        AcceptedRecord(record, offset)
        for offset, record in history.history
        if record.hashtag == hashtag and record.source == "human" and offset not in history.fold.stale
    ]
    written = [part for part in accepted if part.version <= version]
    if not written:
        return []
    last = written[-1].record
    return [part for part in written if _is_of_write(part.record, last)]


def published_view(
    records: Sequence[AcceptedRecord], surfaces: list[SurfacePublishedAnswer], note: str = ""
) -> PublishedAnswer:
    """Describe the publication of the records of one write by its surfaces."""
    states = [place.published for place in surfaces]
    times = [place.published_at_ms for place in surfaces if place.published_at_ms is not None]
    published = None if None in states else all(states)
    return PublishedAnswer(
        hashtag=records[-1].record.hashtag,
        version=records[-1].version,
        recorded_at_ms=records[-1].record.at_ms,
        published=published,
        published_at_ms=max(times) if published and len(times) == len(states) else None,
        note=note,
        surfaces=surfaces,
    )


def _is_of_write(record: TagRecord, last: TagRecord) -> bool:
    is_same = (record.actor, record.reason) == (last.actor, last.reason)
    return is_same and abs(record.at_ms - last.at_ms) <= _ONE_WRITE_MS


def publication_wait(settings: Settings, clock: Callable[[], int]) -> PublicationWait:
    """Build the wait on the configured Redis; `clock` is the log's time."""

    async def wait(records: Sequence[AcceptedRecord], wait_seconds: float) -> PublishedAnswer:
        from streams.flags.lookup import FlagLookup

        async with FlagLookup(settings.redis_url, timeout_seconds=max(wait_seconds, 1.0)) as lookup:
            return await wait_on_places(lookup, records, wait_seconds, clock)

    return wait


async def wait_on_places(
    lookup: FlagLookup, records: Sequence[AcceptedRecord], wait_seconds: float, clock: Callable[[], int]
) -> PublishedAnswer:
    """Wait until Redis holds the records of one write, or newer ones, on each of their surfaces."""
    deadline = monotonic_seconds() + wait_seconds
    places = {(part.record.country, surface): part for part in records for surface in part.record.surfaces}
    noticed: dict[tuple[str, str], int | None] = {}
    first = True
    try:
        while True:
            for accepted in records:
                record = accepted.record
                registers = await lookup.for_scope(record.hashtag, record.surfaces, record.country)
                for surface, version in published_versions(registers, record).items():
                    if version >= accepted.version:
                        noticed.setdefault((record.country, surface), None if first else clock())
            if len(noticed) == len(places) or monotonic_seconds() >= deadline:
                break
            first = False
            await asyncio.sleep(POLL_SECONDS)
        times = await _applied_ms(lookup, places, records[-1].record.at_ms) if noticed else {}
        note = "" if len(noticed) == len(places) else await delay_reason(lookup)
    except FlagStoreUnavailable as error:
        unknown = [
            SurfacePublishedAnswer(surface=surface, country=country, published=None, published_at_ms=None)
            for country, surface in sorted(places)
        ]
        return published_view(records, unknown, f"{error}: it is not known whether surfaces see it")
    surfaces = [
        SurfacePublishedAnswer(
            surface=surface,
            country=country,
            published=(country, surface) in noticed,
            published_at_ms=times.get((country, surface)) or noticed.get((country, surface)),
        )
        for country, surface in sorted(places)
    ]
    return published_view(records, surfaces, note)


async def _applied_ms(
    lookup: FlagLookup, places: dict[tuple[str, str], AcceptedRecord], recorded_ms: int
) -> dict[tuple[str, str], int]:
    """Find the times at which the registers of some places reached the versions of their records."""
    fields = {
        keys.field(surface, country, accepted.record.source, accepted.record.hashtag): (country, surface)
        for (country, surface), accepted in places.items()
    }
    versions = {field: places[place].version for field, place in fields.items()}
    applied = await lookup.applied_ms(versions, recorded_ms)
    return {fields[field]: at_ms for field, at_ms in applied.items()}
