"""Refusals in a browser: a page in the console's look with a way to go on; programs keep the problem."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.access import AccessControl
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.access.oidc import Provider
from moderation.access.problems import RefusedCall
from moderation.access.reviewer_link import open_reviewer_link
from moderation.access.sessions import Sessions
from moderation.console.refusals import API_WORDS
from moderation.console.render import templates
from streams.clock import now_ms
from streams.errors import DependencyAway
from streams.settings import Settings
from tests.support.api_calls import OIDC_CONFIG, RING, decision
from tests.support.console_client import console_app
from tests.support.moderation_world import ApiWorld

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MODERATOR = BROWSER | {"Authorization": "Bearer hush_moderator"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """An application with pages that fail."""
    app = console_app(ApiWorld(decision()))
    for name, error in (
        ("stale", RefusedCall("stale", "ann decided it first", "GET /v1/cases")), ("away", DependencyAway("no Kafka")),
        ("bug", ZeroDivisionError("secret of the server")),
    ):  # fmt: skip
        _add_failing_page(app, f"/console-test/{name}", error)
    return app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    app.state.access = AccessControl(KeyRing.of(RING), RateLimit(1e6, 10**6))
    return TestClient(
        app,
        base_url="http://127.0.0.1:8710",
        client=("127.0.0.1", 50000),
        raise_server_exceptions=False,
        follow_redirects=False,
    )


def _add_failing_page(app: FastAPI, path: str, error: Exception) -> None:
    @app.get(path)
    async def fail() -> None:
        raise error


def assert_page(answer: Any, status: int) -> str:
    """Check that an answer is a page of the console with a way to go on, and return its main part."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    main = re.search(r"<main.*</main>", answer.text, re.DOTALL)
    assert main and "console.css" in answer.text
    words = re.sub(r"<[^>]+>", " ", main[0])
    assert not re.search(API_WORDS, words), words
    assert "<a " in main[0] or "Open the link" in words
    return words


def login_by_link(client: TestClient) -> str:
    """Let a reviewer link be the only login, and return its address."""
    access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6))
    access.sessions, access.link, link = open_reviewer_link(Settings(), "http://127.0.0.1:8710", "asha")
    cast(FastAPI, client.app).state.access = access
    return link


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/console/nowhere", 404, "There is no page"), ("/nowhere", 404, "There is nothing at"),
        ("/console/people", 403, "this call needs admin"),
        ("/console-test/stale", 409, "Ann decided it first"), ("/console-test/away", 503, "cannot read or record"),
        ("/console-test/bug", 500, "The server failed"),
        ("/console/queue?rows=many", 422, "Rows: an integer is needed"),
    ],
)  # fmt: skip
def test_refusal_in_a_browser_is_a_page(client: TestClient, path: str, status: int, words: str) -> None:
    text = assert_page(client.get(path, headers=MODERATOR), status)
    assert words in text and "secret of the server" not in text


def test_page_without_login_offers_none_where_none_is(client: TestClient) -> None:
    assert "ask an admin" in assert_page(client.get("/console/queue", headers=BROWSER), 401)


def test_page_without_session_names_the_link_of_the_terminal(client: TestClient) -> None:
    login_by_link(client)
    for path in ("/console", "/console/queue", "/login/link?token=cut", "/login?next=%2Fconsole%2Fclosed"):
        assert "Open the link again" in assert_page(client.get(path, headers=BROWSER), 401), path


def test_page_without_session_leads_to_the_login(client: TestClient) -> None:
    sessions = Sessions(OIDC_CONFIG, Provider(OIDC_CONFIG), "k" * 32, now_ms)
    cast(FastAPI, client.app).state.access = AccessControl(KeyRing(None), RateLimit(1e6, 10**6), (), sessions)
    answer = client.get("/console/queue?why=held", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/console/login?next=%2Fconsole%2Fqueue%3Fwhy%3Dheld",
    )
    refused = client.get("/login/callback?state=a&error=denied", headers=BROWSER)
    assert_page(refused, 401)
    assert 'href="/console/login"' in refused.text, "no redirect: the provider would refuse again"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/console/nowhere", {"Accept": "application/json"}), ("/console/nowhere", {"Accept": "*/*"}),
        ("/console/nowhere", {"HX-Request": "true"}), ("/v1/nowhere", {}), ("/v1/cases?limit=x", {}),
    ],
)  # fmt: skip
def test_program_gets_the_problem(client: TestClient, path: str, headers: dict[str, str]) -> None:
    answer = client.get(path, headers=MODERATOR | headers)
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["fix"]


def test_failing_page_is_refused_by_a_page(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("moderation.console.render.countries.country_name", fail)
    monkeypatch.setattr("moderation.console.queue.page", fail)
    assert templates()
    assert_page(client.get("/console/queue", headers=MODERATOR), 500)


def test_refusal_keeps_its_headers(client: TestClient) -> None:
    cast(FastAPI, client.app).state.access = AccessControl(KeyRing.of(RING), RateLimit(0.001, 1))
    client.get("/console/queue", headers=MODERATOR)
    refused = client.get("/console/queue", headers=MODERATOR)
    assert_page(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
