"""The page of the queue and the dialog of bulk decisions: hostile texts, filters, rights, and no numbers."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from moderation.console.queue_bulk import bulk_row
from moderation.console.queue_entries import QueueEntry
from tests.support.console_client import console_client
from tests.support.live_decisions import SHARE, unread, waiting

queue_client = partial(console_client, role="moderator")


def ids(page: str) -> list[str]:
    return re.findall(r'data-id="([^"]+)"', page)


@pytest.mark.parametrize(
    "tag", ["<script>alert(1)</script>", 'a"onclick="x', "a" * 200, "\u202egnirts", "🔥", "घरवापसी"]
)
def test_hostile_hashtag_is_escaped_and_isolated(tag: str) -> None:
    page = queue_client(waiting(tag)).get("/console/queue").text
    assert "<script>alert" not in page
    assert not re.search(r"<[^>]*\sonclick=", page)
    assert "<bdi>#" in page


def test_total_badge_and_list_are_equal() -> None:
    client = queue_client(*(waiting(f"tag{n}") for n in range(7)))
    page = client.get("/console/queue").text
    assert 'data-text="queue-total">7 wait<' in page
    assert 'data-text="queue-count">7<' in page
    assert len(ids(page)) == 7
    filtered = client.get("/console/queue", params={"q": "tag3"}).text
    assert 'data-text="queue-total">1 waits<' in filtered
    assert 'data-text="queue-count">7<' in filtered
    assert len(ids(filtered)) == 1


def test_long_queue_shows_a_page_and_more_on_demand() -> None:
    client = queue_client(*(waiting(f"tag{n}") for n in range(130)))
    page = client.get("/console/queue", params={"country": "IN"}).text
    assert len(ids(page)) == 100
    assert 'href="/console/queue?country=IN&amp;rows=200"' in page
    whole = client.get("/console/queue", params={"country": "IN", "rows": 200}).text
    assert len(ids(whole)) == 130
    assert "Show more" not in whole


def test_row_names_unread_languages_and_filters_by_them() -> None:
    client = queue_client(
        unread("tamil", {"ta": 41, "bn": 9, "other": 2}), unread("urdu", {"ur": 52}), waiting("read", "review")
    )
    page = client.get("/console/queue").text
    assert "Tamil 64%, Bengali 14%</span>" in page and "Urdu 81%</span>" in page
    assert "not read: Urdu 81%" in page and page.count(">not assessed</span>") == 2
    assert ">not assessed (2)</option>" in page and ">contested (0)</option>" in page
    assert '<option value="bn">Bengali</option><option value="ta">Tamil</option><option value="ur">Urdu' in page
    for query, names in (({"language": "bn"}, ["tamil"]), ({"why": "not_assessed"}, ["tamil", "urdu"]),
                         ({"why": "review"}, ["read"]), ({"language": "te"}, [])):  # fmt: skip
        found = client.get("/console/queue", params=query).text
        assert sorted(re.findall(r"<bdi>#(\w+)</bdi>", found)) == names, query
    assert '<option value="te" selected>Telugu' in found
    assert not re.search(rf"{SHARE}|62%|61\.8|50%|83%|0\.5\b", page)


def test_queue_that_is_read_offers_no_filter_by_language() -> None:
    assert 'name="language"' not in queue_client(waiting("one")).get("/console/queue").text


def test_bulk_dialog_names_unread_languages() -> None:
    client = queue_client(unread("tamil", {"ta": 52}))
    [case] = ids(client.get("/console/queue").text)
    page = client.get("/console/queue/bulk", params={"verdict": "hide", "case": case}).text
    assert "<th>Not read</th>" in page and "<td>Tamil 81%</td>" in page


def test_empty_queue_says_so() -> None:
    assert "Nothing waits" in queue_client().get("/console/queue").text
    assert "Nothing matches" in queue_client(waiting("one")).get("/console/queue", params={"q": "x"}).text


@pytest.mark.parametrize("query", [{"rows": "0"}, {"rows": "9999"}, {"claimed": "x"}, {"q": "a" * 999}])
def test_malformed_filter_is_refused(query: dict[str, str]) -> None:
    assert queue_client().get("/console/queue", params=query).status_code == 422


def test_bulk_dialog_leaves_out_what_needs_a_first_answer() -> None:
    client = queue_client(waiting("one", tweets=100), waiting("two", minutes=5, tweets=40))
    cases = dict(zip(("two", "one"), ids(client.get("/console/queue").text), strict=True))
    page = client.get("/console/queue/bulk", params={"verdict": "hide", "case": list(cases.values())}).text
    assert "your first answer is due" in page
    assert "<strong>40 tweets</strong>" in page
    assert cases["two"] in page.partition("data-json")[2].partition(">")[0]
    assert cases["one"] not in page.partition("data-json")[2].partition(">")[0]
    assert "checked" not in page


@pytest.mark.parametrize(
    ("changes", "due", "words"),
    [
        ({}, False, ""),
        ({}, True, "open it first: your first answer is due"),
        ({"claimed_by": "zoe"}, False, "claimed by zoe"),
        ({"claimed_by": "asha"}, False, ""),
        ({"hidden": True}, False, "a second look has its own verdict"),
        ({"why": ("appeal",)}, False, "an appeal has its own outcome"),
        ({"why": ("appeal", "hold")}, False, ""),
    ],
)
def test_bulk_row_says_why_a_case_is_left_out(changes: Any, due: bool, words: str) -> None:
    entry = QueueEntry(id="case-1", kind="case", display="Tag", **changes)
    assert bulk_row(entry, "asha", first_answer_due=due).problem == words


def test_bulk_row_warns_of_others_and_spared_hashtags() -> None:
    entry = QueueEntry(id="case-1", kind="case", display="Tag", viewers=("asha", "zoe"))
    assert bulk_row(entry, "asha", first_answer_due=False, spared=True).warnings == (
        "zoe has it open", "the policy never hides it by itself (never_suppress)",
    )  # fmt: skip


def test_bulk_dialog_above_twenty_asks_for_the_number() -> None:
    client = queue_client(*(waiting(f"tag{n}", minutes=5) for n in range(21)))
    cases = ids(client.get("/console/queue").text)
    page = client.get("/console/queue/bulk", params={"verdict": "show", "case": cases}).text
    assert 'pattern="21"' in page
    few = client.get("/console/queue/bulk", params={"verdict": "show", "case": cases[:20]}).text
    assert "data-typed" not in few


def test_bulk_dialog_of_no_open_case_says_so() -> None:
    page = queue_client().get("/console/queue/bulk", params={"verdict": "hide", "case": "case-" + "0" * 16}).text
    assert "1 selected case no longer waits" in page
    assert "<form" not in page


def test_blind_second_look_cannot_be_selected() -> None:
    client = queue_client(waiting("looked", "suppress", tweets=7_777), share=1.0)
    page = client.get("/console/queue").text
    assert "second look" in page
    assert "7,777" not in page
    assert "data-pick" not in page
