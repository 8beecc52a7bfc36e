"""Ended sessions and killed servers: what is typed stays, and exactly one decision is in the log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.console_world import ConsoleWorld
from tests.support.live_decisions import add_texts, case_decision

WORDS = "typed for a quarter of an hour: “घर” <b>"


def reasons(world: ConsoleWorld, *kinds: str) -> list[str]:
    """Return the reasons of people's records of some kinds in the log."""
    written = [json.loads(one.value) for one in world.log.records]
    return [one["reason"] for one in written if one["kind"] in kinds]


def open_answered_case(new_console: Any, open_as: Any) -> tuple[ConsoleWorld, Page]:
    """Open the case of a held hashtag whose first answer is given."""
    held = case_decision("one")
    world: ConsoleWorld = new_console(held)
    add_texts(world.services, [held])
    world.run(lambda services: services.cases.answer("one", "hide", actor="asha", reason="first answer"))
    found = world.run(lambda services: services.cases.log.find("one"))
    return world, open_as(world, f"/console/cases/{found.id}")


def test_answer_lost_with_the_server_makes_no_second_decision(
    new_console: Any, open_as: Any, expected: set[int], faults: list[str]
) -> None:
    world, page = open_answered_case(new_console, open_as)
    page.keyboard.press("u")
    page.locator("#decide-hide textarea").fill(WORDS)
    page.locator("#decide-hide [value='7d']").check()
    answers: list[int] = []

    def lose(route: Route) -> None:
        answer = route.fetch(headers=route.request.headers | {"origin": world.url, "sec-fetch-site": "same-origin"})
        answers.append(answer.status)
        if len(answers) > 1:
            return route.fulfill(response=answer)
        world.stop()
        return route.abort()

    page.route("**/decision", lose)
    expected |= {409, 503}
    page.keyboard.press("Control+Enter")
    problem = page.locator("#decide-hide [data-problem]")
    expect(problem).to_contain_text("It is not known whether this was recorded", timeout=30_000)
    expect(page.locator("#decide-hide textarea")).to_have_value(WORDS)
    assert reasons(world, "case_decision") == [WORDS], "it was recorded, and the answer was lost"
    world.start()
    page.keyboard.press("Control+Enter")
    expect(problem).to_contain_text("asha", timeout=30_000)
    assert answers == [201, 409]
    expect(page.locator("#decide-hide textarea")).to_have_value(WORDS)
    page.reload()
    expect(page.locator(".answer")).to_contain_text("Decided")
    expect(page.locator(".answer")).to_contain_text(WORDS)
    assert reasons(world, "case_decision") == [WORDS]
    faults.clear()  # the cut stream of the killed server


def test_note_survives_a_killed_server_and_a_reload(
    new_console: Any, open_as: Any, expected: set[int], faults: list[str]
) -> None:
    world, page = open_answered_case(new_console, open_as)
    page.keyboard.press("n")
    page.locator("#note textarea").fill(WORDS)
    world.stop()
    expected.add(503)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#note [data-problem]")).to_contain_text("The server does not answer")
    world.start()
    page.reload()
    page.keyboard.press("n")
    expect(page.locator("#note textarea")).to_have_value(WORDS)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".history")).to_contain_text(WORDS)
    page.keyboard.press("n")
    expect(page.locator("#note textarea")).to_have_value("")
    assert reasons(world, "case_note") == [WORDS]
    faults.clear()  # the cut stream of the killed server


@pytest.mark.parametrize(
    ("path", "key", "form"),
    [
        ("/console/hashtags/tag", "b", "#decide-block form"),
        ("/console/stop?country=IN", "", 'form[data-draft="pause"]'),
    ],
)
def test_form_survives_an_ended_session_and_a_killed_server(
    new_console: Any, open_as: Any, people: Any, expected: set[int], faults: list[str], path: str, key: str, form: str
) -> None:
    world = new_console(case_decision("tag"))
    page = open_as(world, path)
    if key:
        page.keyboard.press(key)
        page.locator(form).get_by_label("Where").select_option("IN")
        page.locator(f"{form} [name='surfaces']").first.check()
    page.locator(f"{form} [name='lasts']").first.check()
    reason = page.locator(f"{form} [name='reason']")
    reason.fill(WORDS)
    expected |= {401, 403, 503}
    people.sessions.end(people.of["asha"])
    reason.press("Control+Enter")
    problem = page.locator(f"{form} [data-problem]")
    expect(problem).to_contain_text("Your session has ended")
    expect(problem.get_by_role("link", name="Log in again")).to_have_attribute("target", "_blank")
    world.stop()
    reason.press("Control+Enter")
    expect(problem).to_contain_text("The server does not answer")
    expect(reason).to_have_value(WORDS)
    world.start()
    name, value = people.cookie("asha")
    page.context.add_cookies([{"name": name, "value": value, "url": world.url}])
    reason.press("Control+Enter")
    page.locator(form).wait_for(state="hidden") if key else page.wait_for_url("**/console/stop")
    assert reasons(world, "override") == [WORDS]
    faults.clear()  # the cut stream of the killed server
