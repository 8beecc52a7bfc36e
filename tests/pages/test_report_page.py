"""The page that `hushtag report --html` writes, opened from the disk: it shows all, asks nobody, fits a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from moderation.report import page as pages
from moderation.report.publish import publish
from tests.pages.conftest import shot
from tests.pages.test_pages import assert_accessible
from tests.support.orders_world import HOUR_MS, NOW_MS
from tests.unit.moderation.report.test_report import facts_of, order_world, said

pytestmark = pytest.mark.pages


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_the_page_shows_what_became_of_the_order(browser: Browser, tmp_path: Path, scheme: str, width: int) -> None:
    world, _ = order_world()
    hidden = [said(NOW_MS, ("hateful_conduct", "suppress", NOW_MS + HOUR_MS), tag=f"t{n}") for n in range(7)]
    path = tmp_path / "report.html"
    path.write_text(pages.html(publish(facts_of(world, hidden)), NOW_MS), "utf-8")

    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.goto(path.as_uri())
    accounts = page.get_by_role("table", name="Accounts by outcome")
    expect(accounts.get_by_role("row")).to_have_count(3)
    expect(accounts.get_by_role("row", name="withheld in the country")).to_contain_text("13 (50%)")
    expect(page.get_by_role("table", name="Hashtags suppressed by category")).to_contain_text("hateful conduct")
    withheld, suspended = (
        accounts.get_by_role("row", name=name).locator("rect").bounding_box()
        for name in ("withheld in the country", "suspended under our own rules")
    )
    assert withheld is not None and suspended is not None
    assert suspended["width"] == pytest.approx(withheld["width"] * 7 / 13, abs=1.5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing to scroll sideways"
    sizes = page.locator("main *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 14, "every word can be read"
    assert_accessible(page)
    shot(page, f"report-{scheme}")
    page.close()
    assert asked == [path.as_uri()] and told == []
