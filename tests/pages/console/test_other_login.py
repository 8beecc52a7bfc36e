"""A browser in which another person has logged in: nothing is recorded under the wrong name."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from tests.support.live_decisions import add_texts, case_decision


def test_form_is_not_sent_under_the_name_of_another_login(
    new_console: Any, open_as: Any, people: Any, expected: set[int]
) -> None:
    world = new_console(held := case_decision("one"))
    add_texts(world.services, [held])
    world.run(lambda services: services.cases.answer("one", "hide", actor="asha", reason="first answer"))
    page = open_as(world, f"/console/cases/{world.run(lambda services: services.cases.log.find('one')).id}")
    page.keyboard.press("n")
    page.locator("#note textarea").fill("asha's words")
    name, value = people.cookie("zoe")
    page.context.add_cookies([{"name": name, "value": value, "url": world.url}])
    expected.add(403)
    page.keyboard.press("Control+Enter")
    problem = page.locator("#note [data-problem]")
    expect(problem).to_contain_text("Another person has logged in")
    expect(problem).to_contain_text("You are logged in as zoe now, and this page is asha's. Nothing was sent.")
    expect(page.locator("#note textarea")).to_have_value("asha's words")
    assert not [one for one in world.log.records if json.loads(one.value)["kind"] == "case_note"]
    name, value = people.cookie("asha")
    page.context.add_cookies([{"name": name, "value": value, "url": world.url}])
    page.keyboard.press("Control+Enter")
    expect(page.locator(".history")).to_contain_text("asha's words")


def test_ctrl_enter_with_a_missing_field_keeps_a_later_click_on_the_page(new_console: Any, open_as: Any) -> None:
    world = new_console(held := case_decision("one"))
    add_texts(world.services, [held])
    world.run(lambda services: services.cases.answer("one", "hide", actor="asha", reason="first answer"))
    page = open_as(world, f"/console/cases/{world.run(lambda services: services.cases.log.find('one')).id}")
    page.keyboard.press("u")
    page.keyboard.press("Control+Enter")
    page.locator("#decide-hide textarea").fill("slurs")
    page.locator("#decide-hide [value='7d']").check()
    page.locator("#decide-hide [data-submit]").click()
    expect(page.locator(".answer")).to_contain_text("Decided")
    assert "/cases/" in page.url
