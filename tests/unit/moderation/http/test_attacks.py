"""Attacks on the API: each test does what an attacker, or a curious colleague, would try."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request

from moderation.access import event_streams
from moderation.access import feed as feed_module
from moderation.access.access import AccessControl
from moderation.access.blinding import reader_of
from moderation.access.feed import EventFeed, FeedEvent
from moderation.access.idempotency import IdempotencyStore, WriteAnswer
from moderation.access.keys import KeyRing, Rights
from moderation.access.limits import RateLimit
from moderation.access.oidc import Identity, Provider
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller, Grant
from moderation.access.sessions import Sessions
from moderation.http import events
from streams.errors import DependencyAway
from tests.support.api_calls import OIDC_CONFIG, ORDER_BODY, Calls, Configure, calls_of, decision, kind_of, limited
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld


def sessions_of(client: TestClient, **changes: Any) -> Sessions:
    """Put a login in front of the application."""
    config = replace(OIDC_CONFIG, **changes)
    sessions = Sessions(config, Provider(config), "k" * 32, lambda: 1_000_000)
    cast(FastAPI, client.app).state.access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6), (), sessions)
    return sessions


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# --- Cookies, login, browsers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [{"crit": 1}, {"enc": []}, {"alg": {}}, {"alg": "A256KW"}, {"zip": 7}, {"iv": 1}])
def test_cookie_with_forged_header_is_refused(client: TestClient, header: dict[str, Any]) -> None:
    sessions = sessions_of(client)
    cookie = ".".join((part({"alg": "dir", "enc": "A256GCM"} | header), "", part("iv" * 4), part("x"), part("t" * 12)))
    answer = client.get("/v1/me", headers={"Cookie": f"{sessions.cookie}={cookie}"})
    assert (answer.status_code, kind_of(answer)) == (401, "unauthorised")


def test_logins_of_one_address_are_limited(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def url(self: Provider, **named: str) -> str:
        return "https://id.example/authorize"

    monkeypatch.setattr(Provider, "authorization_url", url)
    monkeypatch.setattr("moderation.access.access.monotonic_seconds", lambda: 0.0)
    sessions_of(client)
    codes = [client.get("/login", follow_redirects=False).status_code for _ in range(31)]
    assert codes == [302] * 30 + [429], "each one may ask the provider"


def test_unusable_file_of_rights_reveals_no_path(client: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "rights.json"
    file.write_text('{"groups": {}}')
    sessions = sessions_of(client, rights_file=file)
    file.write_text('{"groups": {"tns": {"role": "boss"}}}')
    with pytest.raises(DependencyAway) as caught:
        sessions._grants(("tns",))
    assert str(tmp_path) not in str(caught.value)


async def test_unverified_mail_address_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(replace(OIDC_CONFIG, name_claim="email"))
    for verified in (False, "false"):
        with pytest.raises(RefusedCall, match="not verified"):
            await provider._identity(None, {}, {"sub": "1", "email": "ceo@example.org", "email_verified": verified}, "")
    found = await provider._identity(None, {}, {"sub": "1", "email": "a@example.org", "email_verified": True}, "")
    assert found.name == "a@example.org"


async def test_calls_do_not_wait_in_a_row_for_a_slow_provider() -> None:
    provider, asked = Provider(OIDC_CONFIG), 0

    async def slow() -> None:
        nonlocal asked
        asked += 1
        raise httpx.ReadTimeout("")

    for _ in range(3):
        with pytest.raises(DependencyAway):
            await provider._ask(slow())
    assert asked == 1


# --- Rights -----------------------------------------------------------------------------------------------------------


def test_resume_needs_rights_on_the_paused_category(configure: Configure, log: InMemoryLog) -> None:
    calls = calls_of(configure, limited("moderator", categories=("spam",)))
    admin = Calls(calls._client, "admin")
    for category in ("abuse", ""):
        paused = admin.post("/v1/pause", category=category, country="IN", if_version="")
        assert paused.status_code == 201, paused.text
        refused = calls.post("/v1/resume", country="IN", if_version=paused.json()["version"])
        assert (refused.status_code, kind_of(refused)) == (403, "beyond_rights")
        log.records.clear()
        calls = calls_of(configure, limited("moderator", categories=("spam",)))
        admin = Calls(calls._client, "admin")


def test_category_of_a_decision_everywhere_counts_in_each_country(configure: Configure, log: InMemoryLog) -> None:
    calls = calls_of(configure, limited("moderator", categories=("spam",)))
    ApiWorld(decision("wide", country="*"), log=log).serve(calls._client)
    body = {"hashtag": "wide", "action": "allow", "country": "IN", "if_version": ""}
    assert kind_of(calls.post("/v1/overrides", **body)) == "beyond_rights"


def test_grants_of_two_roles_do_not_add_up_in_appeals(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Calls(client, "admin")
    [statement] = admin.get("/v1/hashtags/rumour/statements").json()["items"]
    appeal = admin.post("/v1/appeals", reference=statement["reference"]).json()["id"]
    legal, moderator = Rights(countries=("IN",)), Rights(countries=("DE",))
    grants = (Grant(role="legal", rights=legal), Grant(role="moderator", rights=moderator))
    _be(monkeypatch, Caller(name="moderator", writes_as="moderator", grants=grants))
    refused = Calls(client).post(f"/v1/appeals/{appeal}/outcome", verdict="overturn")
    assert kind_of(refused) == "beyond_rights", "moderator of DE, legal officer of IN"


def _be(monkeypatch: pytest.MonkeyPatch, caller: Caller) -> None:
    async def identify(self: AccessControl, request: Request) -> Caller:
        return caller

    monkeypatch.setattr(AccessControl, "identify", identify)


def test_appeal_beyond_the_rights_is_not_filed(configure: Configure, log: InMemoryLog) -> None:
    for rights in ({"countries": ("DE",)}, {"categories": ("spam",)}):
        calls = calls_of(configure, limited("moderator", **rights))
        [statement] = calls.get("/v1/hashtags/rumour/statements").json()["items"]
        assert kind_of(calls.post("/v1/appeals", reference=statement["reference"])) == "beyond_rights"
    assert not log.records


def test_overturn_that_outlasts_the_rights_is_refused(configure: Configure) -> None:
    calls = calls_of(configure, limited("moderator", longest="2d"))
    [statement] = calls.get("/v1/hashtags/rumour/statements").json()["items"]
    path = f"/v1/appeals/{calls.post('/v1/appeals', reference=statement['reference']).json()['id']}/outcome"
    assert kind_of(calls.post(path, verdict="overturn")) == "beyond_rights", "it allows the hashtag for a week"
    assert calls.post(path, verdict="uphold").status_code == 201


# --- Blinding ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def blind(client: TestClient) -> Calls:
    """Give the admin a blind second look of #rumour."""
    admin = Calls(client, "admin")
    [case] = admin.get("/v1/cases", state="open", hashtag="rumour").json()["items"]
    assert admin.post(f"/v1/cases/{case['id']}/claim").json()["blinded"]
    return admin


