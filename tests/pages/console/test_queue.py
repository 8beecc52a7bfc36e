"""The queue in a browser: live rows, keys, bulk decisions, the finder, and an ended session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation.access.services import Services
from moderation.console import queue_board, stream
from streams.clock import now_ms
from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import waiting

LIVE = '[data-live="live"]'


def opened_queue(open_as: Callable[..., Page], world: ConsoleWorld, **options: Any) -> Page:
    page: Page = open_as(world, "/console/queue", **options)
    page.wait_for_selector(LIVE)
    return page


def decide(world: ConsoleWorld, *decisions: Any) -> None:
    async def apply(services: Services) -> None:
        for one in decisions:
            services.reviews.automated.apply(one)

    world.run(apply)


def first_answers(world: ConsoleWorld, person: str, *tags: str) -> list[str]:
    async def answer(services: Services) -> list[str]:
        return [(await services.cases.answer(tag, "hide", actor=person, reason="first answer")).id for tag in tags]

    found: list[str] = world.run(answer)
    return found


def tags_of(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("[data-list=queue] [data-open]").all_text_contents()]


def test_claim_stays_in_one_line_with_a_wide_font(new_console: Any, open_as: Any) -> None:
    page = opened_queue(open_as, new_console(waiting("slow")), viewport={"width": 1440, "height": 900})
    page.evaluate("document.body.style.letterSpacing = '0.05em'")  # any fonts the machine has
    button = page.locator("[data-claim]")
    assert button.evaluate("button => button.scrollWidth <= button.clientWidth && button.clientHeight < 34")


def test_new_cases_wait_behind_a_button_and_focus_stays(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("slow", minutes=300), waiting("mid", minutes=60))
    page = opened_queue(open_as, world)
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.locator(":focus")
    expect(focused).to_have_text("#slow")
    place = focused.bounding_box()
    decide(world, waiting("first", minutes=5), waiting("last", "review"))
    expect(page.locator("[data-show-new]")).to_contain_text("Show 2 new")
    expect(page.locator(".count").first).to_have_text("4")
    assert tags_of(page) == ["#mid", "#slow"]
    assert page.locator(":focus").bounding_box() == place
    page.keyboard.press("r")
    assert tags_of(page) == ["#first", "#mid", "#slow", "#last"]
    expect(page.locator(":focus")).to_have_text("#slow")
    expect(page.locator("[data-show-new]")).to_be_hidden()


def test_row_changes_in_place_and_decided_one_turns_grey(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("one"), waiting("two", minutes=200))
    page = opened_queue(open_as, world)
    page.keyboard.press("k")
    row = page.locator("[data-row]").first
    world.run(lambda services: services.cases.claim("one", actor="zoe"))
    expect(row.locator(".claimant")).to_have_text("claimed by zoe")
    expect(page.locator(":focus")).to_have_text("#one")
    first_answers(world, "zoe", "one")
    world.run(lambda services: services.cases.decide("one", "show", actor="zoe", reason="news"))
    expect(row.locator(".who")).to_have_text("shown again by zoe")
    expect(page.locator("[data-text=queue-total]")).to_have_text("1 waits")
    expect(page.locator(":focus")).to_have_text("#one")
    page.keyboard.press("t")
    assert tags_of(page) == ["#two"]
    expect(page.locator(":focus")).to_have_text("#two")


def test_claim_and_viewers_show_to_others(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("one"))
    page = opened_queue(open_as, world)
    page.keyboard.press("c")
    expect(page.locator(".claimant")).to_have_text("claimed by asha")

    async def look(services: Services) -> None:
        services.presence.beat((await services.cases.log.find("one")).id, "zoe", now_ms())

    world.run(look)
    expect(page.locator(".viewers")).to_have_text("open: zoe")
    other = opened_queue(open_as, world, person="ravi")
    expect(other.locator(".claimant")).to_have_text("claimed by asha")


def test_bulk_decides_opened_cases_and_undoes_them(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("one", tweets=100), waiting("two", minutes=200), waiting("three", minutes=300))
    cases = first_answers(world, "asha", "one", "two")
    page = opened_queue(open_as, world)
    page.keyboard.press("x")
    expect(page.locator(".toast")).to_contain_text("Open it first")
    expect(page.locator("[data-bulk-bar]")).to_be_hidden()
    page.evaluate(
        "(ids) => localStorage.setItem('opened cases', JSON.stringify(Object.fromEntries(ids)))",
        [[case, now_ms()] for case in cases],
    )
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-bulk-count]")).to_have_text("2 selected")
    page.keyboard.press("u")
    expect(page.locator("#bulk")).to_contain_text("1,000 tweets")
    world.run(lambda services: services.cases.claim("two", actor="zoe"))
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("w")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-row]").first.locator(".who")).to_have_text("kept hidden by asha")
    expect(page.locator("[data-bulk-count]")).to_have_text("1 selected")
    expect(page.locator("[data-bulk-refusals]")).to_contain_text("#two: ")
    expect(page.locator("[data-bulk-refusals]")).to_contain_text("zoe")
    page.keyboard.press("z")
    page.locator("#bulk-undo").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-text=queue-total]")).to_have_text("3 wait")
    expect(page.locator("[data-row].gone")).to_have_count(0)


def test_look_alikes_are_selected_together_without_opening(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("hate"), waiting("h4te", minutes=200), waiting("other", minutes=300))
    page = opened_queue(open_as, world)
    boxes = page.locator("[data-pick]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    boxes.nth(2).click()
    expect(page.locator("[data-bulk-count]")).to_have_text("2 selected")
    page.keyboard.press("o")
    expect(page.locator("#bulk")).to_contain_text("your first answer is due")


def test_finder_opens_cases_and_unknown_hashtags_by_keyboard(new_console: Any, open_as: Any, expected: Any) -> None:
    world = new_console(waiting("घरवापसी"), waiting("gharwapsi"))
    page = opened_queue(open_as, world)
    page.keyboard.press("Control+k")
    page.keyboard.type("ghar")
    expect(page.locator("[role=option]")).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("ArrowDown")
    expected.update((404,))
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/cases/case-*")
    page.goto(world.url + "/console/queue")
    page.keyboard.press("Control+k")
    page.keyboard.type("#Never_Seen")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/hashtags/never_seen")


def test_ended_session_shows_and_what_is_typed_stays(
    new_console: Any, open_as: Any, people: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "RECHECK_SECONDS", 0.0)
    expected.add(401)
    world = new_console(waiting("one"))
    page = opened_queue(open_as, world)
    page.locator("[type=search]").fill("typed")
    people.sessions.end(people.of["asha"])
    decide(world, waiting("two"))
    expect(page.locator("[data-banner]")).to_contain_text("Your session has ended")
    assert page.locator("[type=search]").input_value() == "typed"


def test_queue_is_accessible_and_fits_a_phone(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("a" * 200), waiting("घरवापसी"), waiting("ارحلوا"), waiting("🔥", "review"))
    page = opened_queue(open_as, world, viewport={"width": 390, "height": 844})
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert Axe().run(page).response["violations"] == []


def test_second_press_of_a_verdict_leaves_the_open_dialog_alone(new_console: Any, open_as: Any) -> None:
    world = new_console(waiting("one"), waiting("0ne"))
    first_answers(world, "asha", "one", "0ne")
    page = opened_queue(open_as, world)
    page.locator("[data-pick]").first.check()
    asked = []
    page.on("request", lambda one: asked.append(one.url) if "/bulk?" in one.url else None)
    page.evaluate("document.querySelectorAll('[data-bulk]').forEach((one) => one.click())")
    expect(page.locator("#bulk h2")).to_have_text("Hide 1 case")
    assert len(asked) == 1


def test_refused_claim_says_what_to_do_in_words_of_the_page(new_console: Any, open_as: Any, expected: set[int]) -> None:
    world = new_console(waiting("one"))
    page = opened_queue(open_as, world)
    world.run(lambda services: services.cases.claim("one", actor="zoe"))
    expected.add(409)
    page.locator("[data-claim]").click()
    words = "#one: zoe holds the claim. Look at what it is now, then decide again."
    expect(page.locator(".toast")).to_have_text(words)


def test_part_that_cannot_be_read_says_what_to_do(
    new_console: Any, open_as: Any, expected: set[int], faults: list[str]
) -> None:
    world = new_console(waiting("one"))
    [case] = [one.id for one in world.run(lambda services: services.cases.log.refresh()).values()]
    page = open_as(world, f"/console/cases/{case}")
    page.route("**/part", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    expected.add(502)
    page.evaluate(f"htmx.ajax('GET', '/console/cases/{case}/part', {{target: '#case-rest'}})")
    expect(page.locator(".toast")).to_have_text("The server does not answer. Wait a moment, then try again.")
    faults.clear()  # htmx writes the status to the console


def test_row_that_is_gone_since_a_long_sleep_turns_grey(
    new_console: Any, open_as: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_board, "GONE_MS", -1)  # the server has forgotten what became of it
    world = new_console(*(waiting(f"tag{n}", minutes=60 + n) for n in range(stream.MARGIN_ROWS + 5)))
    first_answers(world, "zoe", "tag0", "tag1")
    page = open_as(world, "/console/closed")
    page.clock.install()
    page.goto(f"{world.url}/console/queue?rows=2")
    page.wait_for_selector(LIVE)
    world.run(lambda services: services.cases.decide("tag0", "show", actor="zoe", reason="news"))
    expect(page.locator("[data-text=queue-total]")).to_have_text(f"{stream.MARGIN_ROWS + 4} wait")
    expect(page.locator("[data-gone]")).to_have_count(0)
    page.clock.fast_forward("20:00")
    world.run(lambda services: services.cases.decide("tag1", "show", actor="zoe", reason="news"))
    expect(page.locator("[data-gone]")).to_have_count(2)
    expect(page.locator("[data-gone] .who").first).to_have_text("no longer among the first rows")
