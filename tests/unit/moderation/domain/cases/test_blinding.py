"""Tests of blinding: places, histories and undos of a case with a second look."""

from __future__ import annotations

from typing import Any

import pytest

from moderation.domain.cases.fold import BLIND_MS
from moderation.domain.cases.view import detailed_view
from moderation.domain.cases.work_order import work_order
from moderation.log.errors import StaleReview
from streams.errors import CallerMistake
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World


def sampled(action: Any = "suppress", *, share: float = 1.0, **more: Any) -> World:
    return World(decision(ruling(action, expires_at_ms=99 * HOUR_MS, **more)), share=share)


async def test_blind_reviewer_cannot_undo_a_decision_of_the_case() -> None:
    world = sampled()
    world.now_ms = 200
    await world.person("hold")
    await world.cases.decide("tag", "show", actor="ben", reason="seen")
    await world.cases.claim("tag", actor="ann")
    with pytest.raises(CallerMistake, match="ann reviews #tag blind"):
        await world.cases.undo("tag", actor="ann", reason="curious")


async def test_person_who_undid_a_decision_cannot_take_the_look() -> None:
    world = sampled()
    await world.person("hold")
    await world.cases.decide("tag", "show", actor="ben", reason="seen")
    await world.cases.undo("tag", actor="ann", reason="wrong")
    await world.cases.decide("tag", "show", actor="ben", reason="seen")
    with pytest.raises(StaleReview, match="ann has seen the numbers"):
        await world.cases.claim("tag", actor="ann")


async def test_verdict_is_hidden_from_all_while_the_look_is_open() -> None:
    world = sampled()
    await world.look("ann", "hide")
    await world.person("hold")
    plain = detailed_view(await world.case(), world.cases.log, "ben")
    assert not plain.blinded and not plain.history
    await world.cases.decide("tag", "hide", actor="zoe", reason="seen")
    await world.look("ben", "hide")
    kinds = [one.kind for one in detailed_view(await world.case(), world.cases.log, "ben").history or ()]
    assert kinds == ["claim", "look", "decision", "claim", "look"]


async def test_claimed_control_stays_when_its_hashtag_is_flagged() -> None:
    world = sampled("shadow", share=0.25)  # all controls, and a quarter of suppressions
    claimed = await world.cases.claim("tag", actor="ann")
    assert claimed.look is not None and claimed.look.item.kind == "control"
    for number in range(2, 9):
        later = ruling("suppress", "search", since_ms=number, expires_at_ms=99 * HOUR_MS)
        world.automated.fold.apply(decision(later, country="US", number=number))
    given = (await world.cases.decide("tag", "hide", actor="ann", reason="seen")).record
    assert given.items == (claimed.look.item.id,)
    assert getattr(given, "item", "") == claimed.look.item.id


async def test_claimed_look_is_not_replaced_by_an_earlier_one() -> None:
    world = World(decision(ruling("suppress", since_ms=9, expires_at_ms=99 * HOUR_MS)), share=1.0)
    claimed = await world.cases.claim("tag", actor="ann")
    world.automated.fold.apply(decision(ruling("suppress", expires_at_ms=99 * HOUR_MS), country="BR", number=2))
    assert claimed.look is not None
    given = (await world.cases.decide("tag", "hide", actor="ann", reason="seen")).record
    assert getattr(given, "item", "") == claimed.look.item.id


async def test_place_of_a_blinded_case_does_not_reveal_its_reach() -> None:
    small, large = await sampled().case(), await sampled(tweets=900).case()
    assert work_order(small) != work_order(large)
    assert work_order(small, hidden=True) == work_order(large, hidden=True)


async def test_late_verdict_of_a_look_becomes_no_decision_on_what_began_meanwhile() -> None:
    world = sampled()
    await world.cases.claim("tag", actor="ann")
    world.now_ms += BLIND_MS
    await world.person("hold")
    with pytest.raises(StaleReview):
        await world.cases.decide("tag", "hide", actor="ann", reason="seen", expected="")
    assert not (await world.case()).progress.decisions


async def test_verdict_that_names_no_version_counts_while_the_look_is_blind() -> None:
    world = sampled()
    await world.cases.claim("tag", actor="ann")
    given = await world.cases.decide("tag", "hide", actor="ann", reason="seen", expected="")
    assert given.record.verdict == "hide"


async def test_conflict_on_an_open_look_names_no_earlier_decision() -> None:
    world = sampled()
    await world.person("hold")
    await world.cases.decide("tag", "show", actor="ben", reason="they report")
    with pytest.raises(StaleReview) as refused:
        await world.cases.decide("tag", "hide", actor="ann", reason="seen", expected="")
    assert "ben" not in str(refused.value) and "they report" not in str(refused.value)
