"""Tests of who owes a first answer, and on what."""

from __future__ import annotations

import pytest

from moderation.domain.cases.first_answer import first_answer_of, owes_first_answer, skip_within_ms_of
from moderation.domain.cases.fold import look_problem
from moderation.log.errors import StaleReview
from streams.constants import MINUTE_MS
from streams.errors import CallerMistake
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World


async def test_one_answer_of_each_person_is_owed_while_the_case_is_open() -> None:
    world = World(decision(ruling("hold"), ruling("review", category="slur")))
    case = await world.cases.answer("tag", "unsure", actor="ann", reason="r")
    owed = {name: owes_first_answer(case, name, world.now_ms, 0) for name in ("ann", "Ann", "аnn", "ben")}
    assert owed == {"ann": False, "Ann": False, "аnn": False, "ben": True}, "the third begins with a Cyrillic letter"
    assert (first_answer_of(case, "Ann"), first_answer_of(case, "ben")) == ("unsure", None)
    with pytest.raises(StaleReview, match="already given a first answer"):
        await world.cases.answer("tag", "hide", actor="Ann", reason="r")
    await world.cases.decide("tag", "show", actor="cem", reason="r")
    assert not owes_first_answer(await world.case(), "ben", world.now_ms, 0)
    with pytest.raises(StaleReview, match="nothing of it is open"):
        await world.cases.answer("tag", "hide", actor="ben", reason="r")
    await world.cases.undo("tag", actor="dan", reason="r")
    case = await world.case()
    assert [owes_first_answer(case, name, world.now_ms, 0) for name in ("ben", "cem", "dan")] == [True, False, False]


@pytest.mark.parametrize(("left_ms", "within_ms", "owed"), [
    (10 * MINUTE_MS, 10 * MINUTE_MS, False), (10 * MINUTE_MS + 1, 10 * MINUTE_MS, True), (1, 0, True),
])  # fmt: skip
async def test_hold_that_lapses_within_the_time_needs_none(left_ms: int, within_ms: int, owed: bool) -> None:
    world = World(decision(ruling("hold", expires_at_ms=HOUR_MS), ruling("review", category="slur")))
    world.now_ms = HOUR_MS - left_ms
    assert owes_first_answer(await world.case(), "ann", world.now_ms, within_ms) == owed


async def test_second_look_has_no_first_answer_and_is_closed_to_those_who_gave_one() -> None:
    world = World(
        decision(ruling("suppress", expires_at_ms=99 * HOUR_MS)), decision(ruling("hold"), country="US"), share=1.0
    )
    case = await world.cases.answer("tag", "hide", actor="ann", reason="r")
    assert "has seen the numbers" in look_problem(case.progress, "ann", world.now_ms)
    await world.cases.decide("tag", "show", actor="ben", reason="r")
    case = await world.case()
    assert case.is_blind and not owes_first_answer(case, "cem", world.now_ms, 0)
    with pytest.raises(CallerMistake, match="no first answer"):
        await world.cases.answer("tag", "hide", actor="cem", reason="r")


def test_time_comes_from_the_policy_and_has_a_default() -> None:
    assert skip_within_ms_of("") == skip_within_ms_of('{"serial":1}') == 10 * MINUTE_MS
    assert skip_within_ms_of('{"review":{"skip_first_answer_within":"0s","later_key":1}}') == 0
