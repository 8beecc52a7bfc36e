"""deploy/nginx/hushtag.conf in a real nginx, before servers on real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.http.app import create_app
from streams.serving import ServerInThread, listening_socket
from tests.support.api_calls import RING, kind_of
from tests.support.moderation_world import ApiWorld
from tests.support.nginx import CONF, NGINX, Proxied, start_nginx
from web.callers import parse_networks

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx)")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the headers of the request."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-echo", json.dumps(headers).encode())]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def servers() -> Iterator[dict[str, int]]:
    """Ports of the API with keys, the API without, and an echo."""
    world, limit = ApiWorld(), RateLimit(1e6, 1_000_000)
    trusted = parse_networks("127.0.0.1")
    apps = {
        "keyed": create_app(world.services, KeyRing.of(RING), limit, trusted),
        "keyless": create_app(world.services, KeyRing(None), limit, trusted),
        "echo": echo,
    }
    running = {name: ServerInThread(app, listening_socket("127.0.0.1", 0), name) for name, app in apps.items()}
    yield {name: server.port for name, server in running.items()}
    for server in running.values():
        server.stop()


@pytest.fixture
def proxied(servers: dict[str, int], tmp_path: Path) -> Iterator[Proxied]:
    process, found = start_nginx(tmp_path, servers["keyed"], servers["echo"])
    yield found
    process.terminate()
    process.wait(30)


def test_proxy_replaces_the_caller_s_forwarding_headers(proxied: Proxied) -> None:
    written = {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6"}
    seen = json.loads(proxied.call("trends.example.org", "/", headers=written).headers["x-echo"])
    assert "6.6.6.6" not in seen.values()
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert seen["host"] == "trends.example.org"


def test_guesses_through_proxy_are_limited(proxied: Proxied) -> None:
    answers = [
        proxied.call("api.example.org", "/v1/overrides", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(12)
    ]
    assert [one.status_code for one in answers] == [401] * 10 + [429] * 2
    assert kind_of(answers[-1]) == "too_often"
    key = {"Authorization": "Bearer hush_reader"}
    allowed = proxied.call("api.example.org", "/v1/overrides", headers=key)
    assert allowed.status_code == 200 and "max-age" in allowed.headers["Strict-Transport-Security"]


def test_errors_of_the_proxy_have_security_headers(proxied: Proxied) -> None:
    large = proxied.call("api.example.org", "/v1/overrides", "POST", content=b"x" * (9 * 1024 * 1024))
    away = proxied.call("search.example.org", "/")
    assert (large.status_code, away.status_code) == (413, 502)
    for answer in (large, away):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "nginx/" not in answer.headers["Server"]
    assert (large.headers["Content-Type"], large.json()["status"]) == ("application/problem+json", 413)


def test_proxy_keeps_probes_of_the_api_to_itself(proxied: Proxied) -> None:
    assert [proxied.call("api.example.org", path).status_code for path in ("/metrics", "/readyz", "/healthz")] == [
        404, 404, 200,
    ]  # fmt: skip


def test_proxy_redirects_to_tls_and_refuses_other_names(proxied: Proxied) -> None:
    plain = httpx.get(f"http://127.0.0.1:{proxied.port}/x?y=1", headers={"Host": "trends.example.org"})
    assert (plain.status_code, plain.headers["Location"]) == (308, "https://trends.example.org/x?y=1")
    with pytest.raises(httpx.ConnectError):
        proxied.call("evil.example", "/")


PROXY_LINES = {line: "" for line in CONF.read_text("utf-8").splitlines() if line.startswith("proxy_")}


@pytest.mark.parametrize(
    ("other", "status", "word"),
    [
        ({}, 421, "localhost"),
        ({"Host $host": "Host $proxy_host"}, 403, "x-forwarded-for"),
        (PROXY_LINES, 403, "HTTP/1.0"),
    ],
    ids=["as shipped", "other host", "nginx's defaults"],
)
def test_keyless_api_refuses_calls_through_proxy(
    servers: dict[str, int], tmp_path: Path, other: dict[str, str], status: int, word: str
) -> None:
    process, proxied = start_nginx(tmp_path, servers["keyless"], servers["echo"], other)
    try:
        answer = proxied.call("api.example.org", "/v1/overrides")
        assert answer.status_code == status and word in answer.json()["detail"]
    finally:
        process.terminate()
        process.wait(30)
