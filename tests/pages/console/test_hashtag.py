"""Pages of hashtags, of what is held, of the stop button and of appeals in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation.access.services import Services
from moderation.log.drafts import OverrideDraft
from streams.clock import now_ms
from streams.naming import tag_of
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import HOSTILE, held, many

HOUR_MS = 3_600_000


def decided(world: ConsoleWorld, tag: str, actor: str = "ravi", reason: str = "seen by ravi") -> None:
    """Let another person block a hashtag everywhere."""

    async def write(services: Services) -> None:
        draft = OverrideDraft(tag_of(tag), "block", "*", ("search", "trends"), actor, reason, now_ms() + HOUR_MS)
        await services.moderation.override([draft])

    world.run(write)


def appealed(world: ConsoleWorld, reason: str = "we report on it") -> str:
    """File an appeal against the first automated restriction."""

    async def file(services: Services) -> str:
        await services.reviews.refresh()
        reference = next(iter(services.reviews.automated.restrictions))
        return (await services.reviews.appeal(reference, actor="desk", reason=reason)).id

    found: str = world.run(file)
    return found


def kinds(world: ConsoleWorld) -> list[str]:
    """List what people's records in the log do, oldest first."""
    records = [json.loads(one.value) for one in world.log.records]
    return [one.get("action", one["kind"]) for one in records]


def violations(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in Axe().run(page).response["violations"]]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def fill_by_keyboard(page: Page, country: str) -> None:
    """Choose a country, both surfaces and the second duration, and take the first template of a reason."""
    page.keyboard.type(country)
    press(page, "Tab", "Space", "Tab", "Space", "Tab", "Space", "ArrowRight", "Tab", "Enter")


def test_block_and_undo_by_keyboard_alone(new_console: Any, open_as: Any) -> None:
    world = new_console()
    page = open_as(world, "/console/hashtags/tag")
    press(page, "b")
    fill_by_keyboard(page, "India")
    expect(page.locator("#decide-block [data-saying]")).to_have_text("Block in India on search and trends, 1 day")
    press(page, "Control+Enter", "Control+Enter")
    toast = page.locator(".toast").first
    expect(toast).to_contain_text(re.compile(r"recorded \d\d:\d\d:\d\d"))
    expect(page.locator("#hashtag")).to_contain_text("Block in India on search and trends by asha")
    press(page, "z")
    expect(page.locator("#undo-1")).to_be_visible()
    press(page, "Enter")
    press(page, "Control+Enter")
    expect(page.locator("#hashtag")).not_to_contain_text("People’s decisions in force")
    assert kinds(world) == ["block", "undo"]


def test_nothing_is_chosen_before_and_a_choice_is_needed(new_console: Any, open_as: Any) -> None:
    world = new_console()
    page = open_as(world, "/console/hashtags/tag")
    press(page, "h")
    dialog = page.locator("#decide-hold")
    expect(dialog.locator(":checked:not(option)")).to_have_count(0)
    dialog.get_by_label("Where").select_option("IN")
    dialog.get_by_label("7 days").check()
    dialog.get_by_label("Reason", exact=True).fill("x")
    press(page, "Control+Enter")
    assert dialog.get_by_label("search").evaluate("box => box.validationMessage") == "Choose a surface"
    press(page, "Escape")
    assert kinds(world) == []


def test_conflict_shows_who_changed_what_and_keeps_the_text(new_console: Any, open_as: Any, expected: set[int]) -> None:
    world = new_console()
    page = open_as(world, "/console/hashtags/tag")
    press(page, "a")
    fill_by_keyboard(page, "Every")
    page.keyboard.type(" and my words")
    decided(world, "tag", reason="<img src=x> ravi was first")
    expected.add(409)
    press(page, "Control+Enter")
    problem = page.locator("#decide-allow [data-problem]")
    expect(problem).to_contain_text("ravi: block. <img src=x> ravi was first")
    page.get_by_role("button", name="Load the new state; your text stays").click()
    expect(page.locator("#decide-allow [name=reason]")).to_have_value(re.compile("and my words"))
    expect(page.locator("#hashtag")).to_contain_text("Block everywhere on search and trends by ravi")
    page.locator("#decide-allow [data-saying]").click()
    expect(page.locator("#hashtag")).to_contain_text("Allow everywhere on search and trends by asha")
    assert kinds(world) == ["block", "allow"]


