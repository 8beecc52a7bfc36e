"""The page of what is held now: rows, filters, and what it must not show."""

from __future__ import annotations

import re

import pytest

from moderation.console.held import HeldFilter, counts_by_place, held_row
from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.views.held import held_tags, in_order
from streams.clock import now_ms
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from tests.support.api_calls import Calls, block
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.live_decisions import HOSTILE, held, many


def folded(decisions: list[Decision]) -> AutomatedFold:
    fold = AutomatedFold()
    for one in decisions:
        fold.apply(one)
    return fold


def test_row_has_counts_state_and_author() -> None:
    decisions = [held("flood", tweets=900)]
    [one] = held_tags(decisions, OverrideHistory(), now_ms())
    row = held_row(one, folded(decisions), show_legal=False)
    assert (row.tweets, row.authors, row.state, row.by) == (900, 600, "hidden", "the pipeline, for abuse")


def test_page_escapes_hostile_spellings() -> None:
    decisions = [held(f"t{number}", display=display, number=number + 1) for number, display in enumerate(HOSTILE)]
    text = read_page(console_client(*decisions), "/console/held").text
    assert "<script>alert" not in text
    assert len(re.findall(r'<bdi class="tag">', text)) == len(HOSTILE)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a", "b", "c"}),
        ("country=FR", {"b"}),
        ("surface=search", {"a"}),
        ("state=hold", {"b"}),
        ("hashtag=%23A", {"a"}),
        ("category=spam", {"c"}),
        ("source=human", set()),
        ("country=nowhere&sort=nothing&most=x", set()),
        (f"country=nowhere&most={'9' * 5_000}", set()),
    ],
)
def test_filters_in_the_address_select_rows(query: str, expected: set[str]) -> None:
    decisions = [
        held("a"),
        held("b", "hold", "FR", ("trends",), number=2),
        held("c", "discount", surfaces=("trends",), number=3, category="spam"),
    ]
    text = read_page(console_client(*decisions), f"/console/held?{query}").text
    assert set(re.findall(r'href="/console/hashtags/(\w+)"', text)) == expected


def test_list_sorts_by_reach_end_and_age() -> None:
    decisions = [
        held("small", tweets=10, minutes=9, lasts_ms=9_000_000),
        held("large", tweets=99, minutes=1, lasts_ms=8_000_000, number=2),
    ]
    fold, found = folded(decisions), held_tags(decisions, OverrideHistory(), now_ms())
    orders = {
        sort: [one.register.hashtag for one in in_order(found, sort, fold)] for sort in ("reach", "ends", "since")
    }
    assert orders == {"reach": ["large", "small"], "ends": ["large", "small"], "since": ["small", "large"]}


def test_counts_by_place_count_hashtags_once() -> None:
    decisions = [held("a"), held("a", country="FR", number=2), held("b", surfaces=("trends",), number=3)]
    counts = counts_by_place(held_tags(decisions, OverrideHistory(), now_ms()))
    assert counts == {"surfaces": ["search", "trends"], "rows": [("IN", [1, 2], 2), ("FR", [1, 1], 1)], "more": 0}


def test_long_list_offers_more() -> None:
    page = read_page(console_client(*many(260)), "/console/held")
    assert page.text.count('held-row"') == 200
    assert "Show more of 260" in page.text
    assert read_page(console_client(*many(260)), "/console/held?most=400").text.count('held-row"') == 260


def test_empty_list_says_so() -> None:
    assert "Nothing is held now" in words_of_page(read_page(console_client(), "/console/held", "reader"))
    assert "matches these filters" in words_of_page(read_page(console_client(), "/console/held?country=FR"))


def test_block_by_a_person_is_listed_with_its_name() -> None:
    client = console_client()
    assert block(Calls(client)).status_code == 201
    words = words_of_page(read_page(client, "/console/held"))
    assert "#rumour hidden everywhere search and trends by moderator" in words
    assert "no tweets counted" in words


def test_link_keeps_other_filters() -> None:
    assert HeldFilter(country="IN", sort="ends").link(surface="trends") == (
        "/console/held?country=IN&surface=trends&sort=ends"
    )
    assert HeldFilter().link() == "/console/held"
