"""The stop button: what it would release, its forms, and the notice on every page."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest
from fastapi.testclient import TestClient

from moderation.console.stop_notice import countdown_words, notice_texts, notice_words
from streams.flags.overrides import OverrideHistory
from tests.support.api_calls import Calls, limited
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.live_decisions import held

DECISIONS = [
    held("a"), held("b", "hold", "FR", number=2), held("c", "discount", "*", ("trends",), number=3, category="spam"),
]  # fmt: skip


def pause(client: TestClient, **body: Any) -> None:
    shared = {"country": "IN", "lasts": "6h", "if_version": "", "reason": "<b>false</b> alarms"}
    answer = Calls(client).post("/v1/pause", secrets.token_hex(8), **shared | body)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a", "b", "c"}),
        ("country=IN", {"a", "c"}),
        ("country=*", {"a", "b", "c"}),
        ("country=FR&surface=search", {"b"}),
        ("country=*&category=abuse", {"a", "b"}),
        ("country=<b>&surface=none&category=none", {"a", "b", "c"}),
    ],
)
def test_preview_lists_what_a_pause_releases(query: str, expected: set[str]) -> None:
    text = read_page(console_client(*DECISIONS), f"/console/stop?{query}").text
    assert set(re.findall(r'data-open href="/console/hashtags/(\w+)"', text)) == expected


def test_preview_is_what_the_pause_then_releases() -> None:
    client = console_client(*DECISIONS)
    text = read_page(client, "/console/stop?country=IN").text
    assert "It would lift 2 hashtags" in text
    before = {one["hashtag"] for one in Calls(client).get("/v1/held", country="IN").json()["items"]}
    pause(client)
    after = {one["hashtag"] for one in Calls(client).get("/v1/held", country="IN").json()["items"]}
    assert before - after == {"a"}


def test_preview_leaves_out_what_a_person_holds_for_these_viewers() -> None:
    client = console_client(held("other", "hold", "*"))
    body = {"hashtag": "other", "action": "block", "country": "IN", "lasts": "1h", "if_version": "", "reason": "r"}
    assert Calls(client).post("/v1/overrides", "k1", **body).status_code == 201
    assert "It would lift 0 hashtags" in read_page(client, "/console/stop?country=IN").text
    assert "It would lift 1 hashtag" in read_page(client, "/console/stop?country=FR").text


def test_form_has_the_chosen_scope_and_needs_a_country() -> None:
    client = console_client(*DECISIONS)
    assert "Choose where first" in words_of_page(read_page(client, "/console/stop"))
    form = read_page(client, "/console/stop?country=FR&surface=trends&category=abuse").text
    form = form.partition('data-write="/v1/pause"')[2].partition("</form>")[0]
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    assert fields == [("country", "FR"), ("category", "abuse"), ("surfaces", "trends"), ("if_version", "")]
    assert not re.search(r"<input[^>]* checked", form)


def test_pressed_button_shows_who_and_when_and_a_release() -> None:
    client = console_client(*DECISIONS)
    pause(client)
    page = read_page(client, "/console/stop")
    words = words_of_page(page)
    assert "Paused in India on search and trends resumes in 5:59:5" in words
    assert "Pressed by moderator" in words and "<b>false</b> alarms" in words
    assert "<b>false" not in page.text
    assert "Release: hide 2 hashtags again" in words
    form = page.text.partition('data-write="/v1/resume"')[2].partition("</form>")[0]
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    body: dict[str, Any] = dict(fields) | {"surfaces": [value for name, value in fields if name == "surfaces"]}
    assert Calls(client).post("/v1/resume", secrets.token_hex(8), **body).status_code == 201
    after = words_of_page(read_page(client, "/console/stop"))
    assert re.search(
        r"The last change was recorded .* UTC, and search and trends have it since \d\d:\d\d:\d\d UTC", after
    )
    assert "Pressed by" not in after
    assert after.index("moderator resumed in India") < after.index("moderator paused in India on search and trends")


def test_release_counts_only_what_no_other_pause_lifts() -> None:
    client = console_client(*DECISIONS)
    pause(client, lasts="24h")
    pause(client, country="*", lasts="1h")
    words = words_of_page(read_page(client, "/console/stop?country=FR"))
    assert re.findall(r"Release: hide \d", words) == ["Release: hide 0", "Release: hide 2"]
    assert "leaves paused: everywhere on search and trends, by \u2068moderator\u2069, until" in words
    assert "It would lift 0 hashtags" in words and "the longer one counts" in words


def test_second_press_in_a_place_shortens_nothing() -> None:
    client = console_client(*DECISIONS)
    pause(client, lasts="24h")
    before = read_page(client, "/console/stop?country=IN").text
    assert "Paused already in India on search and trends" in words_of_page(
        read_page(client, "/console/stop?country=IN")
    )
    pause(client, lasts="1h", if_version=version_in(before))
    text = read_page(client, "/console/stop").text
    assert "resumes in 23:59:" in words_of_page(read_page(client, "/console/stop")) and "in 59:" not in text
    assert "Release: hide 0 hashtags again" in text and "Still paused then: in India" in text
    [one] = Calls(client).get("/v1/stop").json()["items"]
    assert one["resumes_at_ms"] - one["expires_at_ms"] > 22 * 3_600_000


def test_pause_of_another_category_is_announced_as_refused() -> None:
    client = console_client(*DECISIONS)
    pause(client, category="abuse")
    page = read_page(client, "/console/stop?country=IN")
    assert "for abuse, by \u2068moderator\u2069" in page.text and "Release it first" in page.text
    body = {"country": "IN", "lasts": "1h", "if_version": version_in(page.text), "reason": "all"}
    assert Calls(client).post("/v1/pause", secrets.token_hex(8), **body).status_code == 422


def version_in(text: str) -> str:
    found = re.search(r'data-write="/v1/pause".*?name="if_version" value="([^"]*)"', text, re.S)
    assert found is not None
    return found[1]


def test_notice_is_on_every_page_while_paused() -> None:
    client = console_client()
    assert '<span data-text="paused"></span>' in read_page(client, "/console/held").text
    pause(client)
    for path in ("/console/held", "/console/hashtags/never", "/console/appeals"):
        text = read_page(client, path).text
        assert "Automation is paused in India on search and trends, by \u2068moderator\u2069" in text
        assert re.search(r"data-countdown data-text=\"paused-until\" datetime=\"\d{4}-[^\"]+Z\">in 5:59:", text)


def test_notice_of_several_pauses_counts_them() -> None:
    assert notice_words([]) == ""
    assert notice_texts(OverrideHistory(), 1) == {"paused": "", "paused-until": ""}
    assert countdown_words(90_061_000, 0) == "in 1 d 1:01:01"


def test_reader_cannot_press_it() -> None:
    client = console_client(*DECISIONS)
    pause(client)
    page = read_page(client, "/console/stop?country=IN", "reader")
    assert "Moderators and admins may press it" in words_of_page(page)
    assert 'data-opens="release' not in page.text


def test_limited_person_is_offered_own_countries_only() -> None:
    key = limited("moderator", countries=("IN",), categories=("abuse",), longest="6h")
    page = read_page(console_client(*DECISIONS, keys=[key]), "/console/stop?country=IN", "lim").text
    assert "You may decide in India, on abuse, for at most 6 h." in page
    scope = page.partition("data-scope")[2].partition("</form>")[0]
    assert re.findall(r'<option value="([^"]*)"', scope) == ["", "IN", "abuse"]
    assert re.findall(r'name="lasts" value="(\w+)"', page) == ["1h", "6h"]
    assert 'type="hidden" name="category" value="abuse"' in page
