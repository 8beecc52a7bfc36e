"""Tests of the routes of overrides, the stop button and hashtags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from streams.errors import DependencyAway
from tests.support.api_calls import (
    Calls,
    block,
    kind_of,
)
from tests.support.in_memory_log import InMemoryLog


def test_block_list_explain_undo(client: TestClient) -> None:
    calls = Calls(client)
    written = block(calls, "#Rumour", country="in", lasts="2h")
    assert written.status_code == 201, written.text
    written = written.json()
    assert (written["hashtag"], written["country"], written["surfaces"], written["actor"]) == (
        "rumour", "IN", ["search", "trends"], "moderator",
    )  # fmt: skip
    [listed] = calls.get("/v1/overrides", hashtag="RUMOUR").json()["items"]
    assert (listed["state"], listed["version"]) == ("in force", written["version"])
    places = calls.get("/v1/hashtags/rumour").json()["places"]
    assert {(p["surface"], p["country"]): p["shown"] for p in places}["search", "IN"] is False
    [statement] = calls.get("/v1/hashtags/rumour/statements").json()["items"]
    assert statement["text"]["en"].startswith("#Rumour is not shown")
    undone = calls.post("/v1/overrides/undo", hashtag="rumour", if_version=written["version"])
    assert (undone.status_code, undone.json()["undoes"]) == (201, [written["id"]])
    again = calls.post("/v1/overrides/undo", hashtag="rumour", if_version=undone.json()["version"])
    assert again.status_code == 404
    audited = Calls(client, "legal").get("/v1/audit", hashtag="rumour", limit=1).json()
    assert [row["action"] for row in audited["items"]] == ["block"] and audited["next"]


def test_stale_edit_is_refused_with_changes(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    first = block(calls).json()
    lines = len(log.records)
    stale = calls.post("/v1/overrides", hashtag="rumour", action="allow", if_version="")
    assert (stale.status_code, kind_of(stale), stale.json()["version"]) == (409, "stale", first["version"])
    [changed] = stale.json()["changed"]
    assert (changed["id"], changed["action"], changed["reason"]) == (first["id"], "block", "r")
    assert len(log.records) == lines


def test_repeated_write_is_done_once(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    first, again = block(calls, key="same"), block(calls, key="same")
    assert first.json() == again.json() and first.status_code == again.status_code == 201
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert len(log.records) == 1
    reused = block(calls, "another", key="same")
    assert (reused.status_code, kind_of(reused)) == (422, "key_reused")
    other = calls.post("/v1/overrides", key="new", hashtag="rumour", action="block", if_version="")
    assert other.status_code == 409  # a new key does not help: the version is old
    assert Calls(client, "admin").post(
        "/v1/overrides", key="same", hashtag="x", action="block", if_version=""
    ).status_code == 201  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": ""}, "reason"), ({"reason": "  "}, "every decision needs a reason"), ({"actor": ""}, "actor"),
        ({"hashtag": "two words"}, "not a hashtag"), ({"country": "Indya"}, "unknown country"),
        ({"surfaces": ["trend"]}, "unknown surface"), ({"lasts": "long"}, "not a duration"),
        ({"lasts": "400d"}, "366 days"),
        ({"until": "2020-01-01"}, "end before it begins"), ({"until": "soon"}, "not a date"),
        ({"lasts": "2h", "until": "2999-01-01"}, "exclude each other"), ({"if_version": "7"}, "if_version"),
        ({"if_version": None}, "if_version"), ({"action": "ban"}, "action"), ({"more": 1}, "more"),
        ({"reason": "\ud800"}, "reason"), ({"hashtag": "\ud800"}, "hashtag"), ({"reason": "a\x00b"}, "not text"),
    ],
)  # fmt: skip
def test_invalid_write_is_refused_without_effect(
    client: TestClient, log: InMemoryLog, changes: dict[str, Any], message: str
) -> None:
    body = {"actor": "moderator", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""} | changes
    headers = {
        "Authorization": "Bearer hush_moderator", "Idempotency-Key": "k", "Content-Type": "application/json",
    }  # fmt: skip
    response = client.post("/v1/overrides", content=json.dumps(body), headers=headers)
    assert response.status_code == 422, response.text
    assert message in response.text
    assert response.json()["fix"]
    assert not log.records


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 5_000])
def test_malformed_json_is_refused(client: TestClient, content: bytes) -> None:
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "k", "Content-Type": "application/json"}
    response = client.post("/v1/overrides", content=content, headers=headers)
    assert response.status_code in (400, 422) and response.json()["detail"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 65])
def test_write_needs_idempotency_key(client: TestClient, log: InMemoryLog, key: str) -> None:
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": key}
    body = {"actor": "admin", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    assert client.post("/v1/overrides", json=body, headers=headers).status_code == 422
    assert not log.records


def test_unavailable_broker_is_not_kept_as_answer(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: InMemoryLog, records: object) -> list[int]:
        raise DependencyAway("Kafka is away")

    calls = Calls(client)
    with monkeypatch.context() as patched:
        patched.setattr(InMemoryLog, "send", away)
        response = block(calls, key="k")
        assert (response.status_code, kind_of(response)) == (503, "away")
        assert response.headers["Retry-After"]
    assert block(calls, key="k").status_code == 201


def test_pause_and_resume(client: TestClient) -> None:
    calls = Calls(client)
    refused = calls.post("/v1/pause", category="abusse", if_version="")
    assert refused.status_code == 422 and "one of abuse" in refused.text
    paused = calls.post("/v1/pause", country="IN", lasts="1h", if_version="")
    assert paused.status_code == 201, paused.text
    places = calls.get("/v1/hashtags/rumour").json()["places"]
    assert {(place["surface"], place["country"]): place["shown"] for place in places}["trends", "IN"] is True
    assert calls.get("/v1/hashtags/rumour/statements").json()["items"] == []
    version = paused.json()["version"]
    assert calls.post("/v1/pause", country="IN", category="abuse", if_version=version).status_code == 422
    assert calls.post("/v1/resume", if_version=version).status_code == 201
    assert len(calls.get("/v1/hashtags/rumour/statements").json()["items"]) == 1
