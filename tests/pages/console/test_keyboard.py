"""Twenty cases in a row by keyboard alone, under a Latin and a Hindi layout, with every keystroke counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from streams.constants import HOUR_MS
from tests.support.console_keys import Keyboard, Layout
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import add_texts, case_decision

CASES = 20
MOST_KEYS = 8
"""Keys of a routine case, from the open case to the next one."""
TAGS = ("routine", "घरवापसी", "ارحلوا", "🔥आग", "x" * 60)


def world_of(new_console: Any) -> tuple[ConsoleWorld, list[str]]:
    """Start a console with twenty held hashtags of several scripts; return them in the order of work."""
    tags = [f"{TAGS[number % len(TAGS)]}{number}" for number in range(CASES)]
    decisions = [
        case_decision(tag, "hold", number=number + 1, lasts_ms=(number + 2) * HOUR_MS)
        for number, tag in enumerate(tags)
    ]
    world: ConsoleWorld = new_console(*decisions)
    add_texts(world.services, decisions)
    return world, tags


def at_case(page: Page, tag: str) -> None:
    """Wait until the case of a hashtag is open and its scripts listen."""
    expect(page.locator("h1")).to_have_text(f"#{tag}")
    page.locator('[data-live="live"]').wait_for()


def answer(keys: Keyboard, page: Page, first: str, verdict: str) -> int:
    """Read, answer first, decide and go on; return the number of keys."""
    before = keys.pressed
    keys.press("m")
    keys.press(first)
    page.locator("#machine-title").wait_for()
    keys.press(verdict, "1", "w", "Control+Enter")
    return keys.pressed - before


@pytest.mark.parametrize("layout", [pytest.param("latin", marks=pytest.mark.long), "hindi"])
def test_twenty_cases_by_keyboard_alone(new_console: Any, open_as: Any, layout: Layout) -> None:
    world, tags = world_of(new_console)
    page = open_as(world, "/console/closed")
    keys = Keyboard(page, layout)
    keys.watch()
    page.goto(world.url + "/console/queue")
    page.locator('[data-live="live"]').wait_for()
    keys.press("Enter")
    counts: dict[str, set[int]] = {"u": set(), "o": set()}
    for number, tag in enumerate(tags):
        at_case(page, tag)
        if number == 7:
            skip_for_language(keys, page)
        elif number == 13:
            hand_over(keys, page)
        else:
            verdict = "uo"[number % 2]
            counts[verdict].add(answer(keys, page, str(number % 3 + 1), verdict))
    page.wait_for_url("**/console/queue")
    written = [json.loads(one.value) for one in world.log.records]
    decided = [one for one in written if one["kind"] == "case_decision"]
    assert counts["u"] == counts["o"] and max(counts["u"]) <= MOST_KEYS
    assert [one["verdict"] for one in decided] == [
        ("hide", "show")[number % 2] for number in range(CASES) if number not in (7, 13)
    ]
    assert len({one["case"] for one in decided}) == CASES - 2
    assert not page.evaluate("pointerUsed")


def skip_for_language(keys: Keyboard, page: Page) -> None:
    """Skip a case because of its language."""
    keys.press("s", "l")
    expect(page.locator("#skip :checked")).to_have_value("language")
    keys.press("Control+Enter")


def hand_over(keys: Keyboard, page: Page) -> None:
    """Claim a case, mark a tweet, note, hand the case over, and go on."""
    keys.press("c")
    expect(page.locator("#case-people")).to_contain_text("You have claimed it")
    keys.press("j", "w")
    expect(page.locator('[data-mark="counter_speech"]').first).to_have_attribute("aria-pressed", "true")
    keys.press("n")
    keys.type("देखें")
    keys.press("Control+Enter")
    expect(page.locator(".history")).to_contain_text("देखें")
    keys.press("e")
    keys.type("hindi")
    keys.press("Tab")
    keys.type("please read")
    keys.press("Control+Enter")
    expect(page.locator(".history")).to_contain_text("please read")
    keys.press("Escape")
    page.wait_for_url("**/console/queue")
    page.locator('[data-live="live"]').wait_for()
    keys.press("Enter")
