"""Lists and counts that the API, a page and a command show: each is the same in all of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from moderation.cli import appeals as appeals_cli
from moderation.cli import orders as orders_cli
from moderation.console.orders_filter import TargetFilter
from moderation.domain.orders.amendment_plan import head_of
from moderation.domain.orders.intake_plan import OrderDraft
from tests.support.api_calls import Calls
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.in_memory_log import InMemoryLog
from tests.support.live_decisions import held
from tests.support.moderation_world import ApiWorld
from tests.support.orders_console import all_states


def printed(register: Callable[[typer.Typer], None], *arguments: str) -> list[str]:
    """Return the lines that a command prints."""
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, arguments).stdout.splitlines()


def test_orders_are_listed_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    log = InMemoryLog()
    services = ApiWorld(log=log).services
    order = asyncio.run(all_states(services))
    orders = sorted(services.orders.fold.by_id.values(), key=lambda legal_order: legal_order.received.reference)
    closed = [legal_order for legal_order in orders if legal_order.due_ms is None]
    asyncio.run(services.orders.step(closed[0].id, "revoked", actor="lee", reason="set aside"))

    monkeypatch.setattr(orders_cli, "run_with_orders", lambda work: asyncio.run(work(services.orders)))
    lines = printed(orders_cli.register, "orders", "list")
    client = console_client(log=log)
    answers = Calls(client, "legal").get("/v1/orders").json()["items"]
    page = read_page(client, "/console/orders?show=all", "legal").text
    ids = [answer["order"] for answer in answers]
    assert ids == re.findall(r'data-open href="/console/orders/([^"]+)"', page)
    assert ids == [line.split("\t")[0] for line in lines]
    assert len(ids) == 7 and order in ids[:4] and ids[4] == closed[0].id, "of those without a clock the last changed"


@pytest.mark.parametrize("sort", ["reach", "ends", "since", "-since", "hashtag"])
def test_held_hashtags_are_listed_in_one_order(sort: str) -> None:
    client = console_client(
        held("b", tweets=10, minutes=9, lasts_ms=9_000_000),
        held("a", tweets=99, minutes=1, lasts_ms=8_000_000, number=2),
        held("c", tweets=99, minutes=1, lasts_ms=8_000_000, number=3),
        held("a", tweets=5, minutes=1, lasts_ms=8_000_000, country="FR", number=4),
    )
    answers = Calls(client).get("/v1/held", sort=sort).json()["items"]
    page = read_page(client, f"/console/held?sort={sort}").text
    assert len(answers) == 4
    assert [answer["hashtag"] for answer in answers] == re.findall(r'data-open href="/console/hashtags/(\w+)"', page)


def test_appeals_are_listed_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    log = InMemoryLog()
    decisions = [held(f"tag{number}", number=number + 1) for number in range(4)]
    client = console_client(*decisions, log=log)
    admin = Calls(client, "admin")
    filed = []
    for decision in decisions:
        [statement] = admin.get(f"/v1/hashtags/{decision.hashtag}/statements").json()["items"]
        filed.append(admin.post("/v1/appeals", reference=statement["reference"]).json()["id"])
    for number in (0, 2):
        assert admin.post(f"/v1/appeals/{filed[number]}/outcome", verdict="uphold").status_code == 201
    expected = [filed[number] for number in (1, 3, 2, 0)]
    assert [answer["id"] for answer in admin.get("/v1/appeals", state="all").json()["items"]] == expected
    shown = [read_page(client, f"/console/appeals?state={state}", "admin").text for state in ("open", "decided")]
    assert re.findall(r'href="/console/appeals/(\w+)"', "".join(shown)) == expected
    reviews = ApiWorld(*decisions, log=log).services.reviews
    monkeypatch.setattr(appeals_cli, "_run", lambda work, share: asyncio.run(work(reviews)))
    assert [line.split()[0] for line in printed(appeals_cli.register, "appeal", "list", "--all")] == expected


def test_dropped_targets_are_counted_and_selected_alike() -> None:
    log = InMemoryLog()
    services = ApiWorld(log=log).services
    order = asyncio.run(all_states(services))

    async def drop() -> None:
        await services.orders.refresh()
        draft = OrderDraft(head_of(services.orders.get(order)), {})
        await services.orders.amend(order, draft, ("5500000001", "5500000003"), actor="lee", reason="list corrected")
        await services.orders.answer_amendment(order, "approve", actor="kim", reason="checked")

    asyncio.run(drop())
    client = console_client(log=log)
    calls, legal_order, fold = Calls(client, "legal"), services.orders.get(order), services.orders.fold
    outcomes = calls.get(f"/v1/orders/{order}").json()["outcomes"]
    assert (outcomes["withheld"], outcomes["undecided"], outcomes["dropped"]) == (0, 7, 2)
    for path in ("/console/orders", f"/console/orders/{order}"):
        words = words_of_page(read_page(client, path, "legal")).replace(" ,", ",")
        assert "0 ruled, 7 undecided, 2 dropped" in words
    for outcome in ("dropped", "withheld", "undecided", "waiting"):
        answers = calls.get(f"/v1/orders/{order}/targets", outcome=outcome).json()["items"]
        rows = TargetFilter(outcome=outcome).rows(legal_order, fold)
        assert [answer["number"] for answer in answers] == [row.number + 1 for row in rows], outcome
    assert TargetFilter(outcome="dropped").as_body() is None, "a ruling cannot name them"
