"""Lists and counts that the API, a page and a command show: each is the same in all of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import typer
from typer.testing import CliRunner

from moderation.cli import appeals as appeals_cli
from tests.support.api_calls import Calls
from tests.support.console_client import console_client, read_page
from tests.support.in_memory_log import InMemoryLog
from tests.support.live_decisions import held
from tests.support.moderation_world import ApiWorld


def printed(register: Callable[[typer.Typer], None], *arguments: str) -> list[str]:
    """Return the lines that a command prints."""
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, arguments).stdout.splitlines()


@pytest.mark.parametrize("sort", ["", "reach", "ends", "since", "-since", "hashtag"])
def test_held_hashtags_are_listed_in_one_order(sort: str) -> None:
    client = console_client(
        held("b", tweets=10, minutes=9, lasts_ms=9_000_000),
        held("a", tweets=99, minutes=1, lasts_ms=8_000_000, number=2),
        held("c", tweets=99, minutes=1, lasts_ms=8_000_000, number=3),
        held("a", tweets=5, minutes=1, lasts_ms=8_000_000, country="FR", number=4),
    )
    query = {"sort": sort} if sort else {}
    answers = Calls(client).get("/v1/held", **query).json()["items"]
    page = read_page(client, f"/console/held?{urlencode(query)}").text
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