def test_orders_do_not_tell_of_a_blinded_hashtag(client: TestClient, blind: Calls) -> None:
    order = Calls(client, "legal").post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    notice = {"recipient": "r", "site": "https://x.example"}
    for path, query in (("targets", {}), ("notice", notice)):
        refused = blind.get(f"/v1/orders/{order}/{path}", **query)
        assert kind_of(refused) == "blinded", "it must not silently lack a target"
        assert Calls(client, "legal").get(f"/v1/orders/{order}/{path}", **query).status_code == 200


def test_audit_log_has_no_gaps_for_a_blinded_person(client: TestClient, blind: Calls) -> None:
    body = {"hashtag": "rumour", "action": "block", "if_version": "", "country": "DE"}
    assert Calls(client).post("/v1/overrides", **body).status_code == 201
    for tag in ("rumour", "nothing"):
        assert kind_of(blind.get("/v1/audit", hashtag=tag, limit=1)) == "blinded", "pages would count its entries"
    assert Calls(client, "legal").get("/v1/audit").json()["items"]


def test_appeal_does_not_tell_of_a_blinded_hashtag(client: TestClient, blind: Calls, log: InMemoryLog) -> None:
    [statement] = Calls(client).get("/v1/hashtags/rumour/statements").json()["items"]
    assert kind_of(blind.post("/v1/appeals", reference=statement["reference"])) == "blinded"


def test_reader_with_a_name_beyond_ascii_is_blinded_too() -> None:
    service = Caller(name="console", writes_as="console", grants=(), acts_for_others=True)
    scope = {"type": "http", "headers": [(b"hushtag-actor", "Łukasz".encode())], "state": {"caller": service}}
    assert reader_of(Request(scope)) == "Łukasz"


# --- Event stream -----------------------------------------------------------------------------------------------------


def feed_of(records: list[bytes]) -> EventFeed:
    async def read(begin: int) -> Sequence[tuple[int, bytes]]:
        return list(enumerate(records))[begin:]

    async def policy() -> tuple[int, dict[str, Any]]:
        return 1, {}

    return EventFeed(read, policy)


@pytest.mark.timeout(30)
async def test_slow_reader_is_reset_instead_of_losing_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "MOST_KEPT", 3)
    records = [b'{"kind": "override", "hashtag": "t"}']
    feed = feed_of(records)
    await feed.poll()
    stream: AsyncGenerator[FeedEvent | None, None] = feed.stream("m0-p1")
    first = await anext(stream)
    assert first is not None and first.kind == "override"
    records += records * 7
    await feed.poll()
    after = await anext(stream)
    assert after is not None and after.kind == "reset", "four events are gone"
    assert after.id == "m8-p1"


