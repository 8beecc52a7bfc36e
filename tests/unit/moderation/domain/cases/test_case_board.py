"""Tests of the kept cases: the same as deriving all, at any time, and only what changed is derived again."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.domain.appeals.automated_decisions import KEPT_MS
from moderation.domain.cases import case_board
from moderation.domain.cases.board import CaseInputs, cases_of
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.fold import CLAIM_MS
from moderation.log.drafts import STOP, End, OverrideDraft, UndoDraft
from streams.errors import HushtagError
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World

TAGS = ("t0", "t1", "t2")
PEOPLE = ("ann", "ben", "cem")
JUMPS_MS = (0, 1, 10, CLAIM_MS, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, 3 * HOUR_MS, KEPT_MS - HOUR_MS, KEPT_MS)


class RandomHistory:
    """People, the pipeline and the clock, each acting at random on one log."""

    def __init__(self, dice: random.Random) -> None:
        self.world = World(share=dice.choice((0.0, 1.0)))
        self._dice = dice
        self._version = 0

    async def act(self) -> None:
        acts = (self._decide, self._override, self._undo, self._appeal, self._judge, self._stop, self._case, self._wait)
        with contextlib.suppress(HushtagError):  # nothing is open, or another person holds it
            await self._dice.choice(acts)()

    def moments(self) -> list[int]:
        """List times around which cases may change by themselves, in order."""
        world = self.world
        ends = [item.ends_ms for item in world.automated.fold.items.values()]
        ends += [getattr(record, "expires_at_ms", record.at_ms) for _, record in world.moderation.view.history]
        ends += [one.outcome.at_ms for one in world.reviews.fold.appeals.values() if one.outcome is not None]
        ends += [given[-1].at_ms for given in world.cases.log.fold.looks()]
        found = {ends_ms + after_ms for ends_ms in ends for after_ms in (0, KEPT_MS, KEPT_MS + 1)}
        return sorted(one for one in found if one > world.now_ms)

    async def _decide(self) -> None:
        self._version += self._dice.choice((0, 1, 1))
        now = self.world.now_ms
        action = self._dice.choice(("hold", "review", "discount", "suppress", "shadow", "clear"))
        one = ruling(action, since_ms=now, expires_at_ms=0 if action == "clear" else now + self._span(), weight=0.5)
        country = self._dice.choice(("IN", "*"))
        self.world.automated.fold.apply(
            decision(one, tag=self._tag(), country=country, number=self._version, at_ms=now, provisional=self._rarely())
        )

    async def _override(self) -> None:
        action: Any = self._dice.choice(("block", "allow", "hold"))
        await self.world.person(action, tag=self._tag(), country=self._dice.choice(("IN", "*")), lasts_ms=self._span())

    async def _undo(self) -> None:
        await self.world.undo(tag=self._tag(), country=self._dice.choice(("IN", "*")))

    async def _appeal(self) -> None:
        await self.world.reviews.refresh()
        references = [*self.world.automated.fold.restrictions]
        if references:
            await self.world.reviews.appeal(self._dice.choice(references), actor="clerk", reason="r")

    async def _judge(self) -> None:
        appeals = [*self.world.reviews.fold.appeals]
        if appeals:
            verdict: Any = self._dice.choice(("uphold", "overturn"))
            await self.world.reviews.end_appeal(self._dice.choice(appeals), verdict, actor="judge", reason="r")

    async def _stop(self) -> None:
        if self._rarely():
            await self.world.moderation.undo(UndoDraft(STOP, "*", None, "lee", "over"))
        else:
            ends_ms = self.world.now_ms + self._span()
            await self.world.moderation.pause(OverrideDraft(STOP, "allow", "*", ("trends",), "lee", "stop", ends_ms))

    async def _case(self) -> None:
        cases, tag, person = self.world.cases, self._tag(), self._dice.choice(PEOPLE)
        word: Any = self._dice.choice(("hide", "show"))
        match self._dice.choice(("claim", "decide", "decide", "looks", "leave", "undo", "skip", "answer", "note")):
            case "claim":
                await cases.claim(tag, actor=person)
            case "decide":
                await cases.decide(tag, word, actor=person, reason="r", end=End(self.world.now_ms + self._span()))
            case "looks":
                for one in PEOPLE[:2]:
                    await self.world.look(one, word, tag=tag)
            case "leave":
                await cases.decide(tag, "leave", actor=person, reason="r")
            case "undo":
                await cases.undo(tag, actor=person, reason="r")
            case "skip":
                await cases.skip(tag, "other", actor=person, reason="r")
            case "answer":
                await cases.answer(tag, word, actor=person, reason="r")
            case "note":
                await cases.note(tag, actor=person, reason="r")

    async def _wait(self) -> None:
        self.world.now_ms += self._dice.choice(JUMPS_MS)
        if self._rarely():
            self.world.now_ms = max(100, self.world.now_ms - self._span())
        if self._rarely():
            self.world.automated.fold.prune(self.world.now_ms)

    def _span(self) -> int:
        return self._dice.choice((1, HOUR_MS, 2 * HOUR_MS))

    def _tag(self) -> str:
        return self._dice.choice(TAGS)

    def _rarely(self) -> bool:
        return self._dice.random() < 0.2


def derived_anew(world: World) -> dict[str, HashtagCase]:
    return cases_of(
        world.cases.log.fold,
        world.automated.fold,
        world.moderation.view,
        world.reviews.fold.appeals,
        world.now_ms,
    )


def snapshot(world: World, cases: Iterable[HashtagCase]) -> dict[str, object]:
    """Copy what a page can see of each case; the progress in it goes on changing."""
    return {one.id: (one.items, world.cases.log.version(one), [r.id for r in one.progress.history]) for one in cases}


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
async def test_kept_cases_equal_deriving_all_and_name_every_change(dice: random.Random) -> None:
    history = RandomHistory(dice)
    world, shown, sequence = history.world, dict[str, object](), 0

    async def check() -> None:
        nonlocal shown, sequence
        kept = await world.cases.log.refresh()
        assert kept == derived_anew(world)
        sequence, changed = await world.cases.log.changed_since(sequence)
        now = snapshot(world, kept.values())
        assert {one for one in shown.keys() | now.keys() if shown.get(one) != now.get(one)} <= changed
        shown = now

    for _ in range(dice.randint(1, 30)):
        await history.act()
        if dice.random() < 0.6:
            await check()
    await check()
    moments = history.moments()
    for world.now_ms in sorted(dice.sample(moments, min(12, len(moments)))):
        if dice.random() < 0.3:
            world.automated.fold.prune(world.now_ms)
        await check()


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashtags with items that the board derives, in order."""
    found: list[str] = []
    derive = case_board.derive_cases

    def noted(inputs: CaseInputs, *rest: Any) -> dict[str, HashtagCase]:
        found.extend(dict.fromkeys(item.hashtag for item in inputs.items))
        return derive(inputs, *rest)

    monkeypatch.setattr(case_board, "derive_cases", noted)
    return found


