"""Hostile hashtags, reasons and names are shown as text on every page, and no page loses its layout."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.console_hostile import HOSTILE, faults_of_texts, hostile_decisions, write_everywhere
from tests.support.in_memory_policies import SHIPPED, InMemoryPolicies, record_of

PAGES = ("/console/queue", "/console/held", "/console/stop?country=IN", "/console/appeals",
         "/console/hashtags/written", "/console/hashtags/markup", "/console/policy", "/console/people",
         "/console/transparency", "/console/hashtags/" + "y" * 200)  # fmt: skip


@pytest.mark.parametrize(("person", "width"), [("markup", 1280), ("long", 390)])
def test_hostile_texts_stay_texts_on_every_page(new_console: Any, open_as: Any, person: str, width: int) -> None:
    policies = InMemoryPolicies()
    policies.records.append(record_of(
        SHIPPED.replace(b"serial: 1 ", b"serial: 2 "), actor=HOSTILE[person], reason=HOSTILE["markup"], via="topic"
    ))  # fmt: skip
    world = new_console(*hostile_decisions(), policies=policies)
    cases = world.run(write_everywhere)
    page = open_as(world, "/console/closed", HOSTILE[person], viewport={"width": width, "height": 844})
    for path in (*PAGES, *(f"/console/cases/{one}" for one in cases.values())):
        page.goto(world.url + path)
        expect(page.locator("main")).to_be_visible()
        assert faults_of_texts(page) == [], path
    page.goto(world.url + "/console/queue")
    for text in HOSTILE.values():
        expect(page.locator("[data-open]").get_by_text(f"#{text}", exact=True).first).to_be_visible()
    page.goto(f"{world.url}/console/cases/{cases['markup']}")
    expect(page.locator("h1")).to_have_text("#" + HOSTILE["markup"])
    expect(page.locator(".history")).to_contain_text(HOSTILE["markup"])


def test_typed_markup_is_text_in_toasts_refusals_and_history(
    new_console: Any, open_as: Any, expected: set[int]
) -> None:
    world = new_console(*hostile_decisions())
    cases = world.run(write_everywhere)
    page = open_as(world, f"/console/cases/{cases['long']}")
    expected.add(409)
    page.keyboard.press("u" if page.locator('[data-opens="decide-hide"]').count() else "n")
    form = page.locator("dialog[open] form")
    form.locator("textarea").fill(HOSTILE["reversing"] + HOSTILE["markup"] + HOSTILE["long"])
    page.locator("dialog[open] [value='7d']").check()
    page.keyboard.press("Control+Enter")
    expect(form.locator("[data-problem]")).to_contain_text(HOSTILE["markup"])
    assert faults_of_texts(page) == []
