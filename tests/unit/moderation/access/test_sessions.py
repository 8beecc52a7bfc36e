"""Tests of browser sessions: cookies, tokens against forged writes, expiry, logout and withdrawn groups."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.access import AccessControl
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.access.local_paths import local_path
from moderation.access.login_settings import OidcConfig, SessionConfig, groups_in, read_groups, session_config
from moderation.access.oidc import Identity, Provider
from moderation.access.problems import RefusedCall
from moderation.access.sessions import MOST_COOKIE_BYTES, LoginState, Session, Sessions
from moderation.log.session_ends import SessionEnded
from streams.errors import CallerMistake, DependencyAway, SettingsError
from streams.settings import Settings
from tests.support.api_calls import OIDC_CONFIG, Configure, kind_of
from tests.support.damage import changed_at
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld

MINUTE_MS = 60_000
BLOCK = {"reason": "r", "hashtag": "t", "action": "block", "if_version": ""}


class StubProvider:
    """Identity provider that knows one person."""

    def __init__(self) -> None:
        self.known = Identity("1", "ann", ("moderator",), "refresh-1")
        self.error: Exception | None = None
        self.renewals = 0

    async def exchange(self, code: str, *, verifier: str, nonce: str) -> Identity:
        return self.known

    async def renew(self, subject: str, refresh_token: str) -> Identity:
        self.renewals += 1
        assert (subject, refresh_token) == (self.known.subject, f"refresh-{self.renewals}")
        if self.error is not None:
            raise self.error
        await asyncio.sleep(0)
        return replace(self.known, refresh_token=f"refresh-{self.renewals + 1}")

    async def log_out(self, refresh_token: str) -> str:
        assert refresh_token == "refresh-1"
        return "https://id.example/logout"


class Browser:
    """Person with a session, and the clock of the server."""

    def __init__(self, client: TestClient, config: OidcConfig = OIDC_CONFIG) -> None:
        self.client = client
        self.provider = StubProvider()
        self.at_ms = 1_000 * MINUTE_MS
        self.sessions = Sessions(config, cast(Provider, self.provider), "k" * 32, lambda: self.at_ms)
        app = cast(FastAPI, client.app)
        app.state.access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6), (), self.sessions)
        self.session = asyncio.run(self.sessions.finish_login(self.sessions.begin_login("/"), "code"))
        self.cookie = self.sessions.encrypt(self.session)

    def get(self, path: str = "/v1/me") -> Any:
        return self.client.get(path, headers={"Cookie": f"hushtag_session={self.cookie}"})

    def post(self, path: str = "/v1/overrides", token: str | None = None, **headers: str) -> Any:
        token = self.session.csrf if token is None else token
        known = {"Cookie": f"hushtag_session={self.cookie}", "X-CSRF-Token": token, "Idempotency-Key": "k"}
        return self.client.post(path, json=BLOCK, headers=known | headers)


@pytest.fixture
def person(configure: Configure) -> Iterator[Browser]:
    client = configure(KeyRing(None), RateLimit(1e6, 10**6))
    yield Browser(client)
    client.cookies.clear()


def test_session_writes_with_its_token(person: Browser) -> None:
    me = person.get().json()
    assert (me["how"], me["writes_as"], me["csrf"]) == ("session", "ann", person.session.csrf)
    written = person.post()
    assert (written.status_code, written.json()["actor"]) == (201, "ann")


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_write_without_the_token_is_refused(person: Browser, log: InMemoryLog, token: str) -> None:
    headers = {"Cookie": f"hushtag_session={person.cookie}", "Idempotency-Key": "k"}
    raw = {name: value.encode() for name, value in (headers | {"X-CSRF-Token": token}).items()}
    refused = person.client.post("/v1/overrides", json=BLOCK, headers=raw)
    assert (refused.status_code, kind_of(refused)) == (403, "csrf")
    assert kind_of(person.client.post("/v1/overrides", json=BLOCK, headers=headers)) == "csrf"
    assert not log.records


def test_write_from_another_site_is_refused(person: Browser, log: InMemoryLog) -> None:
    for site in ("cross-site", "same-site"):
        assert kind_of(person.post(**{"Sec-Fetch-Site": site})) == "csrf"
    assert not log.records
    assert person.post(**{"Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_with_a_login_no_call_is_anonymous(person: Browser) -> None:
    assert person.client.get("/v1/me").status_code == 401
    assert "GET /login" in person.client.get("/v1/me").json()["fix"]


def test_forged_cookie_is_refused(person: Browser) -> None:
    other = Sessions(OIDC_CONFIG, cast(Provider, person.provider), "x" * 32, lambda: person.at_ms)
    login = person.sessions.encrypt(person.sessions.begin_login("/"))
    for cookie in (other.encrypt(person.session), login, "x", "", changed_at(person.cookie, -5), "a.b.c.d.e"):
        person.cookie = cookie
        assert person.get().status_code == 401


def test_session_ends_in_time(person: Browser) -> None:
    person.at_ms += 60 * MINUTE_MS - 1
    assert person.get().status_code == 200
    person.at_ms += 1
    assert (person.get().status_code, kind_of(person.get())) == (401, "unauthorised")


def test_logout_ends_the_session(person: Browser) -> None:
    assert person.post("/v1/logout", token="").status_code == 403
    answer = person.post("/v1/logout")
    assert answer.json() == {"provider": "https://id.example/logout"}
    assert "hushtag_session=" in answer.headers["set-cookie"] and "Max-Age=0" in answer.headers["set-cookie"]
    assert person.get().status_code == 401


def test_logout_ends_the_session_in_every_process(person: Browser, log: InMemoryLog) -> None:
    person.post("/v1/logout")
    [record] = [msgspec.json.decode(one.value, type=SessionEnded) for one in log.records]
    assert (record.target, record.actor, record.reason) == ("ann", "ann", "log-out")
    ApiWorld(log=log).serve(person.client)
    other = Sessions(OIDC_CONFIG, cast(Provider, person.provider), "k" * 32, lambda: person.at_ms)
    cast(FastAPI, person.client.app).state.access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6), (), other)
    refused = person.get()
    assert (refused.status_code, kind_of(refused)) == (401, "unauthorised")


def test_logout_that_cannot_be_recorded_is_refused(person: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise DependencyAway("Kafka is away")

    service = cast(FastAPI, person.client.app).state.services.moderation
    with monkeypatch.context() as patch:
        patch.setattr(service, "transact", away)
        assert person.post("/v1/logout").status_code == 503
    assert person.get().status_code == 200, "the person must try again"


def test_removed_group_stops_within_the_stated_time(person: Browser) -> None:
    person.provider.known = replace(person.provider.known, groups=("reader",))
    person.at_ms += 5 * MINUTE_MS - 1
    assert person.post().status_code == 201, "the groups are at most 5 minutes old"
    person.at_ms += 1
    refused = person.post()
    assert (refused.status_code, kind_of(refused)) == (403, "forbidden")
    person.provider.known = replace(person.provider.known, groups=())
    person.at_ms += 5 * MINUTE_MS
    assert kind_of(person.get()) == "forbidden"


def test_provider_is_asked_once_for_simultaneous_calls(person: Browser) -> None:
    person.at_ms += 5 * MINUTE_MS

    async def both() -> list[tuple[Session, bool]]:
        return await asyncio.gather(*(person.sessions.open(person.cookie) for _ in range(5)))

    assert {one.refresh_token for one, _ in asyncio.run(both())} == {"refresh-2"}
    assert person.provider.renewals == 1


def test_renewed_session_is_given_to_the_browser(person: Browser) -> None:
    assert "set-cookie" not in person.get().headers
    person.at_ms += 5 * MINUTE_MS
    cookie = person.get().headers["set-cookie"]
    value = cookie.partition("=")[2].partition(";")[0]
    renewed = person.sessions.decrypt(value, Session)
    assert renewed is not None and renewed.refresh_token == "refresh-2"
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie


def test_session_withdrawn_by_the_provider_ends(person: Browser) -> None:
    person.provider.error = RefusedCall("unauthorised", "invalid_grant")
    person.at_ms += 5 * MINUTE_MS
    assert person.get().status_code == 401
    person.provider.error = None
    assert person.get().status_code == 401


def test_unavailable_provider_closes_sessions_until_it_answers(person: Browser) -> None:
    person.provider.error = DependencyAway("away")
    person.at_ms += 5 * MINUTE_MS
    assert kind_of(person.get()) == "away"


def test_session_without_refresh_token_ends_at_its_recheck(person: Browser) -> None:
    person.session = replace_session(person.session, refresh_token="", id="other")
    person.cookie = person.sessions.encrypt(person.session)
    assert person.get().status_code == 200
    person.at_ms += 5 * MINUTE_MS
    assert person.get().status_code == 401


def test_long_refresh_token_is_left_out_of_the_cookie(person: Browser) -> None:
    long = replace_session(person.session, refresh_token="x" * 5_000)
    cookie = person.sessions.encrypt(long)
    found = person.sessions.decrypt(cookie, Session)
    assert len(cookie) <= MOST_COOKIE_BYTES
    assert found is not None and (found.refresh_token, found.name) == ("", "ann")


def test_session_survives_a_restart(person: Browser) -> None:
    restarted = Sessions(OIDC_CONFIG, cast(Provider, person.provider), "k" * 32, lambda: person.at_ms)
    assert asyncio.run(restarted.open(person.cookie)) == (person.session, False)


def test_session_renewed_by_another_process_is_taken_over(person: Browser) -> None:
    other = Sessions(OIDC_CONFIG, cast(Provider, person.provider), "k" * 32, lambda: person.at_ms)
    asyncio.run(other.open(person.cookie))
    person.at_ms += 5 * MINUTE_MS
    renewed, _ = asyncio.run(person.sessions.open(person.cookie))
    assert asyncio.run(other.open(person.sessions.encrypt(renewed))) == (renewed, False)
    assert person.provider.renewals == 1


def test_cookies_over_tls_are_secure_and_bound_to_the_host(person: Browser) -> None:
    config = replace(OIDC_CONFIG, url="https://mod.example")
    sessions = Sessions(config, cast(Provider, person.provider), "k" * 32, lambda: person.at_ms)
    assert sessions.cookie == "__Host-hushtag_session"
    from starlette.responses import Response

    response = Response()
    sessions.put(response, person.session)
    assert "; Secure" in response.headers["set-cookie"] and "Domain" not in response.headers["set-cookie"]


def test_person_without_a_known_group_is_refused(person: Browser) -> None:
    person.provider.known = replace(person.provider.known, groups=("staff",))
    with pytest.raises(RefusedCall) as refused:
        asyncio.run(person.sessions.finish_login(cast(LoginState, person.sessions.begin_login("/")), "code"))
    assert refused.value.body["status"] == 403


def test_groups_give_rights_by_the_present_file(person: Browser, tmp_path: Path) -> None:
    path = tmp_path / "rights.json"
    india = {"role": "moderator", "rights": {"countries": ["IN"], "longest": "2d"}}
    path.write_text(json.dumps({"groups": {"tns-india": india, "legal-de": {"role": "legal"}}}))
    person.sessions.config = replace(OIDC_CONFIG, rights_file=path)
    person.sessions._newest[person.session.id] = replace_session(
        person.session, groups=("tns-india", "legal-de"), checked_ms=person.at_ms + 1
    )
    grants = person.get().json()["grants"]
    assert [(one["role"], one["countries"], one["longest"]) for one in grants] == [
        ("moderator", ["IN"], "2d"), ("legal", None, None),
    ]  # fmt: skip
    refused = person.post()
    assert (refused.status_code, kind_of(refused)) == (403, "beyond_rights")
    path.write_text(json.dumps({"groups": {}}))
    assert kind_of(person.get()) == "forbidden"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"groups": {"a": {}}}', '{"groups": {"a": {"role": "boss"}}}'])
def test_unusable_file_of_rights_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rights.json"
    path.write_text(text)
    with pytest.raises(CallerMistake) as refused:
        read_groups(path)
    assert refused.value.fix
    with pytest.raises(CallerMistake, match="cannot be read"):
        read_groups(tmp_path / "none")


DEX = "http://idp.localhost:5556/dex"
WHOLE = {
    "oidc_issuer": "https://id.example", "oidc_client_id": "hushtag", "public_url": "https://mod.example",
    "session_key": "k" * 32,
}  # fmt: skip


def test_no_setting_means_no_login() -> None:
    assert session_config(Settings()) is None
    assert session_config(Settings(**WHOLE)) is not None  # type: ignore[arg-type]


def test_public_address_without_a_provider_configures_sessions() -> None:
    config = session_config(Settings(public_url="https://mod.example/", session_key="k" * 32))  # type: ignore[arg-type]
    assert type(config) is SessionConfig and (config.url, config.secure) == ("https://mod.example", True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8710", "http://localhost:8710", "https://hushtag.localhost"])
def test_provider_without_tls_serves_browsers_of_its_machine(url: str) -> None:
    config = session_config(Settings(**WHOLE | {"oidc_issuer": DEX, "public_url": url}))  # type: ignore[arg-type]
    assert isinstance(config, OidcConfig) and config.issuer == DEX


def test_provider_without_tls_is_refused_beside_a_public_address() -> None:
    with pytest.raises(SettingsError, match="without TLS") as refused:
        session_config(Settings(**WHOLE | {"oidc_issuer": DEX}))  # type: ignore[arg-type]
    assert DEX in str(refused.value) and "https://mod.example" in str(refused.value) and refused.value.fix


@pytest.mark.parametrize("missing", WHOLE)
def test_half_configured_login_names_what_is_missing(missing: str) -> None:
    with pytest.raises(SettingsError) as refused:
        session_config(Settings(**{name: value for name, value in WHOLE.items() if name != missing}))  # type: ignore[arg-type]
    assert f"HUSHTAG_{missing.upper()}" in str(refused.value) and refused.value.fix


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("oidc_issuer", "http://id.example", "not https"), ("public_url", "http://mod.example", "not https"),
        ("public_url", "https://mod.example/api", "path"), ("session_key", "short", "32 characters"),
    ],
)  # fmt: skip
def test_unusable_setting_of_the_login_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        session_config(Settings(**WHOLE | {name: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claims", "path", "groups"),
    [
        ({"groups": ["a", 1, "b"]}, "groups", ("a", "b")), ({"roles": "a b"}, "roles", ("a", "b")),
        ({"https://x.example/roles": ["a"]}, "https://x.example/roles", ("a",)), ({}, "groups", ()),
        ({"realm": {"roles": ["a"]}}, "realm.roles", ("a",)), ({"realm": "text"}, "realm.roles", ()),
    ],
)  # fmt: skip
def test_groups_are_read_from_their_claim(claims: dict[str, Any], path: str, groups: tuple[str, ...]) -> None:
    assert groups_in(claims, path) == groups


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/a\\b", "/a\nb"])
def test_login_leads_to_no_other_server(person: Browser, path: str) -> None:
    assert local_path(path) == "/v1/me"
    assert local_path("/console?x=1") == "/console?x=1"


def replace_session(session: Session, **changes: Any) -> Session:
    return msgspec.structs.replace(session, **changes)
