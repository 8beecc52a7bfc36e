"""Two moderators, each in a browser, on one case: both see who changed what, and neither loses a word."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import add_texts, case_decision

MINE = "<i>my own words</i>, typed for a while"


def two_at_one_case(new_console: Any, open_as: Any) -> tuple[ConsoleWorld, Page, Page]:
    """Open one case as asha and as zoe, who have both answered first."""
    world: ConsoleWorld = new_console(held := case_decision("one", action="review"))
    add_texts(world.services, [held])
    for person in ("asha", "zoe"):
        world.run(lambda services, who=person: services.cases.answer("one", "unsure", actor=who, reason="first"))
    path = f"/console/cases/{world.run(lambda services: services.cases.log.find('one')).id}"
    return world, open_as(world, path, "asha"), open_as(world, path, "zoe")


def kinds(world: ConsoleWorld) -> list[tuple[str, str]]:
    """Return the decisions on cases in the log as (person, verdict)."""
    written = [json.loads(one.value) for one in world.log.records]
    return [(one["actor"], one["verdict"]) for one in written if one["kind"] == "case_decision"]


def write(page: Page, key: str, reason: str) -> None:
    """Open the form of an answer by its key, and fill it."""
    page.keyboard.press(key)
    page.locator("dialog[open] textarea").fill(reason)
    page.locator("dialog[open] [value='7d']").check()


def test_second_moderator_reads_in_place_who_decided(new_console: Any, open_as: Any, expected: set[int]) -> None:
    world, asha, zoe = two_at_one_case(new_console, open_as)
    write(asha, "u", MINE)
    write(zoe, "o", "it is <b>news</b>")
    zoe.keyboard.press("Control+Enter")
    zoe.wait_for_url("**/console/queue")
    expected.add(409)
    asha.keyboard.press("Control+Enter")
    problem = asha.locator("#decide-hide [data-problem]")
    expect(problem).to_contain_text("zoe")
    expect(problem).to_contain_text("it is <b>news</b>")
    expect(asha.locator("#decide-hide textarea")).to_have_value(MINE)
    expect(asha.locator("#decide-hide [value='7d']")).to_be_checked()
    assert kinds(world) == [("zoe", "show")]
    asha.reload()
    expect(asha.locator(".history")).to_contain_text("it is <b>news</b>")
    assert kinds(world) == [("zoe", "show")]


def test_claim_of_another_refuses_and_the_words_go_through_later(
    new_console: Any, open_as: Any, expected: set[int]
) -> None:
    world, asha, zoe = two_at_one_case(new_console, open_as)
    write(asha, "o", MINE)
    zoe.keyboard.press("c")
    expect(zoe.locator("#case-people")).to_contain_text("You have claimed it")
    expected.add(409)
    asha.keyboard.press("Control+Enter")
    expect(asha.locator("#decide-show [data-problem]")).to_contain_text("zoe")
    expect(asha.locator("#decide-show textarea")).to_have_value(MINE)
    zoe.keyboard.press("s")
    zoe.locator("#skip").wait_for()
    zoe.keyboard.press("c")
    zoe.keyboard.press("Control+Enter")
    zoe.wait_for_url("**/console/queue")
    asha.get_by_role("button", name="Load the new state").press("Enter")
    expect(asha.locator("#decide-show [data-problem]")).to_be_hidden()  # the new form, not the refused one
    expect(asha.locator("#decide-show textarea")).to_have_value(MINE)
    asha.keyboard.press("Control+Enter")
    asha.wait_for_url("**/console/queue")
    assert kinds(world) == [("asha", "show")]


def test_open_page_says_what_another_has_changed(new_console: Any, open_as: Any) -> None:
    world, asha, zoe = two_at_one_case(new_console, open_as)
    asha.clock.install()
    asha.reload()
    write(asha, "u", MINE)
    write(zoe, "o", "seen <before>")
    zoe.locator("#decide-show summary").click()
    zoe.locator("#decide-show [name='surfaces'][value='trends']").check()
    zoe.locator("#decide-show [data-submit]").click()
    expect(zoe.locator(".history")).to_contain_text("seen <before>")
    asha.clock.fast_forward(11_000)
    expect(asha.locator("#case-people")).to_contain_text("This case has changed: zoe")
    expect(asha.locator("#case-people")).to_contain_text("seen <before>")
    expect(asha.locator("#decide-hide textarea")).to_have_value(MINE)
    assert kinds(world) == [("zoe", "show")]
