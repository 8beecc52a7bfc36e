"""Times at which a decision was recorded, and at which each surface got it.

The time on a surface is that of Redis's change stream, which has every applied write. So it is right also for a page
that is loaded again later, until the stream has dropped the entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hushtag_client import keys

from moderation.domain.publication import POLL_SECONDS, delay_reason, published_versions
from moderation.log.drafts import AcceptedRecord
from streams.clock import monotonic_seconds, now_ms
from streams.errors import FlagStoreUnavailable
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import TagRecord
from streams.settings import Settings

_ONE_WRITE_MS = 1_000
"""Longest time between the first and the last append of one write."""

if TYPE_CHECKING:
    from streams.flags.lookup import FlagLookup


@dataclass(frozen=True, slots=True)
class PlacePublication:
    """Publication of a decision on one surface in one country."""

    surface: str
    country: str
    published: bool | None
    """Whether Redis holds the decision or a newer one; None: Redis does not answer."""
    published_ms: int | None = None
    """None: it is not published, or the time is no longer known."""

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain JSON."""
        return {
            "surface": self.surface,
            "country": self.country,
            "published": self.published,
            "published_at_ms": self.published_ms,
        }


@dataclass(frozen=True, slots=True)
class DecisionPublication:
    """Publication of the decisions of one write at the end of the wait."""

    recorded_ms: int
    places: tuple[PlacePublication, ...]
    note: str = ""
    """Reason why a place does not have it yet; "" if all have it."""

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain JSON; `published` is null if Redis does not answer."""
        states = [place.published for place in self.places]
        times = [place.published_ms for place in self.places if place.published_ms is not None]
        published = None if None in states else all(states)
        return {
            "recorded_at_ms": self.recorded_ms,
            "published": published,
            "published_at_ms": max(times) if published and len(times) == len(states) else None,
            "note": self.note,
            "surfaces": [place.as_dict() for place in self.places],
        }


PublicationWait = Callable[[Sequence[AcceptedRecord], float], Awaitable[DecisionPublication]]
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


def _is_of_write(record: TagRecord, last: TagRecord) -> bool:
    is_same = (record.actor, record.reason) == (last.actor, last.reason)
    return is_same and abs(record.at_ms - last.at_ms) <= _ONE_WRITE_MS


def publication_wait(settings: Settings) -> PublicationWait:
    """Build the wait on the configured Redis."""

    async def wait(records: Sequence[AcceptedRecord], wait_seconds: float) -> DecisionPublication:
        from streams.flags.lookup import FlagLookup

        async with FlagLookup(settings.redis_url, timeout_seconds=max(wait_seconds, 1.0)) as lookup:
            return await wait_on_places(lookup, records, wait_seconds)

    return wait


async def wait_on_places(
    lookup: FlagLookup, records: Sequence[AcceptedRecord], wait_seconds: float
) -> DecisionPublication:
    """Wait until Redis holds the records of one write, or newer ones, on each of their surfaces."""
    recorded_ms = records[-1].record.at_ms
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
                        noticed.setdefault((record.country, surface), None if first else now_ms())
            if len(noticed) == len(places) or monotonic_seconds() >= deadline:
                break
            first = False
            await asyncio.sleep(POLL_SECONDS)
        times = await _applied_ms(lookup, places, recorded_ms) if noticed else {}
        note = "" if len(noticed) == len(places) else await delay_reason(lookup)
    except FlagStoreUnavailable as error:
        unknown = tuple(PlacePublication(surface, country, None) for country, surface in sorted(places))
        return DecisionPublication(recorded_ms, unknown, f"{error}: it is not known whether surfaces see it")
    publications = tuple(
        PlacePublication(surface, country, place in noticed, times.get(place) or noticed.get(place))
        for place in sorted(places)
        for country, surface in [place]
    )
    return DecisionPublication(recorded_ms, publications, note)


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