@pytest.mark.timeout(30)
async def test_stream_follows_a_changed_role(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.0)
    monkeypatch.setattr("moderation.access.feed.KEEPALIVE_SECONDS", 0.05)
    app = cast(FastAPI, client.app)
    before, now = (Caller(name="eve", writes_as="eve", grants=(Grant(role=role),)) for role in ("legal", "moderator"))
    _be(monkeypatch, now)
    scope = {"type": "http", "method": "GET", "path": "/v1/events", "headers": [], "app": app}
    scope["state"] = {"caller": before, "permission": "read"}
    stream = events._stream(Request(scope), frozenset(), None)
    assert [await anext(stream) for _ in range(2)] == [b"retry: 1000\n\n", b": ping\n\n"]
    _write_order(client, monkeypatch)
    found = [await anext(stream) for _ in range(3)]
    assert all(one == b": ping\n\n" for one in found), found
    await stream.aclose()


def _write_order(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.0)
    monkeypatch.setattr("moderation.access.feed.KEEPALIVE_SECONDS", 0.05)
    assert Calls(client, "legal").post("/v1/orders", **ORDER_BODY).status_code == 201
    _be(monkeypatch, Caller(name="eve", writes_as="eve", grants=(Grant(role="moderator"),)))


@pytest.mark.timeout(30)
async def test_stream_that_catches_up_does_not_read_the_log_for_each_event(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.access.feed.KEEPALIVE_SECONDS", 0.05)
    app = cast(FastAPI, client.app)
    feed = feed_of([b'{"kind": "override", "hashtag": "t"}'] * 200)
    await feed.poll()
    app.state.services = replace(app.state.services, feed=feed)
    asked = 0

    async def hidden(request: Request) -> frozenset[str]:
        nonlocal asked
        asked += 1
        return frozenset()

    monkeypatch.setattr(events, "hidden_hashtags_for", hidden)
    caller = Caller(name="eve", writes_as="eve", grants=(Grant(role="reader"),))
    scope = {"type": "http", "method": "GET", "path": "/v1/events", "headers": [], "app": app}
    scope["state"] = {"caller": caller, "permission": "read"}
    stream = events._stream(Request(scope), frozenset(), "m0-p1")
    found = [await anext(stream) for _ in range(201)]
    assert found[-1].startswith(b"event: override") and asked < 20
    await stream.aclose()


async def test_streams_of_one_caller_are_limited(client: TestClient) -> None:
    app = cast(FastAPI, client.app)
    access: AccessControl = app.state.access
    access.streams["moderator"] = event_streams.MOST_STREAMS
    refused = Calls(client).get("/v1/events")
    assert (refused.status_code, kind_of(refused)) == (429, "too_often")
    assert access.streams["moderator"] == event_streams.MOST_STREAMS

    async def closed(message: Any) -> None:
        raise OSError

    async def never() -> Any:
        await asyncio.Event().wait()

    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    stream = event_streams._CountedStream(nothing(), access.streams, "moderator")
    with pytest.raises(BaseException):  # noqa: B017, PT011 -- the client has gone
        await stream({"type": "http", "asgi": {"spec_version": "2.4"}}, never, closed)
    assert access.streams["moderator"] == event_streams.MOST_STREAMS - 1, "also if its client leaves at once"


# --- Memory -----------------------------------------------------------------------------------------------------------


def test_methods_of_an_attacker_share_one_series(client: TestClient) -> None:
    for number in range(3):
        client.request(f"X{number}", "/v1/me")
    text = client.get("/metrics").text
    assert 'method="X' not in text and 'method="other"' in text


def test_kept_answers_are_bounded_by_their_bytes() -> None:
    store = IdempotencyStore(most_bytes=10_000)
    for number in range(100):
        assert store.begin("eve", str(number), "r", 0) is None
        store.end("eve", str(number), WriteAnswer(200, {"items": ["x" * 1_000]}))
    assert 0 < len(store._known) <= 10
    assert store.begin("eve", "99", "r", 0) is not None, "the newest is kept"


async def test_locks_of_ended_sessions_are_freed() -> None:
    at_ms = 1_000_000
    sessions = Sessions(OIDC_CONFIG, Provider(OIDC_CONFIG), "k" * 32, lambda: at_ms)
    person = Identity("1", "ann", ("moderator",), "refresh")
    session = sessions._session("id", person, "csrf", at_ms + 1_000)
    cookie = sessions.encrypt(session)
    await sessions.open(cookie)
    sessions.end(session)
    at_ms += 2_000
    with pytest.raises(RefusedCall):
        await sessions.open(cookie)
    assert not sessions._locks
