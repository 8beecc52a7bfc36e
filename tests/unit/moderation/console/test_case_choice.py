"""The final answer: what each button says, what it replaces, and the limits of a person's rights."""

from __future__ import annotations

import asyncio

from moderation.access.keys import Rights
from moderation.access.rights import Grant
from moderation.console.case_choice import Choice, choice_of
from moderation.console.case_places import PlaceNow, places_now
from moderation.domain.cases.case import HashtagCase
from streams.flags.overrides import OverrideHistory
from tests.support.case_decisions import decision, ruling
from tests.support.moderation_world import World

ANY = (Grant(role="moderator"),)


def case_of(world: World) -> HashtagCase:
    return asyncio.run(world.case())


def places_of(world: World, *decisions: object) -> list[PlaceNow]:
    view = world.moderation.view
    return places_now("tag", decisions, view, world.now_ms, show_legal=False)  # type: ignore[arg-type]


def words_of(choice: Choice | None) -> list[str]:
    assert choice is not None
    return [f"{one.verb} {one.where}" for one in choice.answers]


def test_answers_say_what_they_do_to_held_and_shown_places() -> None:
    held, asked = decision(ruling("hold")), decision(ruling("review"), country="FR", number=2)
    world = World(held, asked)
    case = case_of(world)
    choice = choice_of(case, places_of(world, held, asked), [], ANY)
    assert words_of(choice) == ["Hide in France and India", "Show again in France and India"]
    assert words_of(choice_of(case_of(World(held)), places_of(World(held), held), [], ANY)) == [
        "Keep hidden in India",
        "Show again in India",
    ]


def test_discounted_hashtag_can_be_shown_in_full_or_left() -> None:
    lowered = decision(ruling("discount", weight=0.3))
    world = World(lowered)
    choice = choice_of(case_of(world), places_of(world, lowered), [], ANY)
    assert words_of(choice) == ["Hide in India", "Show in full in India", "Leave as it is in India"]


def test_answer_names_the_decision_that_it_replaces() -> None:
    asked = decision(ruling("review"))
    world = World(asked)

    async def block() -> None:
        await world.person("allow", surfaces=("search",))

    asyncio.run(block())
    replaced = [one.record for one in world.moderation.view.statuses(world.now_ms, hashtag="tag")]
    choice = choice_of(case_of(world), [], replaced, ANY)  # type: ignore[arg-type]
    assert choice is not None
    assert "It replaces the allow by zoe (India, search)." in choice.touches
    assert "9 tweets in the window that decided." in choice.touches


def test_longest_duration_of_the_rights_is_offered_alone() -> None:
    world = World(decision(ruling("review")))
    grants = [Grant(role="moderator", rights=Rights(longest="2h", countries=("FR",))), Grant(role="reader")]
    choice = choice_of(case_of(world), [], [], grants)
    assert choice is not None
    assert [one.value for one in choice.answers[0].durations] == ["2h"]
    assert choice.limits == ["You may decide for at most 2 h.", "You may not decide for India."]


def test_closed_case_has_no_answer() -> None:
    world = World(decision(ruling("review")))
    world.now_ms = 10 * 3_600_000
    assert choice_of(case_of(world), [], [], ANY) is None


def test_place_of_a_country_stands_before_the_world() -> None:
    everywhere = decision(ruling("suppress"), country="*")
    world = World(everywhere)
    [place] = places_of(world, everywhere)
    assert (place.country, place.words, place.surfaces, place.by) == ("*", "hidden", ("trends",), "")
    asyncio.run(world.person("allow", actor="ann"))
    rows = {one.country: (one.words, one.by) for one in places_of(world, everywhere)}
    assert rows == {"*": ("hidden", ""), "IN": ("shown", "ann")}
    assert places_now("other", [], OverrideHistory(), 1, show_legal=True) == []
