"""Two people in one browser: the second sees nothing that was for the first."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from moderation.access.services import Services
from tests.support.live_decisions import waiting


def test_stream_of_the_first_person_is_not_that_of_the_second(new_console: Any, open_as: Any, people: Any) -> None:
    world = new_console(waiting("looked", "suppress"), share=1.0)

    async def arrange(services: Services) -> None:
        await services.cases.claim("looked", actor="ben")
        services.reviews.automated.apply(waiting("looked", country="DE", number=2))

    world.run(arrange)
    first: Page = open_as(world, "/console/queue", "asha")
    expect(first.locator("[data-live=live]")).to_be_visible()
    expect(first.locator("[data-row]")).to_contain_text("900 tweets")
    name, value = people.cookie("ben")
    first.context.add_cookies([{"name": name, "value": value, "url": world.url}])
    second = first.context.new_page()
    second.goto(f"{world.url}/console/queue")
    expect(second.locator("[data-live=live]")).to_be_visible()
    second.wait_for_timeout(700)
    expect(second.locator("[data-row]")).not_to_contain_text("900 tweets")


def test_draft_of_the_first_person_is_not_in_the_forms_of_the_second(
    new_console: Any, open_as: Any, people: Any
) -> None:
    world = new_console()
    page: Page = open_as(world, "/console/stop?country=IN", "asha")
    form = 'form[data-draft="pause"] [name=reason]'
    page.locator(form).evaluate(
        "field => { field.value = 'mine'; field.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    page.reload()
    assert page.locator(form).input_value() == "mine"
    name, value = people.cookie("ben")
    page.context.add_cookies([{"name": name, "value": value, "url": world.url}])
    page.reload()
    assert page.locator(form).input_value() != "mine"
