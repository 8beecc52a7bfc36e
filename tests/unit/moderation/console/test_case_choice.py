"""The final answer: what each button says, what it replaces, and the limits of a person's rights."""

from __future__ import annotations

import asyncio

from moderation.access.keys import Rights
from moderation.access.rights import Grant
from moderation.console.case_choice import Choice, choice_of
from moderation.console.case_places import PlaceNow, places_now
from moderation.domain.cases.case import HashtagCase
from streams.flags.overrides import OverrideHistory
from tests.support.case_world import CaseHarness, decision, ruling

ANY = (Grant(role="moderator"),)


def case_of(harness: CaseHarness) -> HashtagCase:
    return asyncio.run(harness.case())


def places_of(harness: CaseHarness, *decisions: object) -> list[PlaceNow]:
    view = harness.service.view
    return places_now("tag", decisions, view, harness.now_ms, show_legal=False)  # type: ignore[arg-type]


def words_of(choice: Choice | None) -> list[str]:
    assert choice is not None
    return [f"{one.verb} {one.where}" for one in choice.answers]


def test_answers_say_what_they_do_to_held_and_shown_places() -> None:
    held, asked = decision(ruling("hold")), decision(ruling("review"), country="FR", number=2)
    harness = CaseHarness(held, asked)
    case = case_of(harness)
    choice = choice_of(case, places_of(harness, held, asked), [], ANY)
    assert words_of(choice) == ["Hide in France and India", "Show again in France and India"]
    assert words_of(choice_of(case_of(CaseHarness(held)), places_of(CaseHarness(held), held), [], ANY)) == [
        "Keep hidden in India",
        "Show again in India",
    ]


def test_discounted_hashtag_can_be_shown_in_full_or_left() -> None:
    lowered = decision(ruling("discount", weight=0.3))
    harness = CaseHarness(lowered)
    choice = choice_of(case_of(harness), places_of(harness, lowered), [], ANY)
    assert words_of(choice) == ["Hide in India", "Show in full in India", "Leave as it is in India"]


def test_answer_names_the_decision_that_it_replaces() -> None:
    asked = decision(ruling("review"))
    harness = CaseHarness(asked)

    async def block() -> None:
        await harness.person("allow", surfaces=("search",))

    asyncio.run(block())
    replaced = [one.record for one in harness.service.view.statuses(harness.now_ms, hashtag="tag")]
    choice = choice_of(case_of(harness), [], replaced, ANY)  # type: ignore[arg-type]
    assert choice is not None
    assert "It replaces the allow by zoe (India, search)." in choice.touches
    assert "9 tweets in the window that decided." in choice.touches


def test_longest_duration_of_the_rights_is_offered_alone() -> None:
    harness = CaseHarness(decision(ruling("review")))
    grants = [Grant(role="moderator", rights=Rights(longest="2h", countries=("FR",))), Grant(role="reader")]
    choice = choice_of(case_of(harness), [], [], grants)
    assert choice is not None
    assert [one.value for one in choice.answers[0].durations] == ["2h"]
    assert choice.limits == ["You may decide for at most 2 h.", "You may not decide for India."]


def test_closed_case_has_no_answer() -> None:
    harness = CaseHarness(decision(ruling("review")))
    harness.now_ms = 10 * 3_600_000
    assert choice_of(case_of(harness), [], [], ANY) is None


def test_place_of_a_country_stands_before_the_world() -> None:
    everywhere = decision(ruling("suppress"), country="*")
    harness = CaseHarness(everywhere)
    [place] = places_of(harness, everywhere)
    assert (place.country, place.words, place.surfaces, place.by) == ("*", "hidden", ("trends",), "")
    asyncio.run(harness.person("allow", actor="ann"))
    rows = {one.country: (one.words, one.by) for one in places_of(harness, everywhere)}
    assert rows == {"*": ("hidden", ""), "IN": ("shown", "ann")}
    assert places_now("other", [], OverrideHistory(), 1, show_legal=True) == []
