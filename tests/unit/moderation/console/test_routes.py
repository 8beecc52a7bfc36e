"""The pages behind access control: who may open them, and how a refusal looks."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from tests.support.api_calls import decision
from tests.support.console_client import console_client
from web.headers import CONTENT_SECURITY_POLICY


@pytest.fixture
def client() -> TestClient:
    return console_client(decision())


def test_page_without_a_login_is_refused_as_page(client: TestClient) -> None:
    answer = client.get("/console/queue")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "You are not logged in" in answer.text


def test_part_without_a_login_is_refused_as_problem(client: TestClient) -> None:
    answer = client.get("/console/queue", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_page_beyond_the_role_is_refused_with_its_roles(client: TestClient) -> None:
    answer = client.get("/console/queue", headers={"Authorization": "Bearer hush_reader"})
    assert answer.status_code == 403
    assert "this call needs admin, moderator" in answer.text


def test_pages_have_no_inline_script_or_style(client: TestClient) -> None:
    page = client.get("/console/queue", headers={"Authorization": "Bearer hush_moderator"})
    assert page.status_code == 200
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", page.text)
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(("role", "path"), [("moderator", "/console/queue"), ("legal", "/console/orders")])
def test_home_leads_to_the_first_page_of_the_role(client: TestClient, role: str, path: str) -> None:
    answer = client.get("/console", headers={"Authorization": f"Bearer hush_{role}"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert client.get("/", follow_redirects=False).headers["location"] == "/console"


def test_unknown_address_is_answered_by_a_page(client: TestClient) -> None:
    answer = client.get("/console/nowhere", headers={"Authorization": "Bearer hush_moderator"})
    assert answer.status_code == 404
    assert "There is no page" in answer.text and "<main" in answer.text
