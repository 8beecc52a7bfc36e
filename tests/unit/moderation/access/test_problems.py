"""Tests of refusals: one shape, all faults at once, and the words of HTTP."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from moderation.access.problems import PROBLEMS, http_words, problem, problem_of_status
from tests.support.api_calls import Calls, kind_of
from tests.support.in_memory_log import InMemoryLog

MODULES = [*Path("moderation").rglob("*.py"), Path("streams/naming.py")]
TERMINAL_ONLY = {"cli", "publiclog", "notify", "report", "http"}
"""Rooms whose errors only commands raise, or that word them for HTTP."""


def test_all_faults_of_a_body_are_reported_with_pointers(client: TestClient, log: InMemoryLog) -> None:
    body = {
        "hashtag": "two words", "action": "ban", "country": "Indya", "surfaces": ["trends", "trend"], "lasts": "long",
        "until": "soon", "more/less": 1, "if_version": "7", "reason": " ",
    }  # fmt: skip
    refused = Calls(client).post("/v1/overrides", **body)
    assert (refused.status_code, kind_of(refused)) == (422, "mistake")
    assert {one["pointer"] for one in refused.json()["errors"]} == {
        "#/hashtag", "#/action", "#/country", "#/surfaces/1", "#/lasts", "#/until", "#/more~1less", "#/if_version",
        "#/reason",
    }  # fmt: skip
    assert not log.records


def test_faults_name_parameters_and_speak_plainly(client: TestClient) -> None:
    refused = Calls(client).get("/v1/overrides", limit="ten", country="Indya", cursor="x" * 3_000).json()
    assert {one["parameter"] for one in refused["errors"]} == {"limit", "country", "cursor"}
    found = {one["parameter"]: one["detail"] for one in refused["errors"]}
    assert found["limit"] == "an integer is needed, not 'ten' (query parameter)"
    missing = Calls(client).post("/v1/overrides").json()
    assert {"pointer": "#/hashtag", "detail": "this member is required"} in missing["errors"]


def test_lasting_and_end_exclude_each_other_in_words_of_http(client: TestClient) -> None:
    refused = Calls(client).post(
        "/v1/overrides", hashtag="t", action="block", lasts="2h", until="2999-01-01", if_version=""
    )
    [fault] = refused.json()["errors"]
    assert fault["pointer"] == "#/until" and "`lasts` and `until` exclude each other" in fault["detail"]


def test_malformed_json_is_a_type_of_its_own(client: TestClient) -> None:
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "k", "Content-Type": "application/json"}
    refused = client.post("/v1/overrides", content=b"{", headers=headers)
    assert (refused.status_code, kind_of(refused)) == (400, "malformed")


@pytest.mark.parametrize("name", PROBLEMS)
def test_type_of_a_problem_is_an_address_that_describes_it(client: TestClient, name: str) -> None:
    body = problem(name, "d")
    described = client.get(body["type"]).json()
    assert (described["status"], described["title"]) == (body["status"], body["title"])
    assert described["meaning"]


def test_unknown_status_has_no_type_of_its_own() -> None:
    assert problem_of_status(418, "teapot") == {
        "type": "about:blank", "title": "teapot", "status": 418, "detail": "teapot", "fix": "see /openapi.json",
    }  # fmt: skip


def test_errors_of_services_lose_the_words_of_the_terminal() -> None:
    found = [text for path in MODULES for text in _error_texts(path)]
    assert len(found) > 60
    foreign = [
        text for text in found if re.search(r"(^|\s)--[a-z]|hushtag (?!topics|up|api|acls|skip)[a-z]", http_words(text))
    ]
    assert not foreign


def _error_texts(path: Path) -> list[str]:
    """Return the texts of all errors that a module raises; an f-string's values become X."""
    if path.parent.name in TERMINAL_ONLY:
        return []
    calls = [node.exc for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise) and node.exc]
    return [
        _text(part)
        for call in calls
        for part in ast.walk(call)
        if isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
    ]


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "X" for one in node.values)
    assert isinstance(node, ast.Constant)
    return str(node.value)
