"""Tests of how and by whom a case was closed."""

from __future__ import annotations

from typing import Any

import pytest

from moderation.domain.cases.answers import CaseClosingAnswer
from moderation.domain.cases.closing import closing_at
from moderation.domain.cases.view import case_view
from streams.log.decisions import ScopeDecision
from streams.log.moderation import Override
from tests.support.case_decisions import HOUR_MS, decision, ruling, unread_ruling
from tests.support.moderation_world import World


async def closing(world: World) -> CaseClosingAnswer | None:
    return world.cases.log.closing(await world.case())


@pytest.mark.parametrize("verdict", ["hide", "show", "leave"])
async def test_decided_case_names_its_decider(verdict: Any) -> None:
    world = World(decision(ruling("review")))
    assert await closing(world) is None
    world.now_ms = 200
    await world.cases.decide("tag", verdict, actor="ann", reason="seen")
    assert await closing(world) == closing_at(200, verdict, "ann")


async def test_override_outside_the_case_names_its_writer() -> None:
    world = World(decision(ruling("hold")))
    await world.person("block", actor="zoe")
    assert await closing(world) == closing_at(100, "hide", "zoe")


async def test_lapsed_hold_and_cleared_item_name_no_person() -> None:
    world = World(decision(ruling("hold", expires_at_ms=HOUR_MS)))
    world.now_ms = HOUR_MS
    assert await closing(world) == closing_at(HOUR_MS, "lapsed")
    world = World(decision(ruling("review")))
    world.automated.fold.apply(decision(ruling("clear"), number=2, at_ms=50))
    assert await closing(world) == closing_at(50, "ended")


@pytest.mark.parametrize(
    ("rulings", "how"),
    [
        ([ruling("suppress")], "assessed"),
        ([ruling("shadow")], "assessed"),
        ([ruling("clear")], "cooled"),
        ([], "cooled"),
        ([ruling("clear", lapsed=True)], "ended"),
        ([ruling("suppress", category="gendered_abuse"), ruling("clear")], "cooled"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
async def test_unassessed_case_says_how_it_ended(rulings: list[ScopeDecision], how: str, late: bool) -> None:
    ends, unread = decision(*rulings, number=2, at_ms=50), decision(unread_ruling())
    world = World(*((ends, unread) if late else (unread, ends)))
    assert await closing(world) == closing_at(50, how)  # type: ignore[arg-type]


async def test_unassessed_case_that_only_expires_has_ended() -> None:
    world = World(decision(unread_ruling()))
    world.now_ms = HOUR_MS
    assert await closing(world) == closing_at(HOUR_MS, "ended")


async def test_unassessed_case_stays_open_while_it_is_renewed() -> None:
    world = World(decision(unread_ruling()), decision(unread_ruling(expires_at_ms=2 * HOUR_MS), number=2))
    world.now_ms = HOUR_MS
    assert await closing(world) is None
    assert (await world.case()).kinds == ("not_assessed",)


@pytest.mark.parametrize(("verdict", "effect"), [("hide", "block"), ("show", "allow")])
async def test_person_decides_an_unassessed_case(verdict: Any, effect: str) -> None:
    world = World(decision(unread_ruling(), unread_ruling("search")))
    done = await world.cases.decide("tag", verdict, actor="ann", reason="seen")
    [written] = done.effects
    assert isinstance(written.record, Override) and written.record.action == effect
    assert written.record.surfaces == ("search", "trends")
    assert await closing(world) == closing_at(100, verdict, "ann")


async def test_hold_by_a_person_lapses_or_is_undone() -> None:
    world = World()
    await world.person("hold", lasts_ms=HOUR_MS)
    world.now_ms += 10
    await world.undo()
    assert await closing(world) == closing_at(110, "ended")
    world.now_ms += 10
    await world.person("hold", lasts_ms=HOUR_MS)
    world.now_ms += HOUR_MS
    assert await closing(world) == closing_at(120 + HOUR_MS, "lapsed")


async def test_decided_appeal_names_its_judge() -> None:
    world = World(decision(ruling("suppress")))
    await world.reviews.refresh()
    [reference] = world.automated.fold.restrictions
    filed = await world.reviews.appeal(reference, actor="clerk", reason="no")
    await world.reviews.end_appeal(filed.id, "uphold", actor="ann", reason="seen")
    assert await closing(world) == closing_at(100, "uphold", "ann")


async def test_second_look_names_neither_reviewer_nor_verdict() -> None:
    world = World(decision(ruling("suppress", expires_at_ms=9 * HOUR_MS)), share=1.0)
    for person in ("ann", "ben"):
        await world.look(person, "hide")
    assert await closing(world) == closing_at(100, "second_look")


async def test_blind_look_hides_who_closed_the_rest() -> None:
    world = World(
        decision(ruling("suppress", expires_at_ms=9 * HOUR_MS)), decision(ruling("hold"), country="US"), share=1.0
    )
    await world.cases.decide("tag", "show", actor="ann", reason="seen", countries=["US"])
    plain = case_view(await world.case(), world.cases.log, "ben")
    assert plain.blinded and "closed" not in plain.members()
