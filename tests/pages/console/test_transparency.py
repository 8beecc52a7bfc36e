"""Transparency, and people and keys, in a browser: by keyboard alone, on a phone, and silent under axe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation.outward.report.folder import ReportFolder
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import waiting

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def world(new_console: Any, tmp_path: Path) -> ConsoleWorld:
    many = [waiting(f"tag{number}", "suppress", number=number + 1) for number in range(12)]
    found: ConsoleWorld = new_console(*many, waiting("france", "suppress", country="FR", number=50))
    found.services.reports.folder = ReportFolder(tmp_path)
    return found


def axe_finds(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in Axe().run(page).response["violations"]]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def preview(page: Page) -> None:
    page.get_by_role("button", name="This month so far").click()
    page.keyboard.press("p")
    expect(page.locator("#update-title")).to_be_visible(timeout=20_000)


def test_report_is_published_by_keyboard_and_corrected(world: ConsoleWorld, open_as: Open, tmp_path: Path) -> None:
    page = open_as(world, "/console/transparency")
    preview(page)
    expect(page.locator(".update")).to_contain_text("13 hashtags were held back")
    expect(page.locator(".report")).to_contain_text("fewer than 5 hashtags by a decision for France")
    page.keyboard.press("u")
    page.keyboard.press("Control+Enter")  # the browser asks for the reason
    assert list(tmp_path.iterdir()) == []
    page.keyboard.type("monthly")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notice.done")).to_contain_text("is published")
    [folder] = tmp_path.iterdir()
    with page.expect_download() as download:
        page.get_by_role("link", name="Page", exact=True).click()
    assert Path(download.value.path()).read_bytes() == (folder / "report.html").read_bytes()
    preview(page)
    page.keyboard.press("u")
    page.keyboard.type("a country was missing")
    page.keyboard.press("Tab")
    page.keyboard.type("correction")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".publications .row").first).to_contain_text("corrected edition 2")
    assert (folder.parent / f"{folder.name}-edition-2" / "correction.txt").is_file()


def test_key_is_shown_once_and_forgotten_by_a_reload(world: ConsoleWorld, open_as: Open) -> None:
    page = open_as(world, "/console/people")
    page.keyboard.press("m")
    page.keyboard.type("ben")
    page.check("[value=moderator]")
    page.keyboard.press("Control+Enter")
    key = page.locator("[data-made-key]")
    expect(key).to_contain_text("hush_")
    found = key.text_content() or ""
    assert found.startswith("hush_") and found not in (page.locator("[data-made-line]").text_content() or "")
    assert found not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert found not in page.content(), "the page may be shown again by the button Back"
    page.reload()
    assert found not in page.content()
    assert world.log.records == []


def test_session_of_another_person_is_ended(world: ConsoleWorld, open_as: Open, expected: set[int]) -> None:
    theirs = open_as(world, "/console/held", "ben", role="moderator")
    page = open_as(world, "/console/people", "asha")
    row = page.locator(".sessions .row", has_text="ben")
    expect(page.locator(".sessions .row", has_text="asha")).to_contain_text("yours")
    row.get_by_role("button").press("Enter")
    page.keyboard.type("lost laptop")
    page.keyboard.press("Control+Enter")
    expect(row).to_have_count(0)
    expected.add(401)
    theirs.goto(world.url + "/console/held")
    expect(theirs.locator("h1")).to_have_text("You are not logged in")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_and_dialogs_pass_axe_at_390_pixels(world: ConsoleWorld, open_as: Open, scheme: str) -> None:
    page = open_as(world, "/console/transparency", color_scheme=scheme, **PHONE)
    assert (axe_finds(page), overflow(page)) == ([], 0)
    preview(page)
    page.locator("summary").click()
    assert (axe_finds(page), overflow(page)) == ([], 0)
    page.keyboard.press("u")
    assert axe_finds(page) == []
    page.goto(world.url + "/console/people")
    assert (axe_finds(page), overflow(page)) == ([], 0)
    page.keyboard.press("m")
    assert axe_finds(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="End session").press("Enter")
    assert axe_finds(page) == []