async def test_board_derives_only_what_changed_or_is_due(derived: list[str]) -> None:
    world = World(
        decision(ruling("hold", expires_at_ms=HOUR_MS), tag="t0"), decision(ruling("hold"), tag="t1", number=2)
    )
    world.automated.fold.apply(decision(ruling("hold", expires_at_ms=9 * HOUR_MS), tag="t2", number=3))
    name = next(iter(await world.cases.log.refresh()))
    assert sorted(derived) == ["t0", "t1", "t2"]
    derived.clear()
    await world.cases.log.find(name)
    assert derived == []
    await world.cases.note("t1", actor="ann", reason="film")
    await world.person("allow", tag="t2")
    await world.cases.log.refresh()
    assert derived == ["t1", "t2"]
    derived.clear()
    world.now_ms = HOUR_MS
    assert not next(one for one in (await world.cases.log.refresh()).values() if one.hashtag == "t0").is_open
    assert sorted(derived) == ["t0", "t1"]


async def test_stop_button_derives_all_again_and_when_it_expires(derived: list[str]) -> None:
    world = World(decision(ruling("suppress", expires_at_ms=9 * HOUR_MS)))
    assert await world.cases.log.refresh() == {}
    derived.clear()
    await world.moderation.pause(OverrideDraft(STOP, "allow", "*", ("trends",), "lee", "stop", HOUR_MS))
    [paused] = (await world.cases.log.refresh()).values()
    assert paused.is_open
    world.now_ms = HOUR_MS
    assert await world.cases.log.refresh() == {}


async def test_failed_update_is_made_up_for_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(decision(ruling("hold")))
    await world.cases.log.refresh()
    await world.person("allow", tag="tag")
    with monkeypatch.context() as patch:
        patch.setattr(case_board, "derive_cases", lambda *rest: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await world.cases.log.refresh()
    assert await world.cases.log.refresh() == derived_anew(world)


async def test_decision_elsewhere_names_the_cases_whose_version_it_changes() -> None:
    world = World(decision(ruling("hold")))
    sequence, _ = await world.cases.log.changed_since(0)
    await world.person("allow", tag="tag", country="FR")
    assert len((await world.cases.log.changed_since(sequence))[1]) == 1


async def test_renewals_do_not_pile_up_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_board, "LEAST_STALE", 4)
    world = World()
    for number in range(1, 40):
        world.now_ms += 1_000
        ends_ms = world.now_ms + HOUR_MS
        world.automated.fold.apply(decision(ruling("hold", expires_at_ms=ends_ms), number=number, at_ms=world.now_ms))
        await world.cases.log.refresh()
    assert len(world.cases.log._board._due) <= 2 + 4
    assert (await world.case()).is_open
    world.now_ms += HOUR_MS
    assert not (await world.case()).is_open
