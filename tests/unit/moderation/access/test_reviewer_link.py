"""Tests of the reviewer link: it logs one person in on this machine, until its process ends; all else is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from moderation.access.access import AccessControl
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.access.problems import RefusedCall
from moderation.access.reviewer_link import ReviewerLink, open_reviewer_link
from streams.cli.main import make_app
from streams.clock import now_ms
from streams.constants import DAY_MS
from streams.errors import HushtagError
from streams.settings import Settings
from tests.support.api_calls import Configure, kind_of
from tests.support.in_memory_log import InMemoryLog

URL = "http://127.0.0.1:8710"
BLOCK = {"reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
KEY = "k" * 32


class Reviewer:
    """Browser of a person with a reviewer link."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.link = self.restart()

    def restart(self, clock: Callable[[], int] = now_ms) -> str:
        """Start the server anew, and return the path of its link."""
        access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6))
        settings = Settings(session_key=KEY)  # type: ignore[arg-type]
        access.sessions, access.link, link = open_reviewer_link(settings, URL, "asha", clock)
        cast(FastAPI, self.client.app).state.access = access
        assert link.startswith(f"{URL}/login/link?token=")
        return link.removeprefix(URL)

    def open(self, link: str | None = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(link or self.link, headers=named, follow_redirects=False)


@pytest.fixture
def asha(configure: Configure) -> Iterator[Reviewer]:
    client = configure(KeyRing(None), RateLimit(1e6, 10**6))
    client.cookies.clear()
    yield Reviewer(client)
    client.cookies.clear()


def test_link_logs_in_as_the_named_admin(asha: Reviewer) -> None:
    answer = asha.open()
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=lax" in answer.headers["set-cookie"]
    assert answer.headers["referrer-policy"] == "no-referrer", "the token does not travel on"
    me = asha.client.get("/v1/me").json()
    assert (me["how"], me["writes_as"], me["acts_for_others"]) == ("session", "asha", False)
    assert [one["role"] for one in me["grants"]] == ["admin"]
    headers = {"X-CSRF-Token": me["csrf"], "Idempotency-Key": "k"}
    written = asha.client.post("/v1/overrides", json=BLOCK, headers=headers)
    assert (written.status_code, written.json()["actor"]) == (201, "asha")


def test_call_without_the_session_is_refused(asha: Reviewer, log: InMemoryLog) -> None:
    asha.open()
    asha.client.cookies.clear()
    for headers in ({}, {"Authorization": "Bearer hush_admin"}):
        refused = asha.client.get("/v1/me", headers=headers)
        assert (refused.status_code, kind_of(refused)) == (401, "unauthorised")
        assert "--reviewer" in refused.json()["fix"]
    assert asha.client.post("/v1/overrides", json=BLOCK, headers={"Idempotency-Key": "k"}).status_code == 401
    assert not log.records


def test_link_opens_again_a_day_later(asha: Reviewer) -> None:
    times_ms = [1_000_000]
    link = asha.restart(lambda: times_ms[-1])
    assert asha.open(link).status_code == 303
    times_ms.append(times_ms[0] + DAY_MS)
    assert asha.client.get("/v1/me").status_code == 401, "the first session has ended"
    assert asha.open(link).status_code == 303
    assert asha.client.get("/v1/me").json()["writes_as"] == "asha"


@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token=%ff%00", "?token=a&token=b", "?t=1"])
def test_wrong_token_is_refused(asha: Reviewer, token: str) -> None:
    refused = asha.open(f"/login/link{token}")
    assert (refused.status_code, kind_of(refused)) == (401, "unauthorised")
    assert "set-cookie" not in refused.headers


def test_link_of_an_earlier_start_is_refused(asha: Reviewer) -> None:
    earlier, newer = asha.link, asha.restart()
    assert asha.open(earlier).status_code == 401
    assert asha.open(newer).status_code == 303


def test_guesses_of_the_token_are_limited(asha: Reviewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.access.access.monotonic_seconds", lambda: 0.0)
    codes = [asha.open(f"/login/link?token={number}").status_code for number in range(31)]
    assert codes == [401] * 30 + [429]


@pytest.mark.parametrize("path", ["link", "/v1/me"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8710", "127.0.0.1.evil.example", "169.254.1.1:8710"])
def test_foreign_host_name_is_refused(asha: Reviewer, path: str, host: str) -> None:
    if path != "link":
        asha.open()
    refused = asha.open(None if path == "link" else path, Host=host)
    assert (refused.status_code, kind_of(refused)) == (421, "wrong_host")
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("path", ["link", "/v1/me"])
@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP"])
def test_call_through_a_proxy_is_refused(asha: Reviewer, path: str, header: str) -> None:
    if path != "link":
        asha.open()
    refused = asha.open(None if path == "link" else path, **{header: "10.0.0.7"})
    assert (refused.status_code, kind_of(refused)) == (403, "keys_needed")
    assert "set-cookie" not in refused.headers


def test_form_of_a_foreign_site_is_refused(asha: Reviewer, log: InMemoryLog) -> None:
    assert asha.client.post(asha.link, data={"a": "b"}).status_code == 405
    asha.open()
    token = asha.client.get("/v1/me").json()["csrf"]
    for headers in (
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:8701"}, {"Origin": "null"},
    ):  # fmt: skip
        known = headers | {"Idempotency-Key": "k", "X-CSRF-Token": token}
        refused = asha.client.post("/v1/overrides", json=BLOCK, headers=known)
        assert (refused.status_code, kind_of(refused)) == (403, "csrf"), headers
    assert kind_of(asha.client.post("/v1/overrides", json=BLOCK, headers={"Idempotency-Key": "k"})) == "csrf"
    assert not log.records


def test_login_at_a_provider_is_not_offered(asha: Reviewer) -> None:
    for path in ("/login", "/login/callback?state=a&code=b"):
        refused = asha.open(path)
        assert (refused.status_code, kind_of(refused)) == (401, "unauthorised")


def test_logout_ends_the_session_of_a_link(asha: Reviewer) -> None:
    asha.open()
    token = asha.client.get("/v1/me").json()["csrf"]
    cookie = asha.client.cookies["hushtag_session"]
    assert asha.client.post("/v1/logout", headers={"X-CSRF-Token": token}).json() == {"provider": None}
    refused = asha.client.get("/v1/me", headers={"Cookie": f"hushtag_session={cookie}"})
    assert (refused.status_code, "--reviewer" in refused.json()["fix"]) == (401, True)


def test_session_of_a_link_survives_a_restart(asha: Reviewer) -> None:
    asha.open()
    asha.restart()
    assert asha.client.get("/v1/me").json()["writes_as"] == "asha"


def test_api_without_reviewer_has_no_link(asha: Reviewer) -> None:
    cast(FastAPI, asha.client.app).state.access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6))
    assert asha.open().status_code == 404
    assert asha.client.get("/v1/me").status_code == 401


def test_link_keeps_no_token(asha: Reviewer) -> None:
    link = ReviewerLink("asha", "secret-token")
    assert "secret-token" not in repr(vars(link))
    assert link.person_of("secret-token").name == "asha"
    with pytest.raises(RefusedCall):
        link.person_of("")


OIDC = {
    "HUSHTAG_OIDC_ISSUER": "https://id.example", "HUSHTAG_OIDC_CLIENT_ID": "hushtag",
    "HUSHTAG_PUBLIC_URL": "https://mod.example", "HUSHTAG_SESSION_KEY": KEY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (["--host", "0.0.0.0"], {}, "not loopback"), ([], OIDC, "a login provider is configured"),
        (["--keys", "KEYS"], {}, "keys are set"), ([], {"HUSHTAG_API_KEYS": "KEYS"}, "keys are set"),
    ],
)  # fmt: skip
def test_reviewer_is_refused_beside_other_access(
    tmp_path: Any, options: list[str], environment: dict[str, str], words: str
) -> None:
    (tmp_path / "keys.json").write_text('{"keys": []}')
    named = {"KEYS": str(tmp_path / "keys.json")}
    arguments = ["api", "--reviewer", "asha", *(named.get(one, one) for one in options)]
    result = CliRunner().invoke(
        make_app(arguments[0]), arguments, env={name: named.get(v, v) for name, v in environment.items()}
    )
    assert isinstance(result.exception, HushtagError)
    assert words in str(result.exception) and result.exception.fix


@pytest.mark.parametrize("name", ["a b", "ä", "<i>", "x" * 81, "a\n"])
def test_unusable_name_of_a_reviewer_is_refused(name: str) -> None:
    result = CliRunner().invoke(make_app("api"), ["api", "--reviewer", name])
    assert isinstance(result.exception, HushtagError) and "cannot be used" in str(result.exception)
