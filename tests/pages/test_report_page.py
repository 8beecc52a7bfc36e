"""The page of `hushtag report --html`, opened from disk: contents, no requests, narrow screens."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from moderation.outward.report import page as pages
from moderation.outward.report.published_report import publish
from tests.support.orders_world import HOUR_MS, NOW_MS
from tests.support.platform_pages import assert_accessible, shot
from tests.support.report_cases import decided, facts_of, order_world

pytestmark = pytest.mark.pages


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_report_page_shows_outcomes_without_requests(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    world, _ = order_world()
    hidden = [decided(NOW_MS, ("hateful_conduct", "suppress", NOW_MS + HOUR_MS), tag=f"t{n}") for n in range(7)]
    hidden += [decided(NOW_MS, ("abuse", "discount", NOW_MS + HOUR_MS), tag=f"c{n}") for n in range(5)]
    path = tmp_path / "report.html"
    path.write_text(pages.html(publish(facts_of(world, hidden)), NOW_MS), "utf-8")

    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.goto(path.as_uri())
    accounts = page.get_by_role("table", name="Accounts by state")
    expect(accounts.get_by_role("row")).to_have_count(3)
    expect(accounts.get_by_role("row", name="withheld in one country")).to_contain_text("13 (50%)")
    first = page.locator(".cards > div").first
    expect(first).to_contain_text("Hashtags held back from trends or search suggestions")
    expect(first.locator("dd")).to_contain_text("fewer than 10 hashtags by people or orders alone")
    expect(page.get_by_role("table", name="Hashtags held back by category")).to_contain_text("hateful conduct")
    orders = page.locator("table.orders")
    expect(orders).to_contain_text("7 accounts suspended everywhere")
    expect(page.get_by_role("table", name="Contested hashtags by category")).to_contain_text("abuse")
    withheld, suspended = (
        accounts.get_by_role("row", name=name).locator("rect").bounding_box()
        for name in ("withheld in one country", "suspended everywhere")
    )
    assert withheld is not None and suspended is not None
    assert suspended["width"] == pytest.approx(withheld["width"] * 7 / 13, abs=1.5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page does not scroll sideways"
    sizes = page.locator("main *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 14, "every text is legible"
    assert_accessible(page)
    shot(page, f"report-{scheme}")
    page.close()
    assert requests == [path.as_uri()] and messages == []
