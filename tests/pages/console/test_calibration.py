"""Calibration in a browser: labels, what would change, live and back, on a desk and a phone."""

from __future__ import annotations

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.backtest_cases import steady
from tests.support.console_world import ConsoleWorld
from tests.support.in_memory_calibration import add_of_two, compile_scorer
from tests.support.in_memory_policies import POLICY, InMemoryPolicies
from tests.support.live_decisions import waiting

Open = Callable[..., Page]
PAGE = "/console/calibration"


def test_scale_is_tried_put_live_and_rolled_back(new_console: Callable[..., ConsoleWorld], open_as: Open) -> None:
    compile_scorer()
    evidence = steady(POLICY, {"a": 0.5})
    world = new_console(waiting("LateShow"), policies=InMemoryPolicies(evidence=evidence))
    world.run(lambda services: add_of_two(services.calibration, 60, 60))
    page = open_as(world, PAGE)
    expect(page.locator("#scale")).to_contain_text("They give a scale for English")
    expect(page.locator("#scale .badge.good").first).to_have_text("fitted")
    expect(page.get_by_text("1 text without your mark")).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator("#impact-title")).to_have_text("What would change")
    expect(page.locator("#impact")).to_contain_text("The fitted scale against the live one")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

    first = page.locator("#scale-title code").inner_text()
    live = page.locator("form[data-write='/v1/calibration/apply']")
    live.get_by_label("Reason").fill("labels of two people")
    live.get_by_role("button", name="Put it live").click()
    back = page.locator("form[data-write='/v1/calibration/rollback']")
    expect(back).to_contain_text(f"Model {first} was live before", timeout=15_000)  # the model file is compressed
    back.get_by_label("Reason").fill("a mistake")
    back.get_by_role("button", name="Go back").click()
    expect(page.locator("#scale-title code")).to_have_text(first)


def test_page_fits_a_phone_and_leads_to_texts(new_console: Callable[..., ConsoleWorld], open_as: Open) -> None:
    world = new_console(waiting("LateShow"))
    page = open_as(world, PAGE, role="moderator", viewport={"width": 390, "height": 844})
    expect(page.locator("#scale")).to_contain_text("No language has a label")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_role("button", name="Put it live")).to_have_count(0)
    page.get_by_role("link", name="#LateShow").click()
    page.wait_for_url("**/console/cases/**")
