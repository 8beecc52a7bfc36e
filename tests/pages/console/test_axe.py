"""axe finds nothing on any page of the console, nor in any dialog that a page can open.

The tests of each page run axe on it, too; this one shows that no page and no dialog was forgotten.
"""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from moderation.access.services import Services
from tests.support.console_hostile import hostile_decisions, write_everywhere
from tests.support.in_memory_policies import SHIPPED, InMemoryPolicies, record_of
from tests.support.live_decisions import add_texts, case_decision, unread
from tests.support.orders_console import all_states

PAGES = (
    "/console/queue", "/console/queue?hashtag=none", "/console/held", "/console/stop", "/console/stop?country=IN",
    "/console/appeals", "/console/hashtags/written", "/console/hashtags/never_seen", "/console/orders?show=all",
    "/console/orders/new", "/console/policy", "/console/policy/edit", "/console/policy/shadow",
    "/console/transparency", "/console/audit", "/console/audit/0", "/console/people", "/console/calibration",
    "/console/closed", "/console/find?q=z",
    "/console/cases/case-" + "0" * 16,
    "/console/cases/{markup}", "/console/cases/{due}", "/console/cases/{unread}", "/console/cases/{look}",
    "/console/orders/{order}", "/console/orders/{order}/letter", "/console/appeals/{appeal}",
    "/console/policy/revisions/{revision}",
)  # fmt: skip


async def arrange(services: Services) -> dict[str, str]:
    """Make something for every page: cases due, answered and blind, decisions, pauses, appeals and orders."""
    found = await write_everywhere(services)
    found["due"] = (await services.cases.log.find("due")).id
    found["unread"] = (await services.cases.log.find("tamil")).id
    await services.cases.answer("tamil", "unsure", actor="asha", reason="first")
    look = await services.cases.claim("look", actor="asha")
    appeal = next(iter(services.reviews.fold.appeals))
    return found | {"look": look.id, "order": await all_states(services), "appeal": appeal}


def findings(page: Page) -> list[str]:
    """Return what axe finds on a page, with the first place of each."""
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in Axe().run(page).response["violations"]]


def dialogs_of(page: Page) -> list[str]:
    """Return the ids of the dialogs that visible buttons of a page open."""
    openers = page.locator("[data-opens]:visible:enabled")
    return openers.evaluate_all("all => [...new Set(all.map((one) => one.dataset.opens))]")  # type: ignore[no-any-return]


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_is_silent_on_every_page_and_dialog(
    new_console: Any, open_as: Any, expected: set[int], scheme: str
) -> None:
    policies = InMemoryPolicies()
    policies.records.append(record_of(SHIPPED.replace(b"serial: 1 ", b"serial: 2 "), actor="meera", reason="calmer"))
    decisions = [*hostile_decisions(), case_decision("due", number=20), case_decision("look", "suppress", number=21)]
    decisions.append(unread("tamil", {"ta": 41, "bn": 9, "other": 2}))
    world = new_console(*decisions, policies=policies, share=1.0)
    add_texts(world.services, decisions)
    names = world.run(arrange) | {"revision": policies.records[-1].revision}
    page = open_as(world, "/console/closed", color_scheme=scheme)
    expected.add(404)
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for path in PAGES:
        page.goto(world.url + path.format_map(names))
        page.locator("main").wait_for()
        found[path] = findings(page)
        for dialog in [one for one in dialogs_of(page) if one not in seen]:
            seen.add(dialog)
            page.locator(f'[data-opens="{dialog}"]:visible').first.click()
            page.locator(f"dialog#{dialog}[open]").wait_for()
            found[f"{path} {dialog}"] = findings(page)
            page.keyboard.press("Escape")
    assert {place: faults for place, faults in found.items() if faults} == {}
    assert {"finder", "keys", "skip", "note", "escalate", "decide-hide", "decide-show", "decide-block"} <= seen, seen
