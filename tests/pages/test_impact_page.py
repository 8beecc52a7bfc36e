"""The page of `hushtag policy impact --html`, opened from disk: contents, and no requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from streams.backtest import Impact
from streams.backtest.page import render
from streams.backtest.shadow import report_of
from tests.support.backtest_cases import BASE, LIVE, policy_of, steady
from tests.support.platform_pages import assert_accessible, shot

pytestmark = pytest.mark.pages


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_impact_page_shows_histogram_and_list(browser: Browser, tmp_path: Path, scheme: str) -> None:
    new = policy_of(
        BASE.replace("[tag1]", "[tag2]").replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6")
    )
    impact = Impact(LIVE, new)
    for record in steady(LIVE, {"tag1": 0.9, "tag2": 0.9, "a": 0.66, "c": 0.1}):
        impact.add(record)
    path = tmp_path / "impact.html"
    path.write_text(render(impact.finish()), "utf-8")

    page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text(new.revision)
    rows = page.locator("tr[data-hashtag]")
    expect(rows).to_have_count(4)
    expect(rows.nth(0)).to_have_attribute("data-hashtag", "tag2")
    expect(rows.nth(1)).to_contain_text("loses its protection")
    expect(page.locator("svg")).to_have_count(2)
    assert page.locator("svg").first.locator("rect").count() >= 2
    expect(page.locator("svg").first.locator("line.live")).to_have_count(1)
    expect(page.locator("svg").first.locator("line.new")).to_have_count(1)
    assert_accessible(page)
    shot(page, f"impact-{scheme}")
    page.close()
    assert requests == [path.as_uri()] and messages == []


@pytest.mark.parametrize(
    "live_and_new", [(0.5, 0.46), (0.46, 0.5), (0.4, 0.4), (0.02, 0.03), (0.95, 0.955), (0.1, 0.9)]
)
def test_impact_page_is_readable_without_overlap(
    browser: Browser, tmp_path: Path, live_and_new: tuple[float, float]
) -> None:
    live, new = (
        policy_of(
            BASE.replace("suppress_at: 0.4", f"suppress_at: {at}")
            .replace("clear_at: 0.3", f"clear_at: {at / 2}")
            .replace("suppress_at: 0.5}", f"suppress_at: {at}}}")
        )
        for at in live_and_new
    )
    impact = Impact(live, new, history={live.revision: live, new.revision: new})
    impact.follow()
    evidence_of = live if min(live_and_new) == live_and_new[0] else new  # a higher threshold keeps too little
    for record in steady(evidence_of, {"tag1": 0.9, "a": 0.66, "a" * 90: 0.9, "c": 0.1}):
        impact.add(record)
    report = report_of(impact)
    path = tmp_path / "impact.html"
    path.write_text(render(report.verdict, report), "utf-8")
    for width in (390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SCROLLED) == [], "no table hides columns"
        assert page.locator("text.label").count() == 2 * len(set(live_and_new))
        assert page.evaluate(OVERLAPS) == []
        assert page.evaluate(SMALLEST) >= 10
        if live_and_new == (0.5, 0.46):
            assert_accessible(page)
            shot(page, f"impact-{width}")
        page.close()


SCROLLED = """[...document.querySelectorAll('.wide')]
  .filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)"""
SMALLEST = """Math.min(...[...document.querySelectorAll('svg text')].map(one =>
  parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a))"""
OVERLAPS = """[...document.querySelectorAll('svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
  const within = (box) => box.left >= frame.left && box.right <= frame.right && box.top >= frame.top - 1;
  const beside = (one, other) => one.left >= other.right || other.left >= one.right;
  const apart = (one, other) => beside(one, other) || one.top >= other.bottom - 2 || other.top >= one.bottom - 2;
  return boxes.flatMap(([word, box], i) => [
    ...(within(box) ? [] : [`${word} leaves its picture`]),
    ...boxes.slice(i + 1).filter(([, other]) => !apart(box, other)).map(([other]) => `${word} over ${other}`),
  ]);
})"""


def test_shadow_page_shows_present_and_history(browser: Browser, tmp_path: Path) -> None:
    new = policy_of(BASE.replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6"))
    impact = Impact(LIVE, new, history={LIVE.revision: LIVE})
    impact.follow()
    for record in steady(LIVE, {"a": 0.66, "b": 0.9, "c": 0.1}):
        impact.add(record)
    path = tmp_path / "shadow.html"
    report = report_of(impact)
    path.write_text(render(report.verdict, report), "utf-8")

    page = browser.new_page(viewport={"width": 1100, "height": 1300})
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
    now = page.get_by_role("region", name="Hashtags on which the two policies differ now")
    expect(now.locator("tr[data-hashtag=a]")).to_contain_text("no longer suppressed")
    expect(page.locator("svg polyline")).to_have_count(3)
    assert_accessible(page)
    shot(page, "shadow")
    page.close()
    assert requests == [path.as_uri()] and messages == []
