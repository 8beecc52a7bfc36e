"""Tests of what makes a case, and of what closes which part of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.domain.appeals.automated_decisions import KEPT_MS
from moderation.domain.cases.records import case_id
from moderation.domain.cases.work_order import work_order
from moderation.log.drafts import STOP, End, OverrideDraft
from streams.errors import CallerMistake
from tests.support.case_decisions import HOUR_MS, decision, ruling
from tests.support.moderation_world import World

BOTH = (ruling("hold"), ruling("hold", "search"))


async def test_everything_about_a_hashtag_is_one_case() -> None:
    world = World(
        decision(*BOTH, country="IN"),
        decision(ruling("review", category="slur"), country="US"),
        decision(ruling("discount", weight=0.3), country="BR"),
        decision(ruling("suppress"), country="DE"),
        decision(ruling("hold"), tag="other"),
    )
    await world.person("hold", country="FR", actor="ann")
    await world.reviews.refresh()
    suppressed = next(one for one in world.automated.fold.restrictions.values() if one.country == "DE")
    await world.reviews.appeal(suppressed.reference, actor="clerk", reason="it is a film")
    await world.moderation.pause(OverrideDraft(STOP, "allow", "DE", ("trends",), "lee", "stop", 2 * HOUR_MS))
    cases = await world.cases.log.refresh()
    assert sorted(case.hashtag for case in cases.values()) == ["other", "tag"]
    assert await world.open_places() == {
        ("hold", "IN", "trends"), ("hold", "IN", "search"), ("review", "US", "trends"), ("contested", "BR", "trends"),
        ("hold", "FR", "trends"), ("paused", "DE", "trends"), ("appeal", "DE", ""),
    }  # fmt: skip
    case = await world.case()
    assert case.places(case.open_items) == (["BR", "DE", "FR", "IN", "US"], ["search", "trends"], ["abuse", "slur"])
    assert case.id == case_id("tag", 1)


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, set()),
        ({"countries": ["IN"]}, {("hold", "US", "trends"), ("hold", "US", "search")}),
        ({"surfaces": ["trends"]}, {("hold", "IN", "search"), ("hold", "US", "search")}),
        (
            {"countries": ["US"], "surfaces": ["search"]},
            {("hold", "IN", "trends"), ("hold", "IN", "search"), ("hold", "US", "trends")},
        ),
    ],
)
@pytest.mark.parametrize("verdict", ["hide", "show"])
async def test_decision_closes_exactly_what_it_covers(
    filters: dict[str, Any], left: set[tuple[str, str, str]], verdict: Any
) -> None:
    world = World(decision(*BOTH, country="IN"), decision(*BOTH, country="US"))
    result = await world.cases.decide("tag", verdict, actor="ann", reason="seen", **filters)
    assert await world.open_places() == left if left else not result.case.is_open
    overridden = {(one.record.country, surface) for one in result.effects for surface in one.record.surfaces}
    whole = {(country, surface) for country in ("IN", "US") for surface in ("search", "trends")}
    assert overridden == whole - {place[1:] for place in left}


async def test_decision_on_one_item_leaves_its_neighbour_open() -> None:
    """Two categories hold the same hashtag in the same place; the override of one decision shows it for both."""
    world = World(decision(ruling("hold"), ruling("review", category="slur")))
    first = next(one.item.id for one in (await world.case()).items if one.item.category == "abuse")
    await world.cases.decide("tag", "show", actor="ann", reason="a film", items=[first])
    assert await world.open_places() == {("review", "IN", "trends")}
    await world.cases.decide("tag", "leave", actor="ann", reason="seen")
    assert not (await world.case()).is_open


async def test_later_item_is_answered_while_the_decision_lasts() -> None:
    world = World(decision(ruling("hold")))
    await world.cases.decide("tag", "show", actor="ann", reason="a film", end=End(5 * HOUR_MS))
    world.automated.fold.apply(
        decision(ruling("hold", since_ms=HOUR_MS + 1, expires_at_ms=9 * HOUR_MS), number=2, at_ms=HOUR_MS + 1)
    )
    world.now_ms = 2 * HOUR_MS
    assert not (await world.case()).is_open
    world.now_ms = 5 * HOUR_MS
    assert await world.open_places() == {("hold", "IN", "trends")}


@pytest.mark.parametrize("action", ["block", "allow"])
async def test_override_outside_the_case_closes_its_scope_until_undone(action: Any) -> None:
    world = World(decision(*BOTH, country="IN"), decision(ruling("hold"), country="US"))
    await world.person(action, country="IN", surfaces=("trends",))
    assert await world.open_places() == {("hold", "IN", "search"), ("hold", "US", "trends")}
    await world.undo()
    assert len(await world.open_places()) == 3
    await world.person(action, country="*", surfaces=("trends",))
    assert await world.open_places() == {("hold", "IN", "search")}


async def test_world_item_is_not_closed_by_one_country() -> None:
    world = World(decision(ruling("hold"), country="*"))
    await world.person("allow", country="IN")
    assert await world.open_places() == {("hold", "*", "trends")}


async def test_hold_by_a_person_is_open_until_decided_undone_or_over() -> None:
    world = World()
    await world.person("hold", lasts_ms=HOUR_MS)
    [item] = (await world.case()).items
    assert (item.item.by, item.item.cause, item.is_open) == ("zoe", "seen", True)
    await world.undo()
    assert not (await world.case()).is_open
    world.now_ms += 10
    await world.person("hold", lasts_ms=HOUR_MS)
    await world.cases.decide("tag", "hide", actor="ann", reason="seen")
    assert not (await world.case()).is_open
    world.now_ms += 2 * HOUR_MS
    await world.person("hold", tag="lapsing", lasts_ms=HOUR_MS)
    world.now_ms += HOUR_MS
    assert not (await world.case("lapsing")).is_open


async def test_newer_hold_replaces_an_older_one_in_its_scope() -> None:
    world = World()
    await world.person("hold", lasts_ms=5 * HOUR_MS)
    world.now_ms += 10
    await world.person("hold", lasts_ms=HOUR_MS)
    assert [one.is_open for one in (await world.case()).items] == [False, True]
    world.now_ms += HOUR_MS
    assert [one.is_open for one in (await world.case()).items] == [True, False], "the older hold is in force again"


async def test_hold_needs_an_answer_and_contested_may_stay() -> None:
    world = World(decision(ruling("discount", weight=0.3)), decision(ruling("hold"), tag="held"))
    with pytest.raises(CallerMistake, match="needs an answer"):
        await world.cases.decide("held", "leave", actor="ann", reason="r")
    done = await world.cases.decide("tag", "leave", actor="ann", reason="it is under attack")
    assert done.effects == () and not done.case.is_open


async def test_item_ends_when_the_pipeline_clears_it() -> None:
    world = World(decision(ruling("hold")))
    world.automated.fold.apply(decision(ruling("clear", expires_at_ms=0), number=2, at_ms=50))
    case = await world.case()
    assert not case.is_open and case.items[0].closed_ms == 50


@given(st.randoms(use_true_random=False))
def test_end_of_an_item_does_not_depend_on_the_order_of_records(dice: random.Random) -> None:
    records = [decision(ruling("hold", expires_at_ms=HOUR_MS * n), number=n, at_ms=n) for n in range(1, 4)]
    records.append(decision(ruling("clear"), number=4, at_ms=4))
    dice.shuffle(records)
    fold = World(*records).automated.fold
    [item] = fold.items.values()
    assert (item.ends_ms, fold.end_ms(item)) == (3 * HOUR_MS, 4)


_COUNTRIES = st.lists(st.sampled_from(["IN", "US"]), max_size=2, unique=True)
_SURFACES = st.lists(st.sampled_from(["search", "trends"]), max_size=2, unique=True)
_ACTS = st.tuples(
    st.sampled_from(["hide", "show", "undo"]), _COUNTRIES, _SURFACES, st.sampled_from(["", "abuse", "slur"])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTS, max_size=8))
async def test_open_parts_match_a_set_of_cells(acts: list[tuple[Any, list[str], list[str], str]]) -> None:
    """Reference: the cells (category, country, surface) without those that a decision, not undone, has covered."""
    rulings = [ruling("hold", surface, category=one) for one in ("abuse", "slur") for surface in ("search", "trends")]
    world = World(decision(*rulings, country="IN"), decision(*rulings, country="US"))
    cells = {(one, c, s) for one in ("abuse", "slur") for c in ("IN", "US") for s in ("search", "trends")}
    decided: list[set[tuple[str, str, str]]] = []
    for act, countries, surfaces, category in acts:
        world.now_ms += 10
        left = cells - set().union(*decided)
        case = await world.case()
        if act == "undo":
            if decided:
                await world.cases.undo("tag", actor="ann", reason="r")
                decided.pop()
        else:
            chosen = [one.item.id for one in case.items if category and one.item.category == category]
            covered = {
                cell
                for cell in left
                if category in ("", cell[0])
                and (not countries or cell[1] in countries)
                and (not surfaces or cell[2] in surfaces)
            }
            if set(countries) - {c for _, c, _ in left} or set(surfaces) - {s for *_, s in left} or not covered:
                continue
            if set(chosen) - {one.item.id for one in case.open_items}:
                continue
            await world.cases.decide(
                "tag", act, actor="ann", reason="r", countries=countries, surfaces=surfaces, items=chosen
            )
            decided.append(covered)
        found = {
            (one.item.category, one.item.country, surface)
            for one in (await world.case()).open_items
            for surface in one.open_surfaces
        }
        assert found == cells - set().union(*decided)


# --- episodes ---


async def test_new_item_after_everything_closed_begins_a_new_case() -> None:
    world = World(decision(ruling("review")))
    first = await world.case()
    world.automated.fold.apply(decision(ruling("clear"), number=2, at_ms=50))
    world.automated.fold.apply(decision(ruling("review", since_ms=60), number=3, at_ms=60))
    second = await world.case()
    assert (first.id, second.id) == (case_id("tag", 1), case_id("tag", 60))
    assert sorted(case.is_open for case in (await world.cases.log.refresh()).values()) == [False, True]


async def test_item_during_an_open_case_joins_it() -> None:
    world = World(decision(ruling("review")))
    world.automated.fold.apply(decision(ruling("review", since_ms=60), country="US", number=3, at_ms=60))
    [case] = (await world.cases.log.refresh()).values()
    assert len(case.items) == 2


async def test_case_keeps_its_id_when_its_first_item_left_the_topic() -> None:
    world = World(decision(ruling("review")))
    later = decision(ruling("review", since_ms=60, expires_at_ms=9 * HOUR_MS), country="US", number=3, at_ms=60)
    world.automated.fold.apply(later)
    noted = await world.cases.note("tag", actor="ann", reason="looks like news", add=["news"])
    restarted = World(later)
    restarted.log.records = world.log.records
    found = await restarted.case()
    assert (found.id, list(found.progress.labels)) == (noted.id, ["news"])


async def test_decided_case_is_shown_when_its_items_are_gone() -> None:
    world = World(decision(ruling("hold")))
    done = await world.cases.decide("tag", "hide", actor="ann", reason="seen")
    restarted = World()
    restarted.log.records = world.log.records
    found = (await restarted.cases.log.refresh())[done.case.id]
    assert not found.is_open and found.hashtag == "tag" and len(found.progress.history) == 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=8))
async def test_episodes_match_merged_intervals(spans: list[tuple[int, int]]) -> None:
    """Reference: merge intervals that overlap or touch; each one left is a case."""
    world = World()
    for number, (began, lasted) in enumerate(spans):
        country = "ABCDEFGH"[number] * 2
        one = ruling("review", since_ms=began, expires_at_ms=began + lasted)
        world.automated.fold.apply(decision(one, country=country, number=number))
    world.now_ms = 1_000
    merged: list[list[int]] = []
    for began, end in sorted((began, began + lasted) for began, lasted in spans):
        if merged and began <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([began, end])
    assert set(await world.cases.log.refresh()) == {case_id("tag", began) for began, _ in merged}


# --- order of work ---


async def test_order_is_appeals_then_holds_by_lapse_then_reach() -> None:
    world = World(
        decision(ruling("hold", expires_at_ms=2 * HOUR_MS), tag="later"),
        decision(ruling("hold", expires_at_ms=HOUR_MS), tag="sooner"),
        decision(ruling("review", tweets=50), tag="small"),
        decision(ruling("review", tweets=500), tag="large"),
        decision(ruling("suppress"), tag="appealed"),
    )
    await world.reviews.refresh()
    [reference] = world.automated.fold.restrictions.keys() - {
        one.reference for one in world.automated.fold.restrictions.values() if one.target != "appealed"
    }
    await world.reviews.appeal(reference, actor="clerk", reason="no")
    cases = sorted((await world.cases.log.refresh()).values(), key=work_order)
    assert [case.hashtag for case in cases] == ["appealed", "sooner", "later", "large", "small"]


async def test_decided_appeal_closes_its_item() -> None:
    world = World(decision(ruling("suppress")))
    await world.reviews.refresh()
    [reference] = world.automated.fold.restrictions
    filed = await world.reviews.appeal(reference, actor="clerk", reason="no")
    assert await world.open_places() == {("appeal", "IN", "")}
    with pytest.raises(CallerMistake, match="nothing of case"):
        await world.cases.decide("tag", "show", actor="ann", reason="r")
    await world.reviews.end_appeal(filed.id, "uphold", actor="ann", reason="seen")
    assert not (await world.case()).is_open
    world.now_ms += KEPT_MS + 1
    assert await world.cases.log.refresh() == {}
