"""The policy in a browser: faults at their lines, a proposal by keyboard, drafts that survive, hostile texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.backtest_cases import LIVE, steady
from tests.support.console_world import ConsoleWorld
from tests.support.in_memory_policies import SHIPPED, InMemoryPolicies, record_of

EDIT = "/console/policy/edit"
Open = Callable[..., Page]


@pytest.fixture
def world(new_console: Callable[..., ConsoleWorld]) -> ConsoleWorld:
    return new_console(policies=InMemoryPolicies())


def assert_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def replace_text(page: Page, old: str, new: str) -> None:
    """Type over a part of the policy, as a person does."""
    field = page.locator("#policy-text")
    at = field.input_value().index(old)
    field.evaluate("(field, [from, to]) => { field.focus(); field.setSelectionRange(from, to); }", [at, at + len(old)])
    page.keyboard.insert_text(new)


def selected(page: Page) -> str:
    found: str = page.locator("#policy-text").evaluate(
        "field => field.value.slice(field.selectionStart, field.selectionEnd)"
    )
    return found


def test_policy_is_changed_by_keyboard_alone(world: ConsoleWorld, open_as: Open) -> None:
    page = open_as(world, "/console/policy")
    page.keyboard.press("p")
    page.wait_for_url("**" + EDIT)
    replace_text(page, "suppress_at: 0.55", "suppress_at: 60")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("c")
    expect(page.locator("[data-check-title]")).to_have_text("1 fault")
    assert selected(page) == "60", "the cursor jumps to the fault"
    expect(page.locator(".fault")).to_contain_text("write 0.6")
    assert page.locator(".gutter b").inner_text().strip() == str(SHIPPED[: SHIPPED.index(b"0.55")].count(b"\n") + 1)
    page.keyboard.insert_text("0.6")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("l")
    expect(page.locator("#propose li")).to_have_text("abuse: suppress_at 0.55 → 0.6")
    page.keyboard.type("calmer talk")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/console/policy")
    expect(page.get_by_role("status").filter(has_text="Live at the tick")).to_be_visible()
    live = world.policies.records[-1]
    assert (live.actor, live.reason, live.changes) == ("asha", "calmer talk", ("abuse: suppress_at 0.55 → 0.6",))
    assert page.evaluate("Object.keys(sessionStorage).filter((name) => name.startsWith('draft policy'))") == []


def test_text_typed_during_its_check_is_not_proposed(world: ConsoleWorld, open_as: Open) -> None:
    page = open_as(world, EDIT)
    replace_text(page, "suppress_at: 0.55", "suppress_at: 0.6")
    page.evaluate(
        """() => {
            document.querySelector("[data-act=propose]").click();
            document.getElementById("policy-text").value += "score_floor: 0.1";
        }"""
    )
    expect(page.locator("[data-check-title]")).to_have_text("The text has changed meanwhile: try it again")
    assert page.locator("#propose").is_hidden()


def test_conflict_keeps_the_text_and_names_the_other_change(
    world: ConsoleWorld, open_as: Open, expected: set[int]
) -> None:
    expected.add(409)
    page = open_as(world, EDIT)
    replace_text(page, "suppress_at: 0.55", "suppress_at: 0.6")
    page.get_by_role("button", name="Put live").click()
    page.locator("#propose textarea").fill("mine")
    theirs = SHIPPED.replace(b"serial: 1 ", b"serial: 2 ").replace(b"min_tweets: 80", b"min_tweets: 90")
    world.policies.records.append(record_of(theirs, actor="meera", reason="theirs", via="topic", before=0))
    page.get_by_role("button", name="Put it live").click()
    expect(page.locator("#propose [data-problem]")).to_contain_text("meera: theirs")
    page.get_by_role("button", name="Load the live policy").click()
    expect(page.locator("[data-moved]")).to_contain_text("meera")
    assert "suppress_at: 0.6\n" in page.locator("#policy-text").input_value()
    page.get_by_role("button", name="Compare my text").click()
    expect(page.locator("[data-check-body]")).to_contain_text("min_tweets 90 → 80")
    expect(page.locator("[data-moved]")).to_be_hidden()
    assert len(world.policies.records) == 2


def test_draft_survives_an_ended_session_and_a_killed_server(
    world: ConsoleWorld, open_as: Open, expected: set[int], faults: list[str]
) -> None:
    expected |= {401, 503}
    page = open_as(world, EDIT)
    replace_text(page, "suppress_at: 0.55", "suppress_at: 0.6")
    page.get_by_role("button", name="Put live").click()
    page.locator("#propose textarea").fill("calmer talk")
    world.policies.away = True
    page.get_by_role("button", name="Put it live").click()
    expect(page.locator("#propose [data-problem]")).to_contain_text("does not answer")
    world.policies.away = False
    world.stop()
    page.get_by_role("button", name="Put it live").click()
    expect(page.locator("#propose [data-problem]")).to_contain_text("recorded once")
    world.start()
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_role("button", name="Put it live").click()
    expect(page.locator("#propose [data-problem]")).to_contain_text("session has ended")
    page.context.add_cookies(kept)  # type: ignore[arg-type]
    page.reload()
    assert "suppress_at: 0.6\n" in page.locator("#policy-text").input_value()
    page.get_by_role("button", name="Put live").click()
    expect(page.locator("#propose textarea")).to_have_value("calmer talk")
    page.get_by_role("button", name="Put it live").dblclick()
    page.wait_for_url("**/console/policy")
    assert [one.reason for one in world.policies.records] == ["first", "calmer talk"], "a double click makes one change"
    faults.clear()  # the cut stream of the killed server


HOSTILE = {
    "a\n" * 100_000: "too many lines",
    "a: &a [x]\nb: [*a, *a]\n": "an anchor, &a",
    "a: \u0007\n": "control character",
}


def test_hostile_texts_are_refused_in_words(world: ConsoleWorld, open_as: Open, expected: set[int]) -> None:
    expected.add(422)
    page = open_as(world, EDIT)
    for text, words in HOSTILE.items():
        page.locator("#policy-text").evaluate(
            "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); }", text
        )
        page.get_by_role("button", name="Check").click()
        expect(page.locator("main").get_by_text(words).first).to_be_visible()
    page.locator("[data-file]").set_input_files(
        {"name": "old.yaml", "mimeType": "text/yaml", "buffer": "naïve: 1".encode("latin-1")}
    )
    expect(page.locator("#policy-form [data-problem]")).to_contain_text("old.yaml is not text in UTF-8")


def test_impact_and_shadow_are_shown_while_they_run(new_console: Any, open_as: Open) -> None:
    policies = InMemoryPolicies([record_of(LIVE.canonical.encode())], steady(LIVE, {"harsh": 0.75}))
    policies.wait_seconds = 0.02
    page = open_as(world := new_console(policies=policies), EDIT)
    replace_text(page, '"suppress_at":0.5', '"suppress_at":0.8')
    page.get_by_role("button", name="Show the impact").click()
    page.locator("#impact progress").wait_for()
    expect(page.locator("#impact")).to_contain_text("no longer suppressed")
    page.get_by_role("button", name="Try in the shadow").click()
    page.locator("#shadow textarea").fill("one evening")
    page.get_by_role("button", name="Try it in the shadow").click()
    page.wait_for_url("**/console/policy/shadow")
    expect(page.get_by_role("heading", name="They differ on 1 hashtag now")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="End it now").click()
    expect(page.locator("#run-title")).to_contain_text("was stopped")
    assert world.policies.records == policies.records and len(policies.records) == 1


def test_pages_are_accessible_and_fit_a_phone(world: ConsoleWorld, open_as: Open) -> None:
    page = open_as(world, "/console/policy", viewport={"width": 390, "height": 844})
    expect(page.locator("#thresholds")).to_contain_text("no evidence of the last day")
    assert_accessible(page)
    for path in ("/console/policy", f"/console/policy/revisions/{world.policies.records[0].revision}", EDIT):
        page.goto(world.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    replace_text(page, "suppress_at: 0.55", "suppress_at: oops")
    page.get_by_role("button", name="Check").click()
    page.locator(".fault").wait_for()
    assert_accessible(page)
    replace_text(page, "suppress_at: oops", "suppress_at: 0.6")
    page.get_by_role("button", name="Put live").click()
    page.locator("#propose[open]").wait_for()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
