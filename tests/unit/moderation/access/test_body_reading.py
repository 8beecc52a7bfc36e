"""Bounds of bodies: how much is parsed, how many faults are answered, and that other calls go on meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from moderation.access.body_reading import MOST_BUILT_FAULTS, MOST_MEMBERS, MOST_VALUES, BodyShape, _check_count
from moderation.access.problems import MOST_FAULTS, RefusedCall
from moderation.http.order_bodies import MOST_TARGETS, IntakeBody
from tests.support.api_calls import ORDER_BODY, kind_of

HEADERS = {"Authorization": "Bearer hush_admin", "Content-Type": "application/json"}
KEY = {"Idempotency-Key": "k"}


def post(client: TestClient, path: str, body: Any, headers: dict[str, str] = KEY) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=content, headers=HEADERS | headers)


def test_many_unknown_members_are_refused_before_they_are_parsed(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.access.body_reading._check_members", lambda _: pytest.fail("it was parsed"))
    refused = post(client, "/v1/overrides", {f"m{number}": 1 for number in range(600_000)})
    assert (refused.status_code, kind_of(refused)) == (413, "too_large")
    assert f"{MOST_VALUES:,}" in refused.json()["detail"] and len(refused.content) < 1_000


def test_every_body_has_a_bound(client: TestClient) -> None:
    body = b"[" + b"1," * (4 * MOST_TARGETS + 1) + b"1]"
    document = cast(FastAPI, client.app).openapi()["paths"]
    paths = [path for path, methods in document.items() if "requestBody" in methods.get("post", {})]
    assert len(paths) > 25
    for path in paths:
        named = path.format_map(Names())
        assert post(client, named, body).status_code in (413, 422), path
        assert kind_of(post(client, named, body)) in ("too_large", "mistake"), path


class Names(dict[str, str]):
    """Values of the parameters of paths, that every path takes."""

    def __missing__(self, name: str) -> str:
        return {"order": "IN-0123456789", "session": "0" * 16, "appeal": "0" * 16}.get(name, "case-" + "0" * 16)


def test_object_with_too_many_members_is_refused(client: TestClient) -> None:
    order = ORDER_BODY | {"targets": [{f"m{n}": 1 for n in range(MOST_MEMBERS + 1)}]}
    refused = post(client, "/v1/orders", order)
    assert (refused.status_code, kind_of(refused)) == (422, "mistake")
    assert "201 members" in refused.json()["detail"]


def test_answer_has_the_first_hundred_faults(client: TestClient) -> None:
    refused = post(client, "/v1/overrides", {f"m{number}": 1 for number in range(150)}, headers={})
    answer = refused.json()
    assert refused.status_code == 422 and len(answer["errors"]) == MOST_FAULTS
    assert "Idempotency-Key" in answer["errors"][0].values(), "faults of parameters are named too"
    assert "150 more" in answer["detail"] or "more)" in answer["detail"]


def test_faulty_targets_are_named_up_to_the_bound(client: TestClient) -> None:
    targets: list[Any] = [{"kind": "account", "target": "1001"}] * 5_000
    targets[3_000:] = [{"kind": "planet", "target": ""}] * 2_000
    answer = post(client, "/v1/orders", ORDER_BODY | {"targets": targets, "reason": "r"}).json()
    assert len(answer["errors"]) == MOST_FAULTS
    assert answer["errors"][0]["pointer"] == "#/targets/3000/kind"
    assert answer["errors"][1]["pointer"] == "#/targets/3000/target"


def test_long_name_of_a_member_is_cut(client: TestClient) -> None:
    refused = post(client, "/v1/overrides", {"x" * 1_000_000: 1})
    assert refused.status_code == 422 and len(refused.content) < 5_000


def test_more_faults_than_can_be_built_are_counted() -> None:
    shape = BodyShape(list[IntakeBody])
    with pytest.raises(RefusedCall, match="faults"):
        shape.validated(json.dumps([{}] * MOST_BUILT_FAULTS).encode())


@pytest.mark.parametrize("body", [b"{", b'{"a": "\\', b"\xff", b"[" * 10_000, b'"' * 9_999, b"NaN,"])
def test_body_that_is_no_json_is_malformed(client: TestClient, body: bytes) -> None:
    refused = post(client, "/v1/overrides", body)
    assert (refused.status_code, kind_of(refused)) == (400, "malformed")


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_values_are_counted_outside_of_texts(content: Any) -> None:
    """Reference: count the values of the parsed JSON."""

    def counted(value: Any) -> tuple[int, int]:
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        below = [counted(one) for one in inner]
        members = len(value) if isinstance(value, dict) else 0
        commas = max(len(inner) - 1, 0)
        return members + sum(one[0] for one in below), commas + sum(one[1] for one in below)

    def objects(value: Any) -> int:
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        return isinstance(value, dict | list) + sum(map(objects, inner))

    most = max(*counted(content), objects(content))
    for ensure_ascii in (True, False):
        _check_count(json.dumps(content, ensure_ascii=ensure_ascii), most)
        with pytest.raises(RefusedCall):
            _check_count(json.dumps(content, ensure_ascii=ensure_ascii), most - 1)


async def test_other_calls_are_answered_while_a_body_is_validated(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, answered, validate = threading.Event(), threading.Event(), BodyShape.validated

    def waiting(shape: BodyShape, body: bytes) -> Any:
        entered.set()
        assert answered.wait(10), "no other call was answered"
        return validate(shape, body)

    monkeypatch.setattr(BodyShape, "validated", waiting)
    transport = httpx.ASGITransport(app=client.app, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=HEADERS) as other:
        slow = asyncio.create_task(other.post("/v1/overrides", json={}, headers=KEY))
        await asyncio.to_thread(entered.wait)
        assert (await other.get("/v1/me")).status_code == 200
        answered.set()
        assert (await slow).status_code == 422