def test_look_alikes_get_the_decision_and_a_refused_one_stays(new_console: Any, open_as: Any) -> None:
    world = new_console(held("hate"), held("h4te", number=2), held("hâte", number=3))
    page = open_as(world, "/console/hashtags/hate")
    press(page, "b")
    dialog = page.locator("#decide-block")
    dialog.get_by_label("Where").select_option("IN")
    for label in ("search", "trends", "#h4te", "#hâte"):
        dialog.get_by_label(label).first.check()
    dialog.get_by_label("7 days").check()
    expect(dialog.locator("[data-saying]")).to_have_text(re.compile("Block in India on .*, 7 days, with 2 look-alikes"))
    dialog.locator("[data-fills]").first.click()

    async def other(services: Services) -> None:
        draft = OverrideDraft(tag_of("h4te"), "allow", "IN", ("search",), "ravi", "news", now_ms() + HOUR_MS)
        await services.moderation.override([draft])

    world.run(other)
    press(page, "Control+Enter")
    expect(dialog.locator("[data-problem]")).to_contain_text("2 recorded, 1 refused. The refused ones stay checked.")
    expect(dialog.locator("[data-problem]")).to_contain_text("#h4te")
    expect(dialog.locator("[data-relative]:checked:not(:disabled)")).to_have_count(1)
    assert kinds(world) == ["allow", "block", "block"]
    press(page, "Escape")
    expect(page.locator("#hashtag")).to_contain_text("Block in India on search and trends by asha")


def test_stop_button_is_pressed_seen_elsewhere_and_released(new_console: Any, open_as: Any) -> None:
    world = new_console(*many(12))
    elsewhere = open_as(world, "/console/held", "ravi")
    expect(elsewhere.locator(".paused")).to_be_hidden()
    page = open_as(world, "/console/stop")
    page.get_by_label("Pause where").select_option("IN")
    expect(page.locator("#released")).to_contain_text("It would lift")
    page.get_by_label("6 hours").check()
    page.get_by_role("button", name="Wrong flags").click()
    expect(page.locator("[data-saying]")).to_have_text("Pause in India on search and trends, 6 hours")
    press(page, "Control+Enter")
    expect(page.locator(".pressed .big")).to_have_text(re.compile(r"resumes in 5:59:\d\d"))
    expect(elsewhere.locator(".paused")).to_contain_text("Automation is paused in India on search and trends")
    expect(elsewhere.locator(".paused time")).to_have_text(re.compile(r"in 5:59:\d\d"))
    page.get_by_role("button", name="Release").click()
    page.get_by_role("button", name="Corrected").click()
    press(page, "Control+Enter")
    expect(page.locator(".pressed")).to_have_count(0)
    expect(elsewhere.locator(".paused")).to_be_hidden()
    assert kinds(world) == ["allow", "undo"]


def test_appeal_is_reversed_by_keyboard_alone(new_console: Any, open_as: Any) -> None:
    world = new_console(held("rumour"))
    one = appealed(world)
    page = open_as(world, "/console/appeals")
    press(page, "j", "Enter")
    page.wait_for_url(f"**/console/appeals/{one}")
    press(page, "o")
    expect(page.locator("#outcome-overturn")).to_contain_text("Shows it again in India on search and trends for 7 days")
    press(page, "Enter")
    press(page, "Control+Enter")
    expect(page.locator(".notice").first).to_contain_text("Reversed by asha")
    assert kinds(world) == ["appeal", "appeal_outcome", "allow"]
    press(page, "Escape")
    page.wait_for_url("**/console/appeals")


def test_pages_and_dialogs_pass_axe(new_console: Any, open_as: Any) -> None:
    world = new_console(held("rumour"), held("rum0ur", "hold", number=2), *many(5))
    one = appealed(world)
    decided(world, "rumour")
    page = open_as(world, "/console/held")
    for path, key in (
        ("", ""), ("/console/stop?country=IN", ""), ("/console/hashtags/rumour", "b"), (f"/console/appeals/{one}", "u")
    ):  # fmt: skip
        if path:
            page.goto(world.url + path)
        if key:
            press(page, key)
            expect(page.locator("dialog[open]")).to_be_visible()
        assert violations(page) == [], path


def test_pages_fit_a_phone(new_console: Any, open_as: Callable[..., Page]) -> None:
    decisions = [held(f"t{number}", display=display, number=number + 1) for number, display in enumerate(HOSTILE)]
    world = new_console(*decisions, held("y" * 200, number=9))
    one = appealed(world, "z" * 900)
    decided(world, "t0", "a" * 150, "b" * 900)
    page = open_as(world, "/console/held", viewport={"width": 390, "height": 844})
    for path in ("/console/held", "/console/stop?country=IN", "/console/hashtags/t0", "/console/hashtags/" + "y" * 200,
                 "/console/appeals", f"/console/appeals/{one}"):  # fmt: skip
        page.goto(world.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
