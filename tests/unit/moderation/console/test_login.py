"""The login page with an API key: whose keys open a session, from where, and what it may do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from httpx import Response
from structlog.testing import capture_logs

from moderation.access.access import AccessControl
from moderation.access.keys import ApiKey, KeyRing, hash_of
from moderation.access.limits import RateLimit
from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity, Provider
from moderation.access.sessions import Sessions
from moderation.console.login import MOST_FORM_BYTES
from tests.support.api_calls import RING
from tests.support.console_client import console_client, words_of_page

URL = "https://mod.example"
CONFIG = SessionConfig(url=URL, session_seconds=3_600)
OWN = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-Proto": "https"}
PHONE = ApiKey(name="ann-phone", role="moderator", person="ann", sha256=hash_of("hush_phone"))
SERVICE = ApiKey(name="app", role="moderator", acts_for_others=True, sha256=hash_of("hush_app"))


class KeyBrowser:
    """Browser at the login page of a console with keys, and the clock of the server."""

    def __init__(self, config: SessionConfig = CONFIG, provider: Any = None) -> None:
        self.client = console_client()
        self.client.base_url = config.url  # type: ignore[assignment]
        self.client.follow_redirects = False
        self.at_ms = 1_000_000_000
        sessions = Sessions(
            config, cast(Provider, provider), "k" * 32, lambda: self.at_ms, "log in: GET /console/login"
        )
        self.access = AccessControl(KeyRing.of([*RING, PHONE, SERVICE]), RateLimit(1e6, 10**6), (), sessions)
        cast(FastAPI, self.client.app).state.access = self.access

    def form(self, path: str = "/console/queue") -> str:
        shown = self.client.get("/console/login", params={"next": path})
        assert shown.status_code == 200, shown.text
        return state_of(shown)

    def send(self, key: str, state: str | None = None, headers: dict[str, str] | None = None) -> Response:
        fields = {"state": self.form() if state is None else state, "key": key}
        return self.client.post("/console/login", data=fields, headers=OWN if headers is None else headers)


def state_of(shown: Response) -> str:
    match = re.search(r'name="state" value="([^"]+)"', shown.text)
    assert match is not None
    return match[1]


@pytest.fixture
def ann() -> KeyBrowser:
    return KeyBrowser()


def test_key_opens_a_session_with_its_rights(ann: KeyBrowser) -> None:
    done = ann.send("  hush_phone\n")
    assert (done.status_code, done.headers["location"]) == (303, "/console/queue")
    cookies = done.headers.get_list("set-cookie")
    assert all("HttpOnly" in one and "Secure" in one and one.startswith("__Host-") for one in cookies)
    me = ann.client.get("/v1/me").json()
    assert (me["how"], me["name"], me["writes_as"], me["acts_for_others"]) == ("session", "ann-phone", "ann", False)
    assert [one["role"] for one in me["grants"]] == ["moderator"]
    assert ann.client.get("/console/queue").status_code == 200
    assert ann.client.get("/v1/orders").status_code == 403


@pytest.mark.parametrize("key", ["hush_admin", "hush_app"])
def test_key_of_an_admin_or_service_opens_no_session(ann: KeyBrowser, key: str) -> None:
    refused = ann.send(key)
    assert refused.status_code == 403 and "opens no session" in words_of_page(refused)
    assert ann.client.get("/v1/me").status_code == 401


@pytest.mark.parametrize("key", ["", "hush_", "hush_nobody", "hush_moderator x", "é"])
def test_unknown_key_shows_the_form_again_without_it(ann: KeyBrowser, key: str) -> None:
    refused = ann.send(key)
    assert refused.status_code == 401 and "This key is unknown" in words_of_page(refused)
    assert f'value="{key}"' not in refused.text
    assert ann.send("hush_moderator", state_of(refused)).status_code == 303


@pytest.mark.parametrize("ring", [[*RING], [*RING, ApiKey(name="ann", role="admin", sha256=PHONE.sha256)]])
def test_session_ends_with_its_key(ann: KeyBrowser, ring: list[ApiKey]) -> None:
    ann.send("hush_phone")
    ann.access.ring = KeyRing.of(ring)
    ended = ann.client.get("/v1/me")
    assert ended.status_code == 401 and ended.json()["fix"] == "log in: GET /console/login"
    assert ann.client.get("/console/queue").headers["location"] == "/console/login?next=%2Fconsole%2Fqueue"


def test_session_of_a_key_ends_in_time(ann: KeyBrowser) -> None:
    ann.send("hush_phone")
    ann.at_ms += 3_600_000
    assert ann.client.get("/v1/me").status_code == 401


def test_provider_is_not_asked_about_a_key() -> None:
    class Away:
        async def renew(self, subject: str, refresh_token: str) -> None:
            raise AssertionError

    ann = KeyBrowser(replace(CONFIG, recheck_seconds=1.0), Away())
    assert 'href="/login?next=%2Fconsole"' in ann.client.get("/console/login").text
    ann.send("hush_phone")
    ann.at_ms += 60_000
    assert ann.client.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)  # fmt: skip
def test_form_of_another_site_is_refused(ann: KeyBrowser, headers: dict[str, str]) -> None:
    assert ann.send("hush_phone", headers=headers).status_code == 403
    assert ann.client.get("/v1/me").status_code == 401


@pytest.mark.parametrize("state", ["", "other", "é"])
def test_form_of_another_browser_is_refused(ann: KeyBrowser, state: str) -> None:
    ann.form()
    assert ann.send("hush_phone", state).status_code == 401
    own = ann.form()
    ann.client.cookies.clear()
    assert ann.send("hush_phone", own).status_code == 401
    assert ann.client.get("/v1/me").status_code == 401


def test_form_of_an_earlier_tab_stays_valid(ann: KeyBrowser) -> None:
    first = ann.form()
    ann.form("/console/held")
    assert ann.send("hush_phone", first).status_code == 303


@pytest.mark.parametrize(
    "headers", [{"Host": "10.0.0.5:8710"}, {"Host": "evil.example"}, {"X-Forwarded-Proto": "http"}]
)
def test_key_is_taken_only_at_the_public_address(ann: KeyBrowser, headers: dict[str, str]) -> None:
    shown = ann.client.get("/console/login", headers=headers)
    assert shown.status_code == 421 and URL in words_of_page(shown) and 'name="key"' not in shown.text
    assert ann.send("hush_phone", headers=OWN | headers).status_code == 421


@pytest.mark.parametrize("host", ["[", "a]b", "[zz]", "x/y"])
def test_malformed_host_is_refused(ann: KeyBrowser, host: str) -> None:
    assert ann.client.get("/console/login", headers={"Host": host}).status_code == 421


def test_session_of_a_link_ends_with_its_kind_of_login(ann: KeyBrowser) -> None:
    by_link = Sessions(CONFIG, None, "k" * 32, lambda: ann.at_ms)
    admin = by_link.begin(Identity("asha", "asha", ("admin",), ""))
    kept = {"Cookie": f"{by_link.cookie}={by_link.encrypt(admin)}"}
    assert ann.client.get("/v1/me", headers=kept).status_code == 401


def test_address_without_tls_takes_no_key_through_a_proxy() -> None:
    ann = KeyBrowser(replace(CONFIG, url="http://127.0.0.1:8710"))
    assert ann.send("hush_phone", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert ann.client.get("/console/login", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 421


def test_other_name_of_this_machine_leads_to_the_public_address() -> None:
    ann = KeyBrowser(replace(CONFIG, url="http://127.0.0.1:8710"))
    led = ann.client.get("/console/login?next=%2Fconsole%2Fheld", headers={"Host": "localhost:8710"})
    assert led.headers["location"] == "http://127.0.0.1:8710/console/login?next=%2Fconsole%2Fheld"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"])
def test_login_with_a_key_leads_to_no_other_server(ann: KeyBrowser, path: str) -> None:
    assert ann.send("hush_phone", ann.form(path)).headers["location"] == "/console"


def test_wrong_keys_are_limited_for_each_address(ann: KeyBrowser) -> None:
    statuses = [ann.send("hush_wrong").status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert ann.client.get("/v1/me", headers={"Authorization": "Bearer x"}).status_code == 429, "one limit for both ways"


def test_long_form_is_refused(ann: KeyBrowser) -> None:
    assert ann.send("x" * MOST_FORM_BYTES).status_code == 413


def test_key_is_in_no_log_and_no_address(ann: KeyBrowser) -> None:
    with capture_logs() as logs:
        done = ann.send("hush_phone")
        ann.send("hush_wrong")
    assert [one["caller"] for one in logs if one["status"] == 303] == ["ann-phone"]
    assert "hush_phone" not in f"{logs}{done.headers}" and "hush_wrong" not in str(logs)


def test_login_page_leads_on_where_it_takes_no_keys(ann: KeyBrowser) -> None:
    cast(FastAPI, ann.client.app).state.access.ring = KeyRing(None)
    assert ann.client.get("/console/login").status_code == 404
    cast(Any, ann.access.sessions).provider = object()
    assert ann.client.get("/console/login").headers["location"] == "/login?next=%2Fconsole"


def test_login_without_a_provider_leads_to_the_form(ann: KeyBrowser) -> None:
    led = ann.client.get("/login?next=%2Fconsole%2Fheld")
    assert (led.status_code, led.headers["location"]) == (303, "/console/login?next=%2Fconsole%2Fheld")
