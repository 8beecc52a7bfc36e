"""`hushtag flags` shows discounts and their weights."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Any

import pytest
import typer
from hushtag_client import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import Register
from hushtag_client.wire import Heartbeat
from typer.testing import CliRunner

from streams.cli import flags
from streams.clock import now_ms


def register(hashtag: str, action: Any, **more: Any) -> Register:
    ends_ms = now_ms() + 600_000
    return Register(version="1", action=action, hashtag=hashtag, surface="trends", expires_at_ms=ends_ms, **more)


@pytest.fixture(autouse=True)
def _flags(monkeypatch: pytest.MonkeyPatch) -> None:
    server = MemoryServer()
    found = [
        register("protest", "discount", weight=0.41),
        register("campaign", "suppress"),
        register("local", "discount", weight=0.5, country="IN"),
        register("match", "discount", weight=0.3),
        register("match", "allow", source="human"),
    ]
    server.seed(found, settled_ms=now_ms())
    client = MemoryFlagsClient(server)
    client.catch_up()

    @contextmanager
    def opened() -> Any:
        yield client

    monkeypatch.setattr(flags, "_flags", opened)


def cli(*arguments: str) -> str:
    app = typer.Typer()
    flags.register(app)
    done = CliRunner().invoke(app, ["flags", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_list_shows_hidden_and_discounted_hashtags() -> None:
    rows = [json.loads(line) for line in cli("list", "--json").splitlines()]
    assert [(one["hashtag"], one["action"], one["weight"]) for one in rows] == [
        ("campaign", "suppress", 1.0),
        ("local", "discount", 0.5),
        ("protest", "discount", 0.41),
    ]
    assert "discount (weight 0.41)" in cli("list")
    rows = [json.loads(line) for line in cli("list", "--json", "--country", "US").splitlines()]
    assert [one["hashtag"] for one in rows] == ["campaign", "protest"]


def test_get_shows_weight_of_discounted_hashtag() -> None:
    given = ("get", "Protest", "--surface", "trends")
    assert "#protest on trends: shown (clear): discount (weight 0.41) by automated, until" in cli(*given)
    answer = json.loads(cli(*given, "--json"))
    assert (answer["shown"], answer["weight"]) == (True, 0.41)
    assert json.loads(cli("get", "match", "--surface", "trends", "--json"))["weight"] == 1.0


@pytest.mark.parametrize(
    ("late", "text"),
    [
        ({}, ""),
        ({1: 600_000}, "stale: shards 1 of 2 are behind"),
        ({0: 600_000, 1: 600_000}, "the flags are stale: the pipeline has stopped publishing"),
    ],
)
def test_stale_shards_are_named(late: dict[int, int], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    server, at_ms = MemoryServer(), now_ms()
    server.seed([], settled_ms=at_ms)
    server.heartbeats = {shard: Heartbeat(at_ms - late.get(shard, 0), at_ms, 2) for shard in (0, 1)}
    server.finish("1", server.incarnation)
    flags._report_stale(MemoryFlagsClient(server).status())
    printed = " ".join(capsys.readouterr().err.split())
    assert text in printed and bool(text) == bool(printed)
