"""Times of a decision: when it was recorded, and when each surface got it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from hushtag_client import Register, keys

from moderation.domain import publication_times
from moderation.domain.publication_times import PublishedAnswer, records_of_write, wait_on_places
from moderation.log.drafts import AcceptedRecord
from streams.errors import FlagStoreUnavailable
from streams.flags.lookup import FlagLookup
from streams.log.moderation import Override
from tests.support.case_decisions import decision, ruling
from tests.support.moderation_world import World

AT_MS = 1_612_785_785_000


def accepted(offset: int = 7, country: str = "IN", surfaces: tuple[str, ...] = ("search", "trends")) -> AcceptedRecord:
    record = Override(
        id="a", hashtag="tag", display="tag", country=country, surfaces=surfaces, actor="ann", reason="r",
        at_ms=AT_MS, edits="", action="block", expires_at_ms=0,
    )  # fmt: skip
    return AcceptedRecord(record, offset)


class FakeLookup:
    """Redis that gets one more register with each poll."""

    def __init__(self, *written: Register, applied: Mapping[str, int] | None = None, away: bool = False) -> None:
        self.written, self.applied, self.away, self.polls = written, applied or {}, away, 0

    async def for_scope(self, hashtag: str, surfaces: Sequence[str], country: str) -> list[Register]:
        if self.away:
            raise FlagStoreUnavailable("Redis is away")
        self.polls += 1
        return [one for one in self.written[: self.polls - 1] if one.surface in surfaces and one.country == country]

    async def applied_ms(self, versions: Mapping[str, str], recorded_ms: int) -> dict[str, int]:
        return {name: at_ms for name, at_ms in self.applied.items() if name in versions}

    async def heartbeats(self) -> dict[bytes, int]:
        return {}


def register(surface: str, offset: int = 7) -> Register:
    return Register(
        version=accepted(offset).version, action="suppress", hashtag="tag", surface=surface, country="IN",
        source="human",
    )  # fmt: skip


async def waited(
    fake: FakeLookup, monkeypatch: pytest.MonkeyPatch, wait_seconds: float = 5.0, **more: Any
) -> PublishedAnswer:
    monkeypatch.setattr(publication_times, "POLL_SECONDS", 0.0)
    return await wait_on_places(cast(FlagLookup, fake), [accepted(**more)], wait_seconds, lambda: AT_MS + 9_000)


async def test_decision_is_published_once_every_surface_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    applied = {keys.field(one, "IN", "human", "tag"): AT_MS + ms for one, ms in (("search", 700), ("trends", 900))}
    fake = FakeLookup(register("search"), register("trends", 8), applied=applied)
    found = await waited(fake, monkeypatch)
    assert fake.polls == 3
    assert (found.recorded_at_ms, found.published, found.published_at_ms) == (AT_MS, True, AT_MS + 900)
    assert [one.published_at_ms for one in found.surfaces] == [AT_MS + 700, AT_MS + 900]
    assert found.note == ""


async def test_wait_ends_with_a_reason_for_the_missing_surface(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLookup(register("search"), register("trends", 6))
    found = await waited(fake, monkeypatch, wait_seconds=0.02)
    assert (found.published, found.published_at_ms) == (False, None)
    assert {one.surface: one.published for one in found.surfaces} == {"search": True, "trends": False}
    assert found.note == "publish is not running: no worker has ever reported to this Redis"


async def test_moment_is_noticed_where_the_change_stream_lost_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLookup(register("search"))
    assert (await waited(fake, monkeypatch, surfaces=("search",))).surfaces[0].published_at_ms == AT_MS + 9_000
    fake.polls = 1
    found = await waited(fake, monkeypatch, surfaces=("search",))
    assert (found.published, found.published_at_ms) == (True, None), "it was there before the call"


async def test_publication_is_unknown_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await waited(FakeLookup(away=True), monkeypatch)
    assert (found.published, found.published_at_ms) == (None, None)
    assert "it is not known whether surfaces see it" in found.note


async def test_records_of_one_write_belong_together() -> None:
    held = [decision(ruling("hold"), country=country, number=number) for number, country in enumerate(("IN", "DE"))]
    world = World(*held)
    await world.person("block", country="FR")
    world.now_ms += 5
    await world.cases.decide("tag", "hide", actor="ann", reason="r")
    found = records_of_write(world.moderation.view, "tag", "9")
    assert [one.record.country for one in found] == ["DE", "IN"]
    assert [one.record.country for one in records_of_write(world.moderation.view, "tag", found[0].version)] == ["DE"]
    first = records_of_write(world.moderation.view, "tag", "0000.0000000000000000000.000000000000000")
    assert [one.record.country for one in first] == ["FR"]
    world.now_ms += 5
    await world.cases.undo("tag", actor="ann", reason="r")
    assert {one.record.country for one in records_of_write(world.moderation.view, "tag", "9")} == {"DE", "IN"}
    assert records_of_write(world.moderation.view, "other", "9") == []
