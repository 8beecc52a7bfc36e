"""Tests of second looks: blindness, controls, the third look and agreement."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.cases import records as records_module
from moderation.domain.cases.agreement import agreement, agreement_view, look_outcomes, quality_of
from moderation.domain.cases.blinding import hidden_hashtags
from moderation.domain.cases.fold import BLIND_MS, CLAIM_MS
from moderation.domain.cases.queue import is_waiting
from moderation.domain.cases.records import CaseLook, LookVerdict
from moderation.domain.cases.view import case_view, decided_view, detailed_view
from moderation.log.errors import StaleReview
from streams.errors import CallerMistake, HushtagError
from streams.log.moderation import Override
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World


def sampled(action: Any = "suppress", **more: Any) -> World:
    return World(decision(ruling(action, expires_at_ms=99 * HOUR_MS, **more)), share=1.0)


# --- blindness ---


async def test_suppressed_and_control_look_the_same_to_a_reviewer() -> None:
    shown = []
    for action in ("suppress", "shadow"):
        world = sampled(action)
        before = detailed_view(await world.case(), world.cases.log, "ann")
        claimed = detailed_view(await world.cases.claim("tag", actor="ann"), world.cases.log, "ann")
        given = await world.cases.decide("tag", "hide", actor="ann", reason="seen")
        shown.append([answer.members() for answer in (before, claimed, decided_view(given, world.cases.log, "ann"))])
    suppressed, control = shown
    for one, other in zip(suppressed, control, strict=True):
        assert {**one, "id": ""} == {**other, "id": ""}
    assert suppressed[0]["why"] == ["second_look"] and suppressed[0]["tweets"] == ["17"]
    secret = ("suppress", "control", "share", "surfaces", "categor", "abuse", "reach", "began", "version", "evidence")
    assert not [word for word in secret if word in json.dumps(suppressed)]


async def test_conflict_tells_no_reason_of_a_verdict_while_the_look_is_open() -> None:
    world = sampled()
    await world.cases.claim("tag", actor="ben")
    await world.cases.decide("tag", "show", actor="ben", reason="clearly counter-speech")
    earlier = "0000.0000000000000000000.000000000000000"
    for write in (
        world.cases.decide("tag", "hide", actor="cid", reason="r", expected=earlier),
        world.cases.undo("tag", actor="cid", reason="r", expected=earlier),
    ):
        with pytest.raises(HushtagError) as refused:
            await write
        assert "counter-speech" not in str(refused.value)


async def test_reviewer_is_blinded_from_claim_to_verdict() -> None:
    world = sampled()
    await world.case()
    fold = world.cases.log.fold
    assert hidden_hashtags(fold, "ann", world.now_ms) == frozenset()
    await world.cases.claim("tag", actor="ann")
    for name in ("ann", "Ann", "аnn"):  # the last one begins with a Cyrillic letter
        assert hidden_hashtags(fold, name, world.now_ms) == {"tag"}
    assert hidden_hashtags(fold, "ben", world.now_ms) == frozenset()
    assert hidden_hashtags(fold, "ann", world.now_ms + 10 * CLAIM_MS) == {"tag"}, "also when the claim has ended"
    await world.cases.decide("tag", "hide", actor="ann", reason="seen")
    assert hidden_hashtags(fold, "ann", world.now_ms) == frozenset()


async def test_blindness_ends_by_time_and_so_does_the_look() -> None:
    world = sampled()
    await world.cases.claim("tag", actor="ann")
    world.now_ms += BLIND_MS
    assert world.cases.log.hidden_hashtags("ann") == frozenset()
    for act in (world.cases.claim("tag", actor="ann"), world.cases.decide("tag", "hide", actor="ann", reason="r")):
        with pytest.raises(StaleReview, match="would not be blind"):
            await act
    assert not is_waiting(await world.case(), "ann", "moderators", world.now_ms)


async def test_skip_ends_blindness_and_the_look_for_good() -> None:
    world = sampled()
    await world.cases.claim("tag", actor="ann")
    await world.cases.skip("tag", "context", actor="ann", reason="I know it")
    assert world.cases.log.hidden_hashtags("ann") == frozenset()
    with pytest.raises(StaleReview, match="would not be blind"):
        await world.cases.claim("tag", actor="ann")


async def test_person_who_saw_the_numbers_cannot_take_the_look() -> None:
    world = World(decision(ruling("suppress"), country="IN"), decision(ruling("review"), country="US"), share=1.0)
    case = await world.cases.claim("tag", actor="ann")
    assert not case.is_blind and case_view(case, world.cases.log, "ann").reach is not None
    await world.cases.decide("tag", "leave", actor="ann", reason="r")
    case = await world.case()
    assert case.is_blind, "the second look begins when nothing else is open"
    with pytest.raises(StaleReview, match="ann has seen the numbers"):
        await world.cases.claim("tag", actor="ann")
    assert [is_waiting(case, who, "moderators", world.now_ms) for who in ("ann", "ben")] == [False, True]


async def test_reviewer_stays_blind_when_a_hold_joins_the_case() -> None:
    world = sampled()
    await world.cases.claim("tag", actor="ann")
    world.automated.fold.apply(decision(ruling("hold", since_ms=150), country="US", number=2))
    case = await world.case()
    assert not case.is_blind
    assert "reach" not in case_view(case, world.cases.log, "ann").members()
    assert case_view(case, world.cases.log, "ben").reach is not None
    await world.cases.decide("tag", "hide", actor="ann", reason="seen")
    assert case_view(await world.case(), world.cases.log, "ann").reach is not None


async def test_look_needs_a_blind_claim_and_takes_no_filter() -> None:
    world = sampled()
    with pytest.raises(StaleReview, match="ann has not claimed it"):
        await world.cases.decide("tag", "hide", actor="ann", reason="r")
    await world.cases.claim("tag", actor="ann")
    with pytest.raises(CallerMistake, match="no filters"):
        await world.cases.decide("tag", "hide", actor="ann", reason="r", countries=["IN"])
    with pytest.raises(CallerMistake, match="answered by hide or show"):
        await world.cases.decide("tag", "leave", actor="ann", reason="r")


# --- verdicts and the third look ---


@pytest.mark.parametrize(
    ("words", "closed", "action"),
    [
        (["hide"], False, None),
        (["hide", "hide"], True, None),
        (["show", "show"], True, "allow"),
        (["hide", "show"], False, None),
        (["hide", "show", "show"], True, "allow"),
        (["show", "hide", "hide"], True, None),
    ],
)
async def test_verdicts_of_a_suppressed_hashtag(words: list[LookVerdict], closed: bool, action: str | None) -> None:
    world = sampled()
    results = [await world.look(actor, word) for actor, word in zip(["ann", "ben", "cid"], words, strict=False)]
    assert (await world.case()).is_open == (not closed)
    effects = [one.record for result in results for one in result.effects]
    assert [one.action for one in effects if isinstance(one, Override)] == ([action] if action else [])
    if closed:
        with pytest.raises(StaleReview, match="nothing of it is open"):
            await world.cases.claim("tag", actor="dan")


async def test_third_look_is_by_a_third_person() -> None:
    world = sampled()
    await world.look("ann", "hide")
    with pytest.raises(StaleReview, match="ANN has already given a verdict"):
        await world.cases.claim("tag", actor="ANN")
    await world.look("ben", "show")
    for actor in ("ann", "ben"):
        with pytest.raises(StaleReview, match="has already given a verdict"):
            await world.cases.claim("tag", actor=actor)
        assert not is_waiting(await world.case(), actor, "moderators", world.now_ms)
    await world.look("cid", "hide")
    assert not (await world.case()).is_open


async def test_control_that_reviewers_would_hide_becomes_a_question() -> None:
    world = sampled("shadow")
    results = [await world.look(actor, "hide") for actor in ("ann", "ben")]
    assert [one.effects for one in results] == [(), ()]
    [item] = (await world.case()).open_items
    assert (item.item.kind, item.item.cause) == ("review", "blind reviewers would hide it")
    await world.cases.decide("tag", "hide", actor="cid", reason="they are right")
    assert not (await world.case()).is_open


async def test_hashtag_that_was_ever_flagged_is_no_control() -> None:
    both = World(decision(ruling("shadow")), decision(ruling("suppress"), country="US", number=2), share=1.0)
    assert {one.item.kind for one in (await both.case()).items} == {"second_look"}
    early = World(decision(ruling("shadow")), decision(ruling("suppress"), country="US", provisional=True), share=1.0)
    assert await early.cases.log.refresh() == {}


async def test_case_has_one_second_look() -> None:
    world = World(*(decision(ruling("suppress"), country=country) for country in ("IN", "US", "BR")), share=1.0)
    [item] = (await world.case()).items
    await world.look("ann", "hide")
    assert [one.item.id for one in (await world.case()).items] == [item.item.id]


# --- agreement ---


def looks(suppressed: bool, *words: LookVerdict) -> list[CaseLook]:
    return [
        CaseLook(id="l", case="case-0", hashtag="t", began_ms=1, actor=actor, reason="r", at_ms=1, item="i",
                 verdict=word, suppressed=suppressed)
        for actor, word in zip("abc", words, strict=False)
    ]  # fmt: skip


def test_controls_count_for_agreement_and_not_as_false_positives() -> None:
    given = [
        looks(True, "hide", "hide"), looks(True, "show", "show"), looks(True, "hide", "show", "show"),
        looks(True, "hide"), looks(True, "hide", "show"),
        looks(False, "show", "show"), looks(False, "hide", "hide"), looks(False, "show", "hide", "show"),
    ]  # fmt: skip
    outcomes = look_outcomes(given)
    assert (outcomes.suppressed, outcomes.wrong, outcomes.false_positive_rate) == (3, 2, pytest.approx(2 / 3))
    assert (outcomes.controls, outcomes.missed, outcomes.disputed) == (3, 1, 2)
    assert agreement(given).pairs == 6, "an undecided pair does not count"
    assert look_outcomes([]).false_positive_rate is None


words = st.sampled_from(["hide", "show"])


@given(st.lists(st.lists(words, max_size=3), max_size=30))
def test_kappa_matches_formula(verdicts: list[list[LookVerdict]]) -> None:
    """Reference: (p_o − p_e) / (1 − p_e) over decided looks."""
    decided = [one for one in verdicts if (len(one) == 2 and one[0] == one[1]) or len(one) == 3]
    result = agreement([looks(True, *one) for one in verdicts])
    assert result.pairs == len(decided)
    if not decided:
        assert (result.observed, result.kappa) == (None, None)
        return
    observed = sum(one[0] == one[1] for one in decided) / len(decided)
    first = sum(one[0] == "hide" for one in decided) / len(decided)
    second = sum(one[1] == "hide" for one in decided) / len(decided)
    chance = first * second + (1 - first) * (1 - second)
    assert result.observed == observed
    if chance == 1:
        assert result.kappa is None
    else:
        assert result.kappa == pytest.approx((observed - chance) / (1 - chance), abs=1e-5)


async def test_quality_counts_a_look_in_the_period_of_its_last_verdict() -> None:
    world = sampled()
    await world.look("ann", "show")
    world.now_ms = 200
    await world.look("ben", "show")
    [reference] = world.automated.fold.restrictions
    filed = await world.reviews.appeal(reference, actor="clerk", reason="no")
    await world.reviews.end_appeal(filed.id, "overturn", actor="ann", reason="yes")
    found = quality_of(world.moderation.view, 200, 201)
    assert (found.looked_at, found.overturned, found.pairs, found.appeals, found.appeals_reversed) == (1, 1, 1, 1, 1)
    earlier = quality_of(world.moderation.view, 0, 200)
    assert (earlier.looked_at, earlier.appeals) == (0, 0)
    assert agreement_view(world.cases.log.fold).false_positive_rate == 1.0


def test_doctests() -> None:
    from moderation.domain.cases import lines

    for module in (records_module, lines):
        assert doctest.testmod(module).failed == 0
