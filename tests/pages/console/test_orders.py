"""Legal orders in a browser: intake, rulings, the second person, steps and conflicts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation.access.services import Services
from moderation.domain.orders.selection import Selection
from moderation.domain.publication import OrderPublishedAnswer
from moderation.http import order_details
from streams.orders.records import Target
from tests.support.console_world import ConsoleWorld
from tests.support.orders_console import JOURNALIST, all_states, mixed_targets, under_review

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}}
TOAST = ".toast span"


@pytest.fixture(autouse=True)
def quick_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish every change a second after it: these consoles have no Redis."""

    async def published(
        _: object, offset: int, *, recorded_ms: int, changes: bool, **more: float
    ) -> OrderPublishedAnswer:
        return OrderPublishedAnswer(
            recorded_ms=recorded_ms,
            on_surfaces_ms=recorded_ms + 1_000 if changes else None,
            published=changes or None,
            note="",
        )

    monkeypatch.setattr(order_details, "wait_order_published", published)


def fill_head(page: Page, **more: str) -> None:
    fields = {
        "authority": "Ministry of Examples", "legal_basis": "IT Act 2000, s. 69A", "reference": "EX/69A/8",
        "issued": "03/11/2026", "received": "2026-11-04", "deadline": "2999-01-01",
    } | more  # fmt: skip
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    page.select_option("[name=country]", "IN")


def ruling_of(world: ConsoleWorld, order: str, number: int) -> str:
    async def found(services: Services) -> str:
        await services.orders.refresh()
        legal_order = services.orders.get(order)
        outcome = legal_order.outcome(legal_order.rows[number - 1])
        return outcome.outcome if outcome else ""

    return str(world.run(found))


def records(world: ConsoleWorld) -> int:
    return len(world.log.records)


def axe_finds(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in Axe().run(page).response["violations"]]


def test_intake_checks_row_by_row_before_it_writes(new_console: Any, open_as: Open) -> None:
    world = new_console()
    page = open_as(world, "/console/orders/new")
    fill_head(page)
    page.fill("[name=text]", "5500000001\n@handle\n\n#ExampleTag\n<script>alert(1)</script>")
    page.locator("[name=text]").press("Control+Enter")
    expect(page.locator("[data-check-title]")).to_have_text("2 rows cannot be used")
    rows = page.locator("[data-fault-rows] tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("line 2@handlea handle, and no resolver is set")
    expect(rows.nth(1)).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("[data-found]")).to_contain_text("3 November 2026 (day first, as India writes dates)")
    assert records(world) == 0
    rows.nth(1).locator("button").click()
    assert page.evaluate("getSelection().toString()").startswith("<script")
    page.dblclick("[data-send]")  # a double submission makes one order
    title = page.locator("[data-check-title]")
    expect(title).to_contain_text("2 targets taken in; 2 rows left out, still in the field")
    assert page.input_value("[name=text]") == "@handle\n<script>alert(1)</script>"
    assert page.input_value("[name=reference]") == "EX/69A/8"
    assert world.run(lambda services: count_orders(services)) == (1, 2)
    page.fill("[name=text]", "5500000002")
    page.click("[data-send]")
    expect(page.locator("[data-send]")).to_contain_text("Take in 1 target")
    page.click("[data-send]")
    expect(page.locator("#targets-title")).to_be_visible()
    expect(page.locator(TOAST)).to_contain_text("1 target taken in; recorded ")


async def count_orders(services: Services) -> tuple[int, int]:
    orders = (await services.orders.refresh()).by_id
    return len(orders), sum(len(order.rows) for order in orders.values())


def test_form_survives_refusal_reload_and_killed_server(
    new_console: Any, open_as: Open, expected: set[int], faults: Any
) -> None:
    expected.add(422)
    world = new_console()
    page = open_as(world, "/console/orders/new")
    fill_head(page, issued="yesterday", deadline="soon")
    page.fill("[name=text]", "5500000001")
    page.click("[data-send]")
    problem = page.locator("main form [data-problem]")
    expect(problem).to_contain_text("issued: ")
    expect(problem).to_contain_text("deadline: ")
    page.reload()
    assert (page.input_value("[name=issued]"), page.input_value("[name=text]")) == ("yesterday", "5500000001")
    fill_head(page)
    page.click("[data-send]")
    expect(page.locator("[data-send]")).to_contain_text("Take in 1 target")
    world.stop()
    page.click("[data-send]")
    expect(problem).to_contain_text("It is not known whether this was recorded")
    world.start()
    page.click("[data-send]")
    page.wait_for_url("**/console/orders/IN-*")
    assert world.run(count_orders) == (1, 1)
    faults.clear()  # the browser reports the killed server


