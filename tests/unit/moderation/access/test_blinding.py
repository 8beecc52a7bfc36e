"""Tests of blinding: while a person holds a blind second look, no call answers about its hashtag."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request

from moderation.access.access import AccessControl
from moderation.access.keys import ApiKey, KeyRing, hash_of
from moderation.access.limits import RateLimit
from moderation.access.rights import Caller, Grant
from moderation.http import events
from tests.support.api_calls import ORDER_BODY, Calls, block, kind_of
from tests.support.in_memory_log import InMemoryLog


@pytest.fixture
def claimed(client: TestClient) -> Calls:
    """Give the admin, who may read everything, a blind second look of #rumour, which others have decided on."""
    admin, ann = Calls(client, "admin"), Calls(client)
    [statement] = ann.get("/v1/hashtags/rumour/statements").json()["items"]
    [case] = admin.get("/v1/cases", state="open", hashtag="rumour").json()["items"]
    done = admin.post(f"/v1/cases/{case['id']}/claim")
    assert done.status_code == 201 and done.json()["blinded"], done.text
    assert ann.post("/v1/appeals", reference=statement["reference"]).status_code == 201
    return admin


def test_lists_name_blinded_hashtags_without_a_state(client: TestClient, claimed: Calls) -> None:
    for query in ({"hashtag": "rumour"}, {"hashtag": "nothing"}):
        found = claimed.get("/v1/overrides", **query).json()
        assert (found["items"], found["blinded"]) == ([], ["rumour"]), "the same with and without decisions on it"


def test_writes_about_a_blinded_hashtag_are_refused(client: TestClient, claimed: Calls, log: InMemoryLog) -> None:
    lines = len(log.records)
    assert kind_of(block(claimed)) == "blinded"
    assert kind_of(claimed.post("/v1/overrides/undo", hashtag="rumour", if_version="")) == "blinded"
    rows = [{"hashtag": "rumour", "action": "allow", "if_version": ""}]
    assert claimed.post("/v1/overrides/bulk", items=rows).json()["items"][0]["status"] == 403
    [appeal] = Calls(client).get("/v1/appeals").json()["items"]
    assert kind_of(claimed.post(f"/v1/appeals/{appeal['id']}/outcome", verdict="uphold")) == "blinded"
    assert len(log.records) == lines


def test_service_reads_in_the_name_of_a_blinded_person(client: TestClient) -> None:
    console = Calls(client, "console", "zoe")
    [case] = console.get("/v1/cases", state="open", hashtag="rumour").json()["items"]
    assert console.post(f"/v1/cases/{case['id']}/claim").json()["blinded"]
    headers = {"Authorization": "Bearer hush_console"}
    for actor, blinded in (("zoe", True), ("Zoe", True), ("yan", False)):
        found = client.get("/v1/hashtags/rumour", headers=headers | {"Hushtag-Actor": actor}).json()
        assert ("blinded" in found) == blinded
    other = client.get("/v1/hashtags/rumour", headers={"Authorization": "Bearer hush_admin", "Hushtag-Actor": "zoe"})
    assert "blinded" not in other.json(), "a key of a person reads as that person alone"


async def streamed(client: TestClient, caller: Caller, *kinds: str) -> list[str]:
    """Return the events of all records so far, as one caller receives them."""
    app = cast(FastAPI, client.app)
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/v1/events", "headers": [], "app": app, "query_string": b"",
        "state": {"caller": caller, "permission": "read"},
    }  # fmt: skip
    feed = app.state.services.feed
    await feed.poll()
    found = list[str]()
    stream = events._stream(Request(scope), frozenset(kinds), "m0-p1")
    async for text in stream:
        if text.startswith(b":"):
            break
        found += [line.removeprefix(b"event: ").decode() for line in text.split(b"\n") if line.startswith(b"event:")]
    return found


@pytest.mark.timeout(30)
async def test_stream_shows_each_caller_what_they_may_see(
    client: TestClient, claimed: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.access.feed.KEEPALIVE_SECONDS", 0.05)
    calls = Calls(client, "moderator")
    for tag in ("rumour", "film"):
        assert block(calls, tag, key=tag, country="DE").status_code == 201
    Calls(client, "legal").post("/v1/orders", **ORDER_BODY)
    admin, ann = (Caller(name=name, writes_as=name, grants=(Grant(role=role),))
                  for name, role in (("admin", "admin"), ("ann", "moderator")))  # fmt: skip
    assert await streamed(client, admin) == ["override", "order"], "without its own blinded hashtag"
    assert await streamed(client, ann) == ["case", "appeal", "override", "override"], "without orders"
    assert await streamed(client, ann, "appeal", "policy") == ["appeal"]


@pytest.mark.timeout(30)
async def test_stream_ends_with_its_key(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.access.feed.KEEPALIVE_SECONDS", 0.05)
    monkeypatch.setattr("moderation.http.events.RECHECK_SECONDS", 0.0)
    app = cast(FastAPI, client.app)
    key = ApiKey(name="eve", role="reader", sha256=hash_of("hush_eve"))
    app.state.access = AccessControl(KeyRing.of([key]), RateLimit(1e6, 10**6))
    headers = [(b"authorization", b"Bearer hush_eve")]
    scope = {"type": "http", "method": "GET", "path": "/v1/events", "headers": headers, "app": app, "state": {}}
    scope["state"] = {"caller": await app.state.access.identify(Request(scope)), "permission": "read"}
    stream = events._stream(Request(scope), frozenset(), None)
    assert [await anext(stream) for _ in range(2)] == [b"retry: 1000\n\n", b": ping\n\n"]
    app.state.access.ring = KeyRing.of([replace_name(key)])
    assert [text async for text in stream] == []


def replace_name(key: ApiKey) -> ApiKey:
    return ApiKey(name="other", role=key.role, sha256=hash_of("hush_other"))


def test_ruling_on_an_order_is_refused_while_its_actor_reviews_blind(client: TestClient, claimed: Calls) -> None:
    legal = Calls(client, "legal")
    order = legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    version = legal.get(f"/v1/orders/{order}").json()["version"]
    for to in ("acknowledged", "under_review"):
        version = legal.post(f"/v1/orders/{order}/steps", to=to, if_version=version).json()["version"]
    ruling = {"outcome": "reduced", "kinds": ["hashtag"], "dry_run": True, "if_version": version}
    assert legal.post(f"/v1/orders/{order}/rulings", **ruling).status_code == 201
    assert kind_of(claimed.post(f"/v1/orders/{order}/rulings", **ruling)) == "blinded"
