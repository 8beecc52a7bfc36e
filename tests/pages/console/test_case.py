"""A case in a browser: by keyboard alone, masked until opened, blind, in conflict, and with a killed server."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from streams.log.decisions import Decision
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import HOSTILE_TAG, SECRET_WORDS, add_texts, case_decision

NUMBERS = re.compile(r"0\.618|61\.8|62\s?%|51\s?%|71\s?%|0\.51|0\.71|0\.33|suppress_at|\"scored\"")
KEYS = {"u": (85, "ग"), "w": (87, "ै"), "m": (77, "स"), "1": (49, "१"), "o": (79, "द"), "2": (50, "२")}
"""Virtual key codes, and what the keys type in a Hindi layout."""


def made(new_console: Any, *decisions: Decision, **options: Any) -> ConsoleWorld:
    world: ConsoleWorld = new_console(*decisions, **options)
    add_texts(world.services, decisions)
    return world


def case_path(world: ConsoleWorld, tag: str) -> str:
    return "/console/cases/" + str(world.run(lambda services: services.cases.log.find(tag)).id)


def press(page: Page, keys: Sequence[str], hindi: bool = False) -> int:
    """Press keys one after the other, and return how many."""
    for key in keys:
        if key == "1" and page.locator("[data-first]").count():
            with page.expect_response("**/part"):
                type_key(page, key, hindi)
            page.locator("#machine-title").wait_for()
        else:
            type_key(page, key, hindi)
    return len(keys)


def type_key(page: Page, key: str, hindi: bool) -> None:
    if not hindi or key not in KEYS:
        return page.keyboard.press(key)
    code, typed = KEYS[key]
    name = f"Digit{key}" if key.isdigit() else f"Key{key.upper()}"
    session = page.context.new_cdp_session(page)
    for kind in ("keyDown", "keyUp"):
        session.send(
            "Input.dispatchKeyEvent", {"type": kind, "key": typed, "code": name, "windowsVirtualKeyCode": code}
        )
    return None


def answered(world: ConsoleWorld, tag: str, person: str = "asha") -> str:
    world.run(lambda services: services.cases.answer(tag, "unsure", actor=person, reason="first answer"))
    return case_path(world, tag)


def decisions_in(world: ConsoleWorld) -> list[Any]:
    return [one for one in map(json.loads, (r.value for r in world.log.records)) if one["kind"] == "case_decision"]


def kept_bodies(page: Page) -> list[str]:
    """Keep what the page gets from now on, apart from its static files and the stream."""
    bodies: list[str] = []

    def keep(route: Any) -> None:
        request = route.request
        if request.method != "GET" or "/static/" in request.url or "/stream" in request.url:
            return route.continue_()
        answer = route.fetch(max_redirects=0)
        bodies.append(answer.text())
        return route.fulfill(response=answer)

    def keep_written(response: Any) -> None:
        if response.request.method == "POST" and "/decision" not in response.url:  # that one leads to another page
            bodies.append(response.text())

    page.route("**/*", keep)
    page.on("response", keep_written)
    return bodies


@pytest.mark.parametrize(("key", "verdict", "hindi"), [("u", "hide", False), ("o", "show", True)])
def test_routine_case_takes_seven_keys_for_either_answer(
    new_console: Any, open_as: Any, key: str, verdict: str, hindi: bool
) -> None:
    world = made(new_console, case_decision("one"), case_decision("two", number=2, lasts_ms=7_200_000))
    page = open_as(world, "/console/queue")
    following = case_path(world, "two")
    page.keyboard.press("Enter")
    page.locator(".answer").wait_for()
    page.wait_for_load_state()
    count = 1 + press(page, ["m", "1", key, "1", "w", "Control+Enter"], hindi)
    page.wait_for_url("**" + following)
    expect(page.locator(".toast")).to_contain_text("#one recorded")
    [decided] = decisions_in(world)
    assert count == 7 and decided["verdict"] == verdict and decided["actor"] == "asha"
    press(page, ["z"])
    page.locator("#undo").wait_for()
    press(page, ["1", "Control+Enter"])
    expect(page.locator(".history")).to_contain_text("undid a decision")


def test_network_has_neither_text_nor_number_before_it_is_asked_for(new_console: Any, open_as: Any) -> None:
    world = made(new_console, case_decision("one"))
    page = open_as(world, "/console/closed")
    bodies = kept_bodies(page)
    page.goto(world.url + case_path(world, "one"))
    with page.expect_response("**/people?*"):
        page.locator("#sample").wait_for()
    assert bodies and not any(SECRET_WORDS in one or NUMBERS.search(one) for one in bodies)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("[data-place]").first).to_contain_text(SECRET_WORDS)
    assert sum(SECRET_WORDS in one for one in bodies) == 1 and f"{SECRET_WORDS} 101" not in "".join(bodies)
    assert not any(NUMBERS.search(one) for one in bodies)
    page.keyboard.press("w")
    expect(page.locator('[data-mark="counter_speech"]').first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    expect(page.locator("[data-place]").first).to_have_text("")


def test_conflict_shows_in_place_and_the_reason_stays(new_console: Any, open_as: Any, expected: set[int]) -> None:
    world = made(new_console, case_decision("one", action="review"))
    answered(world, "one", "zoe")
    page = open_as(world, answered(world, "one"))
    page.keyboard.press("u")
    page.locator("#decide-hide textarea").fill("my own words")
    page.locator("#decide-hide [value='7d']").check()
    world.run(lambda services: services.cases.decide("one", "show", actor="zoe", reason="news", surfaces=["trends"]))
    expected.add(409)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decide-hide [data-problem]")).to_contain_text("zoe")
    page.get_by_role("button", name="Load the new state").click()
    expect(page.locator("#decide-hide textarea")).to_have_value("my own words")
    expect(page.locator("#decide-hide [data-submit]")).to_have_text("Hide in India, 7 days")
    page.locator("#decide-hide [data-submit]").click()
    expect(page.locator(".answer")).to_contain_text("Decided")
    assert [one["actor"] for one in decisions_in(world)] == ["zoe", "asha"]


def test_killed_server_loses_nothing_and_double_enter_decides_once(
    new_console: Any, open_as: Any, expected: set[int]
) -> None:
    world = made(new_console, case_decision("one"))
    page = open_as(world, answered(world, "one"))
    page.locator('[data-live="live"]').wait_for()
    page.keyboard.press("o")
    page.locator("#decide-show textarea").fill("kept words")
    page.locator("#decide-show [value='1d']").check()
    world.stop()
    expected.add(503)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decide-show [data-problem]")).to_contain_text("The server does not answer")
    expect(page.locator("#decide-show textarea")).to_have_value("kept words")
    world.start()
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/console/queue")
    [decided] = decisions_in(world)
    assert decided["reason"] == "kept words"


def test_ended_session_keeps_what_is_typed(new_console: Any, open_as: Any, people: Any, expected: set[int]) -> None:
    world = made(new_console, case_decision("one"))
    page = open_as(world, answered(world, "one"))
    page.keyboard.press("u")
    page.locator("#decide-hide textarea").fill("kept words")
    page.locator("#decide-hide [value='30d']").check()
    expected.add(401)
    people.sessions.end(people.of["asha"])
    page.locator("#decide-hide [data-submit]").click()
    expect(page.locator("#decide-hide [data-problem]")).to_contain_text("Your session has ended")
    name, value = people.cookie("asha")
    page.context.add_cookies([{"name": name, "value": value, "url": world.url}])
    expected.add(403)
    page.locator("#decide-hide [data-submit]").click()
    expect(page.locator(".answer")).to_contain_text("Decided")
    [decided] = decisions_in(world)
    assert decided["reason"] == "kept words"


def test_skip_leads_on_under_the_filters_of_the_queue(new_console: Any, open_as: Any) -> None:
    asked = (case_decision("one", "review", tweets=950), case_decision("two", "review", number=2))
    world = made(new_console, *asked, case_decision("held", number=3))
    page = open_as(world, "/console/queue?why=review")
    first, second = case_path(world, "one"), case_path(world, "two")
    page.keyboard.press("Enter")
    page.wait_for_url("**" + first)
    page.wait_for_load_state()
    page.keyboard.press("s")
    page.locator("#skip").wait_for()
    press(page, ["l", "Control+Enter"])
    page.wait_for_url(f"**{second}?why=review")
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    page.wait_for_url("**/console/queue?why=review")
    expect(page.locator("[data-open]")).to_have_text(["#two"])


def test_second_look_is_judged_blind_by_keyboard(new_console: Any, open_as: Any) -> None:
    world = made(new_console, case_decision("one", "suppress"), share=1.0)
    page = open_as(world, "/console/closed")
    bodies = kept_bodies(page)
    page.goto(world.url + case_path(world, "one"))
    page.keyboard.press("c")
    page.locator('[data-opens="decide-hide"]').wait_for()
    assert Axe().run(page).response["violations"] == []
    press(page, ["o", "1"])
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/console/queue")
    seen = "".join(bodies)
    assert not NUMBERS.search(seen) and "hidden everywhere" not in seen and "900 tweets" not in seen


def test_case_is_accessible_and_fits_a_phone(new_console: Any, open_as: Any) -> None:
    world = made(new_console, case_decision("one", display=HOSTILE_TAG), case_decision("x" * 200, number=2))
    page = open_as(world, case_path(world, "x" * 200), viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.goto(world.url + answered(world, "one"))
    page.keyboard.press("m")
    expect(page.locator("[data-place]").first).to_contain_text(SECRET_WORDS)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for key, name in (("s", "skip"), ("n", "note"), ("u", "decide-hide")):
        page.keyboard.press(key)
        page.locator(f"#{name}").wait_for()
        assert Axe().run(page).response["violations"] == []
        page.keyboard.press("Escape")
