"""Login of people at an OpenID provider over HTTP: PKCE, nonce, cookies, groups and their withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from devkit.stack.ports import free_port
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.access.login_settings import OidcConfig, session_config
from moderation.access.oidc import Provider
from moderation.access.sessions import Sessions
from moderation.http.app import create_app
from streams.clock import now_ms
from streams.errors import DependencyAway, SettingsError
from streams.settings import Settings
from tests.support.identity_provider import IdentityProvider, identity_provider
from tests.support.moderation_world import ApiWorld
from tests.support.worlds import eventually

pytestmark = pytest.mark.integration
URL = "http://localhost:8710"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def issuer(provider: IdentityProvider) -> str:
    return provider.issuer


def settings_of(issuer: str, **more: object) -> Settings:
    known = {
        "oidc_issuer": issuer,
        "oidc_client_id": "hushtag",
        "oidc_client_secret": "s",
        "public_url": URL,
        "session_key": "k" * 32,
    }
    return Settings(**known | more)  # type: ignore[arg-type]


def config_of(issuer: str, **more: object) -> OidcConfig:
    config = session_config(settings_of(issuer, **more))
    assert isinstance(config, OidcConfig)
    return config


def client_of(config: OidcConfig) -> TestClient:
    sessions = Sessions(config, Provider(config), "k" * 32, now_ms)
    services = ApiWorld().services
    return TestClient(
        create_app(services, KeyRing(None), RateLimit(1e6, 10**6), (), sessions), base_url=URL, follow_redirects=False
    )


def log_in(client: TestClient, person: str, path: str = "/v1/me") -> httpx.Response:
    begun = client.get("/login", params={"next": path})
    assert begun.status_code == 302, begun.text
    agreed = httpx.post(begun.headers["location"], data={"sub": person})
    assert agreed.status_code == 302, agreed.text
    return client.get(agreed.headers["location"])


def test_person_logs_in_with_pkce_writes_and_logs_out(provider: IdentityProvider, issuer: str) -> None:
    provider.set_groups("ann", "moderator", "other")
    client = client_of(config_of(issuer))
    asked = parse_qs(urlsplit(client.get("/login").headers["location"]).query)
    assert (
        asked["code_challenge_method"] == ["S256"]
        and asked["nonce"]
        and asked["redirect_uri"] == [f"{URL}/login/callback"]
    )
    done = log_in(client, "ann", "/v1/held?limit=1")
    assert done.status_code == 303, done.text
    assert (done.status_code, done.headers["location"]) == (303, "/v1/held?limit=1")
    [session, ended] = done.headers.get_list("set-cookie")
    assert "HttpOnly" in session and "SameSite=lax" in session and "Max-Age=0" in ended
    me = client.get("/v1/me").json()
    assert (me["writes_as"], me["how"], [one["role"] for one in me["grants"]]) == ("ann", "session", ["moderator"])
    body = {"reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    headers = {"Idempotency-Key": "k"}
    assert client.post("/v1/overrides", json=body, headers=headers).status_code == 403
    headers["X-CSRF-Token"] = me["csrf"]
    assert client.post("/v1/overrides", json=body, headers=headers).json()["actor"] == "ann"
    cookie = client.cookies["hushtag_session"]
    assert client.post("/v1/logout", headers=headers).json()["provider"].startswith(issuer)
    assert "hushtag_session" not in client.cookies
    assert client.get("/v1/me", headers={"Cookie": f"hushtag_session={cookie}"}).status_code == 401


def test_login_of_another_browser_is_refused(provider: IdentityProvider, issuer: str) -> None:
    provider.set_groups("ann", "moderator")
    first, second = client_of(config_of(issuer)), client_of(config_of(issuer))
    agreed = httpx.post(first.get("/login").headers["location"], data={"sub": "ann"})
    assert second.get(agreed.headers["location"]).status_code == 401
    second.get("/login")
    assert second.get(agreed.headers["location"]).status_code == 401
    assert first.get(agreed.headers["location"]).status_code == 303
    assert first.get(agreed.headers["location"]).status_code == 401, "a code is used once"


def test_denied_login_is_refused(issuer: str) -> None:
    client = client_of(config_of(issuer))
    denied = httpx.post(client.get("/login").headers["location"], data={"action": "deny"})
    assert "error=access_denied" in denied.headers["location"]
    assert client.get(denied.headers["location"]).status_code == 401
    assert "hushtag_session" not in client.cookies


def test_person_without_a_role_gets_no_session(provider: IdentityProvider, issuer: str) -> None:
    provider.set_groups("eve", "staff")
    client = client_of(config_of(issuer))
    refused = log_in(client, "eve")
    assert refused.status_code == 403 and "hushtag_session" not in client.cookies


def test_withdrawn_group_and_token_end_the_session(provider: IdentityProvider, issuer: str) -> None:
    provider.set_groups("ben", "moderator", "legal")
    config = config_of(issuer, oidc_recheck_seconds=1)
    client = client_of(config)
    assert log_in(client, "ben").status_code == 303
    provider.set_groups("ben", "reader")
    eventually(lambda: client.get("/v1/orders").status_code == 403)
    assert [one["role"] for one in client.get("/v1/me").json()["grants"]] == ["reader"]
    assert httpx.post(f"{issuer}/users/ben/revoke-tokens").status_code == 204
    eventually(lambda: client.get("/v1/me").status_code == 401)


async def test_provider_is_checked_at_start(issuer: str) -> None:
    other = config_of(issuer.replace("127.0.0.1", "localhost"))
    await Provider(other).check()  # the mock names itself by the address that was asked
    with pytest.raises(DependencyAway):
        await Provider(config_of(f"http://127.0.0.1:{free_port()}")).check()
    with pytest.raises((DependencyAway, SettingsError)):
        await Provider(config_of(f"{issuer}/realm")).check()
