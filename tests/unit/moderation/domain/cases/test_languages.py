"""Languages of a case that the model does not read."""

from __future__ import annotations

import doctest

from msgspec.structs import replace

from moderation.domain.cases import languages
from moderation.domain.cases.languages import languages_of, reader_words, unread_languages
from moderation.domain.cases.lines import case_cells, case_lines
from moderation.domain.cases.queue import CaseFilter
from moderation.domain.cases.view import case_view, detailed_view
from tests.support.case_decisions import EVIDENCE, UNREAD, decision, ruling, unread_ruling
from tests.support.moderation_world import World

TAMIL = {"language": "ta", "name": "Tamil", "share": 0.64}
BENGALI = {"language": "bn", "name": "Bengali", "share": 0.14}


def test_doctests() -> None:
    assert doctest.testmod(languages).failed == 0


async def test_case_names_languages_with_many_unread_authors() -> None:
    world = World(decision(unread_ruling()), decision(ruling("hold", tweets=900), country="US"))
    answer = case_view(await world.case(), world.cases.log, "ann")
    assert answer.members()["languages"] == [TAMIL, BENGALI]
    assert CaseFilter(language="bn").selects(answer, "ann")
    assert not CaseFilter(language="other").selects(answer, "ann")


async def test_case_with_all_texts_read_names_no_language() -> None:
    world = World(decision(ruling("hold")))
    assert case_view(await world.case(), world.cases.log, "ann").languages == []


def test_small_languages_are_named_only_where_asked() -> None:
    scattered = replace(EVIDENCE, scored=60, unread={"ta": 3, "bn": 1})
    assert languages_of(scattered) == ()
    assert [one.words for one in languages_of(scattered, largest=True)] == ["Tamil 5%"]
    assert languages_of(None, largest=True) == languages_of(EVIDENCE, largest=True) == ()


def test_largest_language_is_first_even_without_a_group() -> None:
    most_other = replace(EVIDENCE, scored=4, unread={"ta": 8, "other": 52})
    found = languages_of(most_other, largest=True)
    assert [one.language for one in found] == ["other", "ta"]
    assert reader_words(found) == "them", "no person reads a language called other"


async def test_blind_second_look_names_no_language() -> None:
    world = World(decision(ruling("suppress", evidence=UNREAD)), share=1.0)
    case = await world.case()
    assert unread_languages(case) == ()
    answer = case_view(case, world.cases.log, "ann")
    assert "languages" not in answer.members() and not CaseFilter(language="ta").selects(answer, "ann")


async def test_terminal_names_languages_and_no_share() -> None:
    world = World(decision(unread_ruling()))
    case = await world.case()
    lines = [*case_lines(detailed_view(case, world.cases.log, "ann"), world.now_ms)]
    assert lines[2:4] == [
        "  reach: 9 tweets in the window that decided",
        "  not read: Tamil 64%, Bengali 14% of the sampled authors",
    ]
    assert "9 tweets by 8 authors, harm not assessed" in lines[5]
    assert not any("0.50" in line or "harmful share" in line for line in lines)
    assert "not assessed (Tamil 64%, Bengali 14%)" in case_cells(case_view(case, world.cases.log, "ann"), 0)