def test_file_is_read_into_the_field(new_console: Any, open_as: Open, tmp_path: Path) -> None:
    world = new_console()
    page = open_as(world, "/console/orders/new")
    wide, binary = tmp_path / "annex.csv", tmp_path / "scan.csv"
    wide.write_bytes("target;author\r\n5500000001;\r\n".encode("utf-16"))
    binary.write_bytes(b"\xff\x00\xfe%PDF")
    page.set_input_files("[data-file]", binary)
    expect(page.locator("[data-file-problem]")).to_contain_text("scan.csv: It is not text")
    page.set_input_files("[data-file]", wide)
    expect(page.locator("[name=text]")).to_have_value("target;author\n5500000001;\n")
    fill_head(page)
    page.click("[data-send]")
    expect(page.locator("[data-found]")).to_contain_text("EX/69A/8: a new order, 1 target")


def test_order_from_review_to_force_by_keyboard(new_console: Any, open_as: Open) -> None:
    world = new_console()
    order = world.run(lambda services: under_review(services, mixed_targets(2)))
    page = open_as(world, "/console/orders", "kim")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{order}")
    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.keyboard.press("b")
    title = page.locator("#ruling-title")
    expect(title).to_have_text("Withhold 1 account in India")
    expect(page.locator("[data-dry]")).to_contain_text("2 protected speakers left out")
    page.keyboard.type("s. 153A")
    page.keyboard.press("Control+Enter")
    expect(page.locator(TOAST)).to_contain_text("1 target withheld; 2 left out, still selected; recorded ")
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    expect(page.locator('[data-number="2"] [data-left]')).to_contain_text("a protected speaker")
    assert [ruling_of(world, order, number) for number in (1, 2, 3)] == ["withheld", "", ""]
    page.keyboard.press("a")
    expect(title).to_have_text("Decline 2 protected speakers")
    page.locator("[name=ground]:focus").select_option("protected_speech")
    page.keyboard.press("Tab")
    page.keyboard.type("journalism")
    page.keyboard.press("Control+Enter")
    expect(page.locator(TOAST)).to_contain_text("2 targets declined")
    assert ruling_of(world, order, 2) == "declined"
    page.get_by_role("button", name="Put in force for a time").press("Enter")
    expect(page.locator("dialog[open] .effects li").first).to_have_text(
        "1 account: not shown to viewers in India, no effect elsewhere"
    )
    page.get_by_role("button", name="7 days").press("Enter")
    page.get_by_role("button", name="In force while we ask for particulars").press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator(TOAST)).to_contain_text(re.compile(r"done; recorded [0-9:]{8}, on surfaces [0-9:]{8}"))
    expect(page.locator('[data-number="1"] .present')).to_have_text("withheld in India, visible elsewhere")
    expect(page.locator('[data-number="2"] .present')).to_have_text("visible")
    expect(page.locator("body")).to_contain_text("1 restriction in India.")


def test_second_person_confirms_and_first_cannot(new_console: Any, open_as: Open) -> None:
    world = new_console()
    order = world.run(all_states)
    first = open_as(world, f"/console/orders/{order}", "lee")
    expect(first.locator("#second")).to_contain_text("You ruled first: another person must confirm.")
    expect(first.locator("#second button")).to_have_count(0)
    page = open_as(world, f"/console/orders/{order}", "kim")
    page.click("text=Confirm as the second person")
    expect(page.locator("#ruling-title")).to_have_text("Confirm: Withhold 1 protected speaker in India")
    page.fill("#ruling [name=reason]", "agreed")
    page.keyboard.press("Control+Enter")
    expect(page.locator(TOAST)).to_contain_text("1 target withheld")
    expect(page.locator('[data-number="2"] .outcome')).to_contain_text("lee and kim")
    assert ruling_of(world, order, 2) == "withheld"


def test_conflict_shows_who_was_first_and_goes_on(new_console: Any, open_as: Open, expected: set[int]) -> None:
    expected.add(409)
    world = new_console()
    order = world.run(under_review)
    page = open_as(world, f"/console/orders/{order}", "kim")
    page.check('[data-number="3"] [data-target]')
    page.keyboard.press("a")
    page.select_option("#ruling [name=ground]", "overbroad")
    page.fill("#ruling [name=reason]", "my long reason")
    world.run(lambda services: services.orders.rule(
        order, Selection(targets=("5500000001",)), "withheld", actor="zoe", reason="<b>mine</b>"
    ))  # fmt: skip
    page.dblclick("#ruling [data-send]")
    problem = page.locator("#ruling [data-problem]")
    expect(problem).to_contain_text("zoe ruled withheld on 1 target")
    expect(problem).to_contain_text("<b>mine</b>")
    before = records(world)
    page.click("text=Go on from the present state")
    assert page.input_value("#ruling [name=reason]") == "my long reason"
    expect(problem).to_be_hidden()
    page.click("#ruling [data-send]")
    expect(page.locator(TOAST)).to_contain_text("1 target declined")
    assert records(world) == before + 1 and ruling_of(world, order, 3) == "declined"


