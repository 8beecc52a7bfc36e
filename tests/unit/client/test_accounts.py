"""Visibility of accounts and tweets: the contract's vectors, and answers without current flags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hushtag_client import FlagsClient, MemoryFlagsClient, MemoryServer, Register
from hushtag_client.clock import now_ms

from tests.support.flag_vectors import server_with
from tests.support.forked import in_child
from tests.support.paths import ROOT

_VECTORS = json.loads((ROOT / "docs/vectors/accounts.json").read_text("utf-8"))
WITHHELD = Register(version="1", action="suppress", hashtag="7", surface="account", country="IN", source="legal")


@pytest.mark.parametrize("case", _VECTORS["cases"], ids=lambda case: case["name"])
def test_visibility_vectors(case: dict[str, Any]) -> None:
    for asked in case["questions"]:
        server = server_with(case["registers"], asked["at_ms"])
        client = MemoryFlagsClient(server, clock=lambda at_ms=asked["at_ms"]: at_ms)
        ask = client.account_visibility if "account" in asked else client.tweet_visibility
        name = asked.get("account") or asked["tweet"]
        assert ask(name, asked["country"]) == asked["visibility"], asked
        assert ask(int(name), asked["country"]) == asked["visibility"]


def test_last_known_visibility_applies_while_redis_is_away() -> None:
    server, at_ms = MemoryServer(), [1_000_000]
    client = MemoryFlagsClient(server, clock=lambda: at_ms[0])
    assert client.account_visibility(7, "IN") == "visible", "no flags were received"
    server.seed([WITHHELD], settled_ms=at_ms[0])
    assert client.account_visibility(7, "IN") == "withheld"
    server.away = True
    at_ms[0] += 30 * 86_400_000
    assert client.check("any", "trends").why == "stale"
    assert client.account_visibility(7, "IN") == "withheld"


def test_account_flag_hides_no_hashtag_and_odd_ids_are_visible() -> None:
    server = MemoryServer()
    server.seed([WITHHELD], settled_ms=1_000)
    client = MemoryFlagsClient(server, clock=lambda: 1_000)
    assert client.check("7", "trends", "IN").shown
    assert client.held("trends", "IN") == []
    for odd in (None, b"x", "", 7.5, []):
        assert client.account_visibility(odd, "IN") == "visible"  # type: ignore[arg-type]
    assert client.account_visibility(7, 5) == "visible"  # type: ignore[arg-type]


def test_account_check_restarts_replication_in_forked_child() -> None:
    server = MemoryServer()
    server.seed([WITHHELD], settled_ms=now_ms())
    source = MemoryFlagsClient(server)
    source.catch_up()
    client = FlagsClient("redis://127.0.0.1:1/0")
    client._replica = source._replica
    client._renew()
    client._wanted = True
    assert in_child(lambda: client.account_visibility(7, "IN") == "withheld" and client._worker is not None)
    assert client._worker is None


def test_paused_returns_the_stop_in_force() -> None:
    server = MemoryServer()
    stop = Register(version="1", action="allow", hashtag="*", surface="trends", country="IN", source="human",
                    expires_at_ms=5_000, category="abuse", actor="ann")  # fmt: skip
    server.seed([stop], settled_ms=1_000)
    at_ms = [1_000]
    client = MemoryFlagsClient(server, clock=lambda: at_ms[0])
    client.catch_up()
    assert client.paused("trends", "IN") == stop
    assert client.paused("trends", "US") is None
    assert client.paused("search", "IN") is None
    at_ms[0] = 5_000
    assert client.paused("trends", "IN") is None
