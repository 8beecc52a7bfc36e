"""Tests of the filter that the API and the command share."""

from __future__ import annotations

import pytest

from moderation.domain.cases.queue import CaseFilter
from moderation.domain.cases.view import case_view
from tests.support.case_decisions import decision, unread_ruling
from tests.support.moderation_world import World


@pytest.mark.parametrize(
    ("selects", "selects_not"),
    [
        (CaseFilter(), CaseFilter(country="US", category="abuse")),
        (CaseFilter(country="IN"), CaseFilter(country="US")),
        (CaseFilter(category="abuse"), CaseFilter(category="spam")),
        (CaseFilter(why="not_assessed"), CaseFilter(why="hold")),
        (CaseFilter(label="film"), CaseFilter(label="sport")),
        (CaseFilter(language="ta"), CaseFilter(language="other")),
        (CaseFilter(claimed="mine"), CaseFilter(claimed="others")),
        (CaseFilter(claimed="mine", label="film"), CaseFilter(claimed="free")),
    ],
)
async def test_filter_selects_by_each_member(selects: CaseFilter, selects_not: CaseFilter) -> None:
    world = World(decision(unread_ruling()))
    await world.cases.claim("tag", actor="ann")
    await world.cases.note("tag", actor="ann", reason="seen", add=["film"])
    answer = case_view(await world.case(), world.cases.log, "ann")
    assert selects.selects(answer, "ann") and not selects_not.selects(answer, "ann")


async def test_filter_knows_free_cases_and_those_of_others() -> None:
    world = World(decision(unread_ruling()))
    assert CaseFilter(claimed="free").selects(case_view(await world.case(), world.cases.log, "ben"), "ben")
    await world.cases.claim("tag", actor="ann")
    assert CaseFilter(claimed="others").selects(case_view(await world.case(), world.cases.log, "ben"), "ben")
