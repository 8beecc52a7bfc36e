"""The sidecar's HTTP API: answers, fallbacks and invalid requests."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hushtag_client import MemoryFlagsClient, MemoryServer, Register
from hushtag_client.sidecar import MOST_BYTES, MOST_HASHTAGS, main, make_app

NOW_MS = 1_800_000_000_000


def suppressed(tag: str, **members: Any) -> Register:
    return Register(version="1", action="suppress", hashtag=tag, surface="trends", expires_at_ms=NOW_MS + 1, **members)


async def ask(method: str, path: str, *, seeded: bool = True, **request: Any) -> httpx.Response:
    server = MemoryServer()
    if seeded:
        account = Register(version="1", action="suppress", hashtag="7", surface="account", country="IN", source="legal")
        contested = Register(
            version="1", action="discount", hashtag="contested", surface="trends", expires_at_ms=NOW_MS + 1, weight=0.25
        )
        hidden = [suppressed("sometag", country="IN"), suppressed("किसान")]
        server.seed([*hidden, contested, account], settled_ms=NOW_MS)
    else:
        server.away = True
    app = make_app(MemoryFlagsClient(server, clock=lambda: NOW_MS, surface_defaults={"search": "hide"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sidecar") as client:
        return await client.request(method, path, **request)


async def test_check_answers_with_register() -> None:
    response = await ask("GET", "/v1/check", params={"hashtag": "#SomeTag", "surface": "trends", "country": "IN"})
    body = response.json()
    assert (response.status_code, body["hashtag"], body["shown"], body["why"]) == (200, "sometag", False, "flagged")
    assert (body["surface"], body["country"], body["register"]["country"]) == ("trends", "IN", "IN")
    assert body["weight"] == 1.0
    body = (await ask("GET", "/v1/check", params={"hashtag": "SomeTag", "surface": "trends"})).json()
    assert (body["shown"], body["why"], body["register"], body["country"]) == (True, "clear", None, None)


async def test_check_answers_with_weight_of_discount() -> None:
    body = (await ask("GET", "/v1/check", params={"hashtag": "contested", "surface": "trends"})).json()
    assert (body["shown"], body["why"], body["weight"]) == (True, "clear", 0.25)
    assert (body["register"]["action"], body["register"]["weight"]) == ("discount", 0.25)


async def test_check_many_answers_in_order() -> None:
    asked = {"hashtags": ["a", "किसान", "\ud800"], "surface": "trends", "country": None}
    response = await ask("POST", "/v1/check_many", content=json.dumps(asked))
    assert [answer["shown"] for answer in response.json()["answers"]] == [True, False, True]
    assert (await ask("POST", "/v1/check_many", json={"hashtags": [], "surface": "trends"})).json() == {"answers": []}


async def test_readiness_names_shards_that_are_behind() -> None:
    server = MemoryServer()
    server.seed([], settled_ms=NOW_MS)
    server.beat({0: NOW_MS, 1: NOW_MS - 600_000}, NOW_MS, 3)
    server.finish("1", server.incarnation)
    app = make_app(MemoryFlagsClient(server, clock=lambda: NOW_MS))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sidecar") as client:
        body = (await client.get("/readyz")).json()
    assert (body["ready"], body["fresh"]) == (True, False)
    assert (body["behind_shards"], body["missing_shards"], body["oldest_settled_ms"]) == ([1], [2], NOW_MS - 600_000)


async def test_odd_evidence_does_not_break_an_answer() -> None:
    server = MemoryServer()
    odd = suppressed("sometag", evidence={"authors": float("nan"), "reason": "\ud800"}, actor="\ud800")
    server.seed([], settled_ms=NOW_MS)
    server.put("0", [(odd.field, json.dumps(odd.as_dict()).encode())])
    app = make_app(MemoryFlagsClient(server, clock=lambda: NOW_MS))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sidecar") as client:
        response = await client.get("/v1/check", params={"hashtag": "sometag", "surface": "trends"})
    assert (response.status_code, response.json()["shown"]) == (200, False)
    assert response.json()["register"]["evidence"] == {"authors": None, "reason": "?"}


async def test_check_without_redis_returns_fallback() -> None:
    body = (await ask("GET", "/v1/check", seeded=False, params={"hashtag": "a", "surface": "search"})).json()
    assert (body["shown"], body["why"]) == (False, "unavailable")
    assert (await ask("GET", "/healthz", seeded=False)).status_code == 200
    ready = await ask("GET", "/readyz", seeded=False)
    assert (ready.status_code, ready.json()["ready"]) == (503, False)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"hashtag": "a"},
        {"surface": "trends"},
        {"hashtag": "a", "surface": ""},
        {"hashtag": "a" * 10_001, "surface": "x"},
    ],
)
async def test_invalid_check_is_refused(query: dict[str, str]) -> None:
    response = await ask("GET", "/v1/check", params=query)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 200_000, b'{"surface": "trends"}',
        b'{"hashtags": "a", "surface": "trends"}', b'{"hashtags": [1], "surface": "trends"}',
        b'{"hashtags": ["a"], "surface": "\\ud800"}', b'{"hashtags": ["a"], "surface": "x", "country": "\\udfff"}',
        b'{"hashtags": ["a"], "surface": 3}', b'{"hashtags": ["a"], "surface": "trends", "country": 3}',
        json.dumps({"hashtags": ["a"] * (MOST_HASHTAGS + 1), "surface": "trends"}).encode(), b" " * (MOST_BYTES + 1),
    ],
    ids=lambda body: ascii(body[:40]),
)  # fmt: skip
async def test_invalid_check_many_is_refused(body: bytes) -> None:
    response = await ask("POST", "/v1/check_many", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_invalid_redis_url_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--redis-url", "http://x"])
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["99999", "0", "http"])
def test_port_that_cannot_work_exits_with_2(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", port])
    assert ended.value.code == 2
    assert f"'{port}' is not a port from 1 to 65535" in capsys.readouterr().err


async def test_visibility_of_account_and_tweet() -> None:
    body = (await ask("GET", "/v1/visibility", params={"account": "7", "country": "IN"})).json()
    assert body == {"account": "7", "country": "IN", "visibility": "withheld", "warning": None}
    assert (await ask("GET", "/v1/visibility", params={"account": "7"})).json()["visibility"] == "visible"
    assert (await ask("GET", "/v1/visibility", params={"tweet": "7", "country": "IN"})).json()[
        "visibility"
    ] == "visible"


@pytest.mark.parametrize("query", [{}, {"account": "x"}, {"account": "1", "tweet": "2"}, {"account": "\u0967"}])
async def test_invalid_visibility_request_is_refused(query: dict[str, str]) -> None:
    response = await ask("GET", "/v1/visibility", params=query)
    assert (response.status_code, "digits" in response.json()["error"]) == (400, True)
