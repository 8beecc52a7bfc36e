"""The finder: spellings, unknown hashtags, pages by name, and hostile texts."""

from __future__ import annotations

import doctest

import pytest
from fastapi.testclient import TestClient

from moderation.console import finder
from moderation.console.finder import hashtag_matches
from streams.naming import tag_of
from tests.support.case_decisions import decision, ruling
from tests.support.console_client import console_client
from tests.support.live_decisions import waiting
from tests.support.moderation_world import World


def test_examples_of_the_module_hold() -> None:
    assert doctest.testmod(finder).failed == 0


@pytest.fixture
def client() -> TestClient:
    return console_client(waiting("HateTag", "hold"), waiting("hatetag2", "review"), role="moderator")


def hrefs(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('data-href="')[1:]]


def test_any_spelling_finds_the_case_of_a_hashtag_first(client: TestClient) -> None:
    found = hrefs(client.get("/console/finder", params={"q": "＃ＨａｔｅＴａｇ"}).text)
    assert found[0].startswith("/console/cases/case-")
    assert found[1] == "/console/hashtags/hatetag"
    assert len(found) == 3


def test_unknown_hashtag_opens_its_own_page(client: TestClient) -> None:
    assert hrefs(client.get("/console/finder", params={"q": "#never"}).text) == ["/console/hashtags/never"]


def test_pages_are_found_by_name(client: TestClient) -> None:
    assert "/console/queue" in hrefs(client.get("/console/finder", params={"q": "que"}).text)
    assert "/console/queue" not in hrefs(client.get("/console/finder", params={"q": "#que"}).text)


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "a" * 300, "\u202egnirts", "#", "a b", '"><img src=x>'])
def test_hostile_text_is_escaped_or_refused_in_words(client: TestClient, typed: str) -> None:
    answer = client.get("/console/finder", params={"q": typed})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text


def test_browser_without_scripts_is_led_to_the_first_match(client: TestClient) -> None:
    answer = client.get("/console/find", params={"q": "never"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/hashtags/never")


async def test_state_of_a_blind_hashtag_is_not_named() -> None:
    world = World(decision(ruling("hold")))
    case = await world.case()
    assert hashtag_matches(tag_of("tag"), [case])[0].about == "open case"
    assert hashtag_matches(tag_of("tag"), [case], {"tag"})[0].about == "case"