def test_above_twenty_targets_one_types_the_number(new_console: Any, open_as: Open) -> None:
    world = new_console()
    many = [Target("account", str(number)) for number in range(1, 151)]
    order = world.run(lambda services: under_review(services, [*many, Target("account", JOURNALIST)]))
    page = open_as(world, f"/console/orders/{order}", "kim")
    page.check("[data-select-page]")
    page.click("[data-select-all]")
    expect(page.locator("[data-selected]")).to_have_text("151 selected")
    page.keyboard.press("b")
    expect(page.locator("#ruling-title")).to_have_text("Withhold 150 accounts in India")
    expect(page.locator("#ruling [data-against]")).to_contain_text("Include 1 protected speaker")
    page.fill("#ruling [name=reason]", "court order")
    before = records(world)
    page.click("#ruling [data-send]")
    page.fill("#ruling [data-counts]", "149")
    page.click("#ruling [data-send]")
    assert records(world) == before and page.locator("#ruling").get_attribute("open") is not None
    page.fill("#ruling [data-counts]", "150")
    page.click("#ruling [data-send]")
    expect(page.locator(TOAST)).to_contain_text("150 targets withheld; 1 left out")
    assert (ruling_of(world, order, 150), ruling_of(world, order, 151)) == ("withheld", "")


def test_pages_of_orders_fit_a_phone(new_console: Any, open_as: Open) -> None:
    world = new_console()
    order = world.run(all_states)
    page = open_as(world, "/console/orders?show=all", **PHONE)
    for path in ("", "/console/orders/new", f"/console/orders/{order}/letter", f"/console/orders/{order}"):
        if path:
            page.goto(world.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_orders_and_their_dialogs_pass_axe(new_console: Any, open_as: Open) -> None:
    world = new_console()
    order = world.run(all_states)
    page = open_as(world, "/console/orders?show=all")
    assert axe_finds(page) == []
    page.goto(f"{world.url}/console/orders/{order}")
    page.check("[data-select-page]")
    page.keyboard.press("b")
    expect(page.locator("[data-dry]")).to_contain_text("left out")
    assert axe_finds(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Put in force for a time").first.click()
    assert axe_finds(page) == []


def test_corrected_list_is_proposed_and_approved_by_another_person(new_console: Any, open_as: Open) -> None:
    world = new_console()
    order = world.run(under_review)
    page = open_as(world, f"/console/orders/{order}", "kim")
    page.get_by_role("button", name="Correct the list").click()
    page.fill("#amend [name=add]", "5500000042\n5500000043")
    page.fill("#amend [name=drop]", "5500000001")
    page.fill("#amend [name=reason]", "corrigendum of 4 December")
    assert axe_finds(page) == []
    page.keyboard.press("Control+Enter")
    expect(page.locator(TOAST)).to_contain_text("Propose the correction: done")
    expect(page.locator("#amendment")).to_contain_text("You proposed it: another person must approve it.")
    expect(page.get_by_role("button", name="Approve as the second person")).to_have_count(0)
    second = open_as(world, f"/console/orders/{order}", "lee", **PHONE)
    expect(second.locator("#amendment .effects li").first).to_have_text(
        "adds 2 targets, which then wait for an outcome"
    )
    second.locator("#amendment summary").first.click()
    expect(second.locator("#amendment details").first).to_contain_text("account 5500000042")
    assert axe_finds(second) == []
    assert second.evaluate("document.documentElement.scrollWidth <= innerWidth")
    second.get_by_role("button", name="Approve as the second person").click()
    second.fill("#amendment-approve [name=reason]", "as the letter says")
    second.keyboard.press("Control+Enter")
    expect(second.locator('[data-number="1"] .outcome')).to_contain_text("dropped")
    expect(second.locator('[data-number="1"] .outcome')).to_contain_text("kim and lee")
    expect(second.locator("#amendment")).to_have_count(0)
    expect(second.locator(".history")).to_contain_text(
        "kim proposed an amendment (2 targets added and 1 target dropped)"
    )
    expect(second.locator(".history")).to_contain_text("lee approved the amendment: as the letter says")
