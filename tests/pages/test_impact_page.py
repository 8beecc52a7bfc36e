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
