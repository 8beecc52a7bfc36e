"""Markings of tweets: the last of each person counts, and a marking of others stays closed until a first answer."""

from __future__ import annotations

import pytest

from moderation.domain.cases.fold import case_fold_of
from moderation.domain.cases.markings import TextMarking, decode_marking, encode_marking
from moderation.domain.texts.case_sample import may_see_markings
from streams.errors import ContractError
from streams.log.moderation import OtherRecord
from tests.support.case_decisions import decision, ruling
from tests.support.moderation_world import World

CASE = "case-0123456789abcdef"


async def test_last_marking_of_each_person_counts() -> None:
    markings = World().markings
    for actor, mark in (("ann", "attack"), ("bob", "news"), ("Ann", "unrelated"), ("bob", "none")):
        found = await markings.mark(CASE, "tag", "17", mark, actor=actor, reason="r")  # type: ignore[arg-type]
    assert found.of_person(CASE, "ann") == {"17": "unrelated"}
    assert found.of_person(CASE, "bob") == {}
    assert [one.mark for one in found.of_others(CASE, "bob")["17"]] == ["unrelated"]
    assert found.of_others(CASE, "ann") == {}


async def test_same_marking_is_written_once() -> None:
    world = World()
    for mark in ("attack", "attack", "none", "none"):
        await world.markings.mark(CASE, "tag", "17", mark, actor="ann", reason="r")  # type: ignore[arg-type]
    assert len(world.log.records) == 2
    assert (await world.another().markings.refresh()).of_person(CASE, "ann") == {}, "another process reads the same"


async def test_case_folds_ignore_markings() -> None:
    world = World(decision(ruling("hold")))
    before = world.cases.log.version(await world.case())
    await world.markings.mark((await world.case()).id, "tag", "17", "attack", actor="ann", reason="r")
    assert world.cases.log.version(await world.case()) == before
    fold = case_fold_of(world.moderation.view)
    assert not fold.cases and not fold.refused


def test_marking_under_another_key_is_refused() -> None:
    value, _ = encode_marking(
        TextMarking(id="a", case=CASE, hashtag="tag", tweet="1", mark="news", actor="ann", reason="r", at_ms=1)
    )
    with pytest.raises(ContractError, match="bad_key"):
        decode_marking(OtherRecord("text_marking", b"texts:other|review|a|*", value))
    assert decode_marking(OtherRecord("text_reading", b"", value)) is None


async def test_first_answer_or_decision_opens_markings_of_others() -> None:
    world = World(decision(ruling("hold")))
    assert not may_see_markings(await world.case(), "ann", hidden=False)
    await world.cases.answer("tag", "unsure", actor="Ann", reason="r")
    assert may_see_markings(await world.case(), "ann", hidden=False)
    assert not may_see_markings(await world.case(), "ann", hidden=True)
    assert not may_see_markings(await world.case(), "bob", hidden=False)
    await world.cases.decide("tag", "show", actor="ann", reason="r")
    assert may_see_markings(await world.case(), "bob", hidden=False)
