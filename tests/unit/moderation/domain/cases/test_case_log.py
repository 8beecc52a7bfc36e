"""Tests of writes on a case: conflicts with others, and limits of a record."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.records import MOST_COVERED, CoveredItem
from moderation.log.errors import StaleReview
from streams.errors import CallerMistake
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World


async def test_skip_by_another_person_is_no_conflict() -> None:
    world = World(decision(ruling("hold", expires_at_ms=99 * HOUR_MS)))
    version = world.cases.log.version(await world.cases.claim("tag", actor="ann"))
    world.now_ms += 50_000
    await world.cases.heartbeat("tag", actor="ann")
    world.now_ms += 20_000
    await world.cases.skip("tag", "context", actor="ben", reason="unsure")
    await world.cases.decide("tag", "show", actor="ann", reason="seen", expected=version)
    assert not (await world.case()).is_open


async def test_conflict_names_who_decided_though_a_look_began() -> None:
    world = World(decision(ruling("suppress", expires_at_ms=99 * HOUR_MS)), share=1.0)
    await world.person("hold")
    version = world.cases.log.version(await world.case())
    await world.cases.decide("tag", "show", actor="ben", reason="the film")
    for surfaces in ([], ["trends"]):
        with pytest.raises(StaleReview, match="ben has decided on it since: the film"):
            await world.cases.decide("tag", "hide", actor="ann", reason="seen", expected=version, surfaces=surfaces)


async def test_decision_on_too_many_items_writes_nothing() -> None:
    rulings = [
        ruling("hold", f"s{n}", category=f"c{n}", since_ms=n, expires_at_ms=99 * HOUR_MS)
        for n in range(1, MOST_COVERED + 2)
    ]
    world = World(decision(*rulings))
    with pytest.raises(CallerMistake, match="1001 items are too many"):
        await world.cases.decide("tag", "show", actor="ann", reason="seen")
    assert not world.log.records
    await world.cases.decide("tag", "show", actor="ann", reason="seen", items=[(await world.case()).items[0].item.id])


async def test_refused_check_of_rights_writes_nothing() -> None:
    class BeyondRights(Exception):
        pass

    asked: list[tuple[str, ...]] = []

    def check(case: HashtagCase, covers: Sequence[CoveredItem]) -> None:
        asked.append(tuple(one.country for one in covers))
        if len(asked) != 2:
            raise BeyondRights

    world = World(
        decision(ruling("suppress", expires_at_ms=99 * HOUR_MS)),
        decision(ruling("hold", expires_at_ms=99 * HOUR_MS), country="US", number=2),
        share=1.0,
    )
    with pytest.raises(BeyondRights):
        await world.cases.decide("tag", "show", actor="ann", reason="seen", check=check)
    assert not world.log.records
    await world.cases.decide("tag", "show", actor="ann", reason="seen", check=check)
    written = len(world.log.records)
    with pytest.raises(BeyondRights):
        await world.cases.undo("tag", actor="ann", reason="wrong", check=check)
    await world.cases.claim("tag", actor="ben")
    with pytest.raises(BeyondRights):
        await world.cases.decide("tag", "show", actor="ben", reason="seen", check=check)
    assert asked == [("US",), ("US",), ("US",), ("IN",)]
    assert len(world.log.records) == written + 1, "ben's claim alone"
