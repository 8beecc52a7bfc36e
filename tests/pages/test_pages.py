"""Both pages in a real browser: live updates, staff view, accessibility."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.platform_pages import Platform, assert_accessible, shot

pytestmark = pytest.mark.pages
Open = Callable[..., Page]
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True}


def test_suppressed_tag_vanishes_from_open_page(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN")
    expect(page.locator("[data-live]")).to_have_text("Live")
    rows = page.locator("[data-list=trends] > li")
    expect(rows).to_have_count(10)
    expect(page.locator("li[data-key=sendthemback]")).to_be_visible()
    platform.suppress("SendThemBack")
    expect(page.locator("li[data-key=sendthemback]")).to_have_count(0)
    expect(rows).to_have_count(10)
    expect(page.locator("li[data-key=farmersprotest]")).to_be_visible()
    ranks = page.evaluate("[...document.querySelectorAll('.rank')].map(rank => rank.textContent)")
    assert ranks == [str(rank) for rank in range(1, 11)]


def test_pages_state_that_suppression_is_paused(open_page: Open, platform: Platform) -> None:
    platform.suppress("SendThemBack")
    pages = [open_page(url + "/?country=IN") for url in (platform.trends_url, platform.search_url)]
    for page in pages:
        expect(page.locator("[data-live]")).to_have_text("Live")
        expect(page.locator(".paused")).to_be_hidden()
    platform.pause()
    for page in pages:
        expect(page.locator(".paused")).to_contain_text("Automatic holding back is paused until")
        expect(page.locator(".paused")).not_to_contain_text("dana")
        assert_accessible(page)
    expect(pages[0].locator("li[data-key=sendthemback]")).to_be_visible()
    shot(pages[0], "paused")
    platform.pause("clear")
    for page in pages:
        expect(page.locator(".paused")).to_be_hidden()
    expect(pages[0].locator("li[data-key=sendthemback]")).to_have_count(0)


def test_rows_update_in_place_and_keep_focus(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN")
    expect(page.locator("[data-live]")).to_have_text("Live")
    platform.tweet("SteadyTag", "IN", 40)
    row = page.locator("li[data-key=steadytag]")
    row.get_by_role("link").focus()
    row.evaluate("row => row.marked = true")
    before = row.locator(".meta").inner_text()
    platform.tweet("SteadyTag", "IN", 900)
    expect(row.locator(".meta")).not_to_have_text(before)
    expect(row.locator(".rank")).to_have_text("1")
    expect(row.get_by_role("link")).to_be_focused()
    assert row.evaluate("row => row.marked")


SAMPLER = """() => {
  const faults = [], list = document.querySelector('[data-list=trends]'), until = performance.now() + 4000;
  let moved = 0, samples = 0;
  const sample = () => {
    const rows = [...list.children].filter(row => !('leaving' in row.dataset));
    const seen = rows.map(row => [row.getBoundingClientRect().top, row.querySelector('.rank').textContent]);
    const stale = [...list.children].filter(row => 'leaving' in row.dataset && row.querySelector('.rank').textContent);
    const ranks = [...seen].sort(([one], [other]) => one - other).map(([, rank]) => rank);
    moved += rows.some(row => row.getAnimations().some(one => one.id === 'move' && one.playState === 'running'));
    samples += 1;
    if (stale.length || ranks.some((rank, place) => rank !== String(place + 1))) faults.push(ranks.join(' '));
    if (performance.now() < until) requestAnimationFrame(() => setTimeout(sample));
    else window.sampled = { faults, moved, samples };
  };
  sample();
}"""
"""Samples each frame: sorted by their place on the screen, the rows must be numbered 1, 2, 3."""


def test_moving_rows_show_the_rank_of_their_place(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN", reduced_motion="no-preference")
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate(SAMPLER)
    for hashtag in ("ChaiTime", "Bollywood", "KBC", "TechTwitter"):
        platform.tweet(hashtag, "IN", 400, spread_seconds=5)
        page.wait_for_timeout(200)
    platform.suppress("FarmersProtest")
    page.wait_for_timeout(150)
    platform.suppress("ChaiTime")
    while (sampled := page.evaluate("window.sampled")) is None:
        page.wait_for_timeout(100)
    assert sampled["moved"] > 10, "rows were sampled while they moved"
    assert sampled["faults"] == []


def test_panel_counts_hashtags_used_in_the_country(open_page: Open, platform: Platform) -> None:
    platform.suppress("SendThemBack")
    platform.suppress("NFL", country="*")
    platform.suppress("NeverUsed")
    page = open_page(platform.trends_url + "/?country=IN&held=on")
    expect(page.locator("[data-text=held]")).to_have_text("1 held back, 2 without tweets in India")
    expect(page.locator("[data-list=held] > li .meta")).to_contain_text(
        ["90 tweets in 10 min", "no tweets here in 10 min", "no tweets here in 10 min"]
    )
    page.goto(platform.trends_url + "/?country=US&held=on")
    expect(page.locator("[data-text=held]")).to_have_text("1 held back")


@pytest.mark.parametrize("words", ["Live", "Reconnecting"])
@pytest.mark.parametrize("width", [360, 390])
def test_connection_stays_in_its_line_on_a_phone(open_page: Open, platform: Platform, width: int, words: str) -> None:
    page = open_page(platform.trends_url + "/", viewport={"width": width, "height": 844})
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate("words => document.querySelector('[data-live] span').textContent = words", words)
    middles = page.evaluate(
        "[...document.querySelectorAll('.brand, .bar nav a, .live')].map(one => one.getBoundingClientRect())"
        ".map(box => Math.round((box.top + box.bottom) / 2))"
    )
    assert max(middles) - min(middles) <= 2
    assert page.locator(".brand").get_attribute("href") == "/" and page.locator(".brand").inner_text() == "Hashtags"


def test_new_tag_and_new_country_appear(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    platform.tweet("NewHere", "BR", 60)
    expect(page.locator("li[data-key=newhere] .rank")).to_have_text("1")
    page.get_by_role("link", name="Brazil").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trending in Brazil")
    expect(page).to_have_url(platform.trends_url + "/?country=BR")
    expect(page.locator("[data-list=trends] > li")).to_have_count(1)
    platform.tweet("LiveAfterTheSwap", "BR", 60)
    expect(page.locator("li[data-key=liveaftertheswap]")).to_be_visible()


def test_switch_shows_hidden_rows(open_page: Open, platform: Platform) -> None:
    platform.suppress("SendThemBack")
    page = open_page(platform.trends_url + "/?country=IN")
    expect(page.locator("li[data-key=sendthemback]")).to_have_count(0)
    page.get_by_role("switch", name="Show what was held back").check()
    held = page.locator("[data-list=held] > li[data-key=sendthemback]")
    expect(held).to_be_visible()
    expect(page.get_by_role("switch")).to_be_checked()
    for text in (
        "Suppressed",
        "Hateful conduct",
        "62–81%",
        "45%",
        "India",
        "3f9c1a7be204",
        "b81d02c6ea97",
        "41 authors",
    ):
        expect(held).to_contain_text(text)
    expect(page.locator("[data-live]")).to_have_text("Live")
    platform.suppress("BharatJodo", action="hold")
    expect(page.locator("[data-list=held] > li[data-key=bharatjodo]")).to_contain_text("On hold for review")
    expect(page.locator("[data-text=held]")).to_have_text("2 held back")
    assert_accessible(page)
    shot(page, "trends-held-light")
    page.emulate_media(color_scheme="dark")
    assert_accessible(page)
    shot(page, "trends-held-dark")
    page.get_by_role("switch").uncheck()
    expect(page.locator("[data-list=held]")).to_have_count(0)
    expect(page).to_have_url(platform.trends_url + "/?country=IN")


def test_contested_tag_stays_and_staff_see_why(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN")
    row = page.locator("[data-list=trends] > li[data-key=cricketworldcup]")
    expect(row).to_be_visible()
    platform.discount("CricketWorldCup", 0.34)
    expect(row.locator(".meta")).to_contain_text("153 tweets in 10 min")
    expect(page.locator("body")).not_to_contain_text("ontested")
    page.get_by_role("switch", name="Show what was held back").check()
    held = page.locator("[data-list=held] > li[data-key=cricketworldcup]")
    for text in ("Ranked by its established accounts", "Contested", "Harmful share of the other accounts", "84%"):
        expect(held).to_contain_text(text)
    expect(page.locator("[data-text=held]")).to_have_text("1 contested")
    assert_accessible(page)
    shot(page, "trends-contested")


def test_search_box_suggests_and_finds_typed_flagged_tag(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.search_url + "/?country=IN")
    box = page.get_by_role("combobox")
    box.press_sequentially("#send")
    expect(page.get_by_role("option")).to_have_text(["#SendThemBack 90 tweets in 10 min"])
    platform.suppress("SendThemBack")
    box.fill("")
    box.press_sequentially("sen")
    expect(page.get_by_role("listbox")).to_be_hidden()
    box.fill("SendThemBack")
    box.press("Enter")
    expect(page.get_by_role("heading", name="#SendThemBack")).to_be_visible()
    expect(page.locator(".found")).to_contain_text("90 tweets in the last 10 minutes")
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    expect(page.locator("[data-list=recommended] > li[data-key=sendthemback]")).to_have_count(0)
    assert_accessible(page)
    shot(page, "search-found")


def test_keyboard_chooses_a_suggestion(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.search_url + "/?country=IN")
    box = page.get_by_role("combobox")
    box.press_sequentially("mu")
    expect(page.get_by_role("option")).to_have_count(2)
    assert_accessible(page)
    shot(page, "search-suggestions")
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_contain_text("#MutualFunds")
    assert box.get_attribute("aria-activedescendant") == "suggestion-1"
    box.press("ArrowUp")
    box.press("Enter")
    expect(page.get_by_role("heading", name="#MumbaiRains")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search hashtags in India")


def test_suppression_leaves_recommendations_live(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.search_url + "/?country=IN")
    expect(page.locator("[data-live]")).to_have_text("Live")
    expect(page.locator("[data-list=recommended] > li[data-key=sendthemback]")).to_be_visible()
    platform.suppress("SendThemBack", surfaces=("search",))
    expect(page.locator("[data-list=recommended] > li[data-key=sendthemback]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("service", ["trends", "search"])
def test_pages_have_no_accessibility_violations(open_page: Open, platform: Platform, service: str, scheme: str) -> None:
    url = {"trends": platform.trends_url, "search": platform.search_url}[service]
    page = open_page(url + "/?country=IN", color_scheme=scheme)
    expect(page.locator("[data-live]")).to_have_text("Live")
    assert_accessible(page)
    shot(page, f"{service}-{scheme}")


@pytest.mark.parametrize("service", ["trends", "search"])
def test_pages_fit_a_phone(open_page: Open, platform: Platform, service: str) -> None:
    platform.suppress("SendThemBack")
    url = {"trends": platform.trends_url, "search": platform.search_url}[service]
    page = open_page(url + "/?country=IN&held=on", **PHONE)
    expect(page.locator("[data-list=held] > li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert_accessible(page)
    shot(page, f"{service}-phone")


def test_empty_list_shows_a_hint(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=QQ")
    expect(page.get_by_role("heading", level=1)).to_have_text("Trending in QQ")
    assert "Nothing is trending yet" in page.evaluate(
        "getComputedStyle(document.querySelector('[data-list=trends]'), '::after').content"
    )
    assert_accessible(page)


def test_ten_tabs_share_one_stream(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN")
    others = [page.context.new_page() for _ in range(9)]
    for other in others:
        other.goto(platform.trends_url + "/?country=IN")
        expect(other.locator("[data-live]")).to_have_text("Live")
    assert platform.trends.service.hub.viewers == 1
    platform.suppress("SendThemBack")
    for tab in (page, *others):
        expect(tab.locator("li[data-key=sendthemback]")).to_have_count(0)


def test_page_reconnects_after_stream_ends(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN")
    expect(page.locator("[data-live]")).to_have_text("Live")
    for channel in platform.trends.service.hub._channels.values():
        channel.send(None)  # as for a slow viewer
    platform.tweet("AfterTheCut", "IN", 80)
    expect(page.locator("li[data-key=afterthecut]")).to_be_visible()
    expect(page.locator("[data-live]")).to_have_text("Live")


def test_pages_work_without_scripts(open_page: Open, platform: Platform) -> None:
    page = open_page(platform.trends_url + "/?country=IN", java_script_enabled=False)
    assert page.locator("[data-list=trends] > li").count() == 10
    page.get_by_role("link", name="United States").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Trending in United States"
    page.goto(platform.search_url + "/?country=IN&q=%23Diwali2026")
    assert page.get_by_role("heading", name="#Diwali2026").count() == 1


def test_every_response_has_the_security_policy(platform: Platform) -> None:
    for url in (platform.trends_url, platform.search_url):
        for path in ("/", "/static/live.js", "/api/held", "/no-such-page"):
            headers = httpx.get(url + path).headers
            assert headers["content-security-policy"].startswith("default-src 'none'"), path
            assert headers["x-content-type-options"] == "nosniff"
