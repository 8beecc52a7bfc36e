"""Tests of authentication, roles, rate limits, sizes, keys and idempotency."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from moderation.access.access import AccessControl
from moderation.access.idempotency import IdempotencyStore, InProgress, KeyReused, WriteAnswer
from moderation.access.keys import ALLOWED, ROLES, ApiKey, KeyRing, hash_of, new_key, parse_keys
from moderation.access.limits import RateLimit
from moderation.cli import console as console_cli
from moderation.cli import keys as cli
from streams.errors import CallerMistake
from tests.support.api_calls import (
    KEYS,
    ORDER_BODY,
    RING,
    Calls,
    Configure,
    appealed_against_an_order,
    block,
    kind_of,
)
from tests.support.endpoints import ALL_ROLES, APPEAL, CASE, ENDPOINTS, ORDER, STREAMS, WITHOUT_ACTOR
from tests.support.in_memory_log import InMemoryLog
from web.callers import parse_networks


def call(client: TestClient, method: str, path: str, headers: dict[str, str], actor: str = "ann") -> Response:
    filled = path.format(
        hashtag="t",
        job="j",
        revision="0" * 12,
        appeal=APPEAL,
        amendment="a1",
        order=ORDER,
        case=CASE,
        run="r",
        name="n",
        file="f",
        session="0" * 16,
        number="0",
    )
    body = ENDPOINTS[method, path][1]
    if body is None:
        return client.get(filled, headers=headers, params={"recipient": "x", "site": "https://x.example"})
    whole = body if path in WITHOUT_ACTOR else {"actor": actor, "reason": "r"} | body
    return client.post(filled, json=whole, headers=headers | {"Idempotency-Key": "k"})


def test_table_covers_every_endpoint(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == set(ENDPOINTS) | STREAMS


@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=lambda part: part)
def test_role_may_call_only_its_endpoints(client: TestClient, log: InMemoryLog, method: str, path: str) -> None:
    roles = ENDPOINTS[method, path][0]
    response = call(client, method, path, {})
    assert (response.status_code, kind_of(response)) == (401, "unauthorised")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    for role in sorted(ROLES, key=lambda role: role in roles):
        response = call(client, method, path, {"Authorization": f"Bearer {KEYS[role]}"}, actor=role)
        if role in roles:
            assert response.status_code in (200, 201, 202, 404, 409), (role, response.text)
        else:
            assert (response.status_code, kind_of(response)) == (403, "forbidden"), role
            assert not log.records, role


@pytest.mark.parametrize(
    "authorization",
    ["Bearer nonsense", "Bearer ", "Bearer", "Basic aHVzaF9hZG1pbg==", "hush_admin", "Bearer hush_adminx"],
)
def test_wrong_key_is_refused_before_body_is_parsed(client: TestClient, authorization: str) -> None:
    response = client.post("/v1/overrides", content=b"{not json", headers={"Authorization": authorization})
    assert response.status_code == 401


def test_document_lists_roles_of_each_route(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for (method, path), (roles, _) in ENDPOINTS.items():
        assert set(document["paths"][path][method.lower()]["x-roles"]) == roles
    assert document["security"] == [{"key": []}, {"session": []}]
    assert set().union(*ALLOWED.values()) == ALL_ROLES


def test_without_keys_only_localhost_is_served(configure: Configure) -> None:
    local = configure(KeyRing(None), RateLimit(1e6, 1_000_000))
    assert local.get("/v1/overrides", headers={"Host": "[::1]:8710"}).status_code == 401
    for host in ("evil.example", "evil.example:8710", "127.0.0.1.evil.example", ""):
        assert local.get("/v1/overrides", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer hush_admin"}, {"Authorization": "Bearer "}])
def test_without_keys_no_call_is_admitted(configure: Configure, log: InMemoryLog, headers: dict[str, str]) -> None:
    local = configure(KeyRing(None), RateLimit(1e6, 1_000_000))
    body = {"actor": "a", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    assert local.get("/v1/overrides", headers=headers).status_code == 401
    written = local.post("/v1/overrides", json=body, headers=headers | {"Idempotency-Key": "k"})
    assert (written.status_code, kind_of(written)) == (401, "unauthorised")
    assert not log.records


FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Via")


@pytest.mark.parametrize("header", FORWARDING)
def test_without_keys_proxied_call_is_refused(configure: Configure, log: InMemoryLog, header: str) -> None:
    local = configure(KeyRing(None), RateLimit(1e6, 1_000_000))
    body = {"actor": "a", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    headers = {"Idempotency-Key": "k", header: "127.0.0.1"}
    for response in (local.get("/v1/audit", headers=headers), local.post("/v1/overrides", json=body, headers=headers)):
        assert (response.status_code, kind_of(response)) == (403, "keys_needed")
        assert header.lower() in response.json()["detail"] and "--keys" in response.json()["fix"]
    assert not log.records


def test_without_keys_call_of_another_machine_is_refused(configure: Configure) -> None:
    app = configure(KeyRing(None), RateLimit(1e6, 1_000_000)).app
    other = TestClient(app, base_url="http://127.0.0.1:8710", client=("10.0.0.9", 5))
    assert (other.get("/v1/overrides").status_code, other.get("/healthz").status_code) == (403, 200)


def guess(client: TestClient, number: int, *forwarded: str) -> int:
    headers = [("Authorization", f"Bearer {number}"), *(("X-Forwarded-For", one) for one in forwarded)]
    return client.get("/v1/overrides", headers=headers).status_code


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of limits stand still, so that no guess is allowed again on a slow machine."""
    monkeypatch.setattr("moderation.access.access.monotonic_seconds", lambda: 0.0)


@pytest.mark.usefixtures("still")
def test_rotated_addresses_do_not_evade_limit_of_guesses(configure: Configure) -> None:
    client = configure(KeyRing.of(RING), RateLimit(1e6, 1_000_000))
    answers = [guess(client, n, f"10.1.{n}.1", f"10.2.{n}.2") for n in range(20)]
    assert answers == [401] * 10 + [429] * 10
    assert Calls(client).get("/v1/overrides").status_code == 200


@pytest.mark.usefixtures("still")
def test_guesses_behind_trusted_proxy_are_counted_for_each_caller(configure: Configure) -> None:
    client = configure(KeyRing.of(RING), RateLimit(1e6, 1_000_000))
    client.app.state.access = AccessControl(  # type: ignore[attr-defined]
        KeyRing.of(RING), RateLimit(1e6, 1_000_000), parse_networks("127.0.0.1, 10.0.0.0/8")
    )
    attacker = [guess(client, n, f"192.0.2.{n}, 203.0.113.7", "10.0.0.3") for n in range(12)]
    assert attacker == [401] * 10 + [429] * 2
    assert guess(client, 0, "203.0.113.8") == 401


def test_key_of_a_person_writes_only_as_its_owner(client: TestClient, log: InMemoryLog) -> None:
    refused = block(Calls(client, "moderator", actor="another"))
    assert (refused.status_code, kind_of(refused)) == (403, "not_you")
    assert not log.records
    assert block(Calls(client, "console", actor="ann")).json()["actor"] == "ann"


def test_team_that_judges_an_appeal_depends_on_source(client: TestClient) -> None:
    """The legal team sees and judges appeals against orders, moderators all others."""
    legal, moderator, admin = Calls(client, "legal"), Calls(client, "moderator"), Calls(client, "admin")
    block(moderator, "other")
    [reference] = [
        one["reference"]
        for one in admin.get("/v1/hashtags/other/statements").json()["items"]
        if one["restriction"]["source"] == "human"
    ]
    filed = {
        "legal": appealed_against_an_order(legal)[1],
        "human": moderator.post("/v1/appeals", reference=reference).json()["id"],
    }
    assert [one["id"] for one in moderator.get("/v1/appeals").json()["items"]] == [filed["human"]]
    assert len(legal.get("/v1/appeals").json()["items"]) == 2
    refused = moderator.post(f"/v1/appeals/{filed['legal']}/outcome", verdict="overturn")
    assert (refused.status_code, kind_of(refused)) == (403, "forbidden")
    assert legal.post(f"/v1/appeals/{filed['human']}/outcome", verdict="overturn").status_code == 403
    assert admin.post(f"/v1/appeals/{filed['human']}/outcome", verdict="overturn").json()["effect"]["action"] == "undo"
    ended = admin.post(f"/v1/appeals/{filed['legal']}/outcome", verdict="overturn").json()
    assert ended["effect"]["action"] == "declined"


def test_two_keys_of_one_person_write_one_name(configure: Configure) -> None:
    keys = [
        ApiKey(name=name, role="moderator", sha256=hash_of(f"hush_{name}"), person="ann") for name in ("ann", "phone")
    ]
    client = configure(KeyRing.of(keys), RateLimit(1e6, 1_000_000))
    assert block(Calls(client, "phone", actor="phone")).status_code == 403
    assert block(Calls(client, "phone", actor="ann")).json()["actor"] == "ann"


def test_person_cannot_judge_own_decision_through_console(client: TestClient) -> None:
    """The key of a person and the console acting for that person write the same name."""
    block(Calls(client, "moderator"))
    through = Calls(client, "console", actor="moderator")
    [reference] = [
        one["reference"]
        for one in through.get("/v1/hashtags/rumour/statements").json()["items"]
        if one["restriction"]["source"] == "human"
    ]
    appeal = through.post("/v1/appeals", reference=reference).json()["id"]
    assert "took the decision" in through.post(f"/v1/appeals/{appeal}/outcome", verdict="overturn").text


@pytest.mark.parametrize("confidential", [True, False])
def test_only_legal_sees_who_acted_on_an_order(client: TestClient, confidential: bool) -> None:
    """The register of a confidential order, which every surface can read, does not show it either."""
    legal = Calls(client, "legal")
    order = legal.post("/v1/orders", **ORDER_BODY | {"confidential": confidential}).json()["orders"][0]["order"]
    for to in ("acknowledged", "under_review"):
        version = legal.get(f"/v1/orders/{order}").json()["version"]
        legal.post(f"/v1/orders/{order}/steps", to=to, if_version=version)
    for path, body in (
        ("rulings", {"outcome": "reduced", "kinds": ["hashtag"]}),
        ("rulings", {"outcome": "declined", "undecided": True}),
        ("steps", {"to": "final"}),
    ):  # fmt: skip
        version = legal.get(f"/v1/orders/{order}").json()["version"]
        done = legal.post(f"/v1/orders/{order}/{path}", if_version=version, reason="secret", **body)
        assert done.status_code == 201, done.text
    assert ("secret" in legal.get("/v1/hashtags/rumour").text) is not confidential
    assert (order in legal.get("/v1/hashtags/rumour").text) is not confidential
    for role in ("reader", "moderator"):
        calls = Calls(client, role)
        for path in ("/v1/hashtags/rumour", "/v1/hashtags/rumour/statements", "/v1/overrides"):
            answer = calls.get(path)
            assert answer.status_code == 200
            assert not any(word in answer.text for word in ("secret", '"legal","actor":"legal"'))
            assert not (confidential and any(word in answer.text for word in ("Ministry", order)))


def test_too_many_calls_get_retry_after(configure: Configure) -> None:
    client = configure(KeyRing.of(RING), RateLimit(0.5, 3))
    reader, other = Calls(client, "reader"), Calls(client, "moderator")
    assert [reader.get("/v1/overrides").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = reader.get("/v1/overrides")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3
    assert other.get("/v1/overrides").status_code == 200
    guesses = [client.get("/v1/overrides", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(12)]
    assert guesses == [401] * 10 + [429] * 2


@pytest.mark.parametrize("chunked", [False, True])
def test_oversize_body_is_refused(client: TestClient, log: InMemoryLog, chunked: bool) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(9):
            yield b"x" * 1024 * 1024

    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "k", "Content-Type": "application/json"}
    content = parts() if chunked else b"x" * (8 * 1024 * 1024 + 1)
    response = client.post("/v1/overrides", content=content, headers=headers)
    assert (response.status_code, kind_of(response)) == (413, "too_large")
    assert not log.records


def test_every_answer_has_security_headers(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, headers = Calls(client), {"Authorization": "Bearer hush_moderator"}

    async def broken(hashtag: str, country: str | None) -> None:
        raise RuntimeError("a bug")

    services = client.app.state.services  # type: ignore[attr-defined]
    client.app.state.services = replace(services, report=broken)  # type: ignore[attr-defined]
    answers = {
        200: calls.get("/v1/overrides"),
        401: client.get("/v1/overrides"),
        403: calls.get("/v1/audit"),
        404: client.get("/nothing"),
        405: client.put("/v1/overrides", headers=headers),
        413: client.post("/v1/overrides", content=b"x" * (8 * 1024 * 1024 + 1), headers=headers),
        422: client.get("/v1/hashtags/x", params={"country": "nowhere"}, headers=headers),
        500: calls.get("/v1/hashtags/x"),
    }
    for status, response in answers.items():
        assert response.status_code == status
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert status == 200 or {"type", "title", "status", "detail", "fix"} <= set(response.json())
    assert "a bug" not in answers[500].text


def test_key_ring_rereads_changed_file(tmp_path: Path) -> None:
    key, digest = new_key()
    entry = {"name": "ann", "role": "legal", "sha256": digest}
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [entry]}))
    ring = KeyRing(path)
    found = ring.find(key)
    assert found is not None and (found.name, found.role, ring.open) == ("ann", "legal", False)
    assert key not in path.read_text()
    path.write_text(json.dumps({"keys": []}))
    assert ring.find(key) is None
    assert not ring.open  # an empty file admits no caller
    path.write_text("nonsense")
    assert ring.find(key) is None
    path.unlink()
    assert ring.find(key) is None
    with pytest.raises(CallerMistake):
        KeyRing(path)


@pytest.mark.parametrize(
    "text",
    [
        "{}", '{"keys": [{"name": "a"}]}', '{"keys": [{"name": "a b", "role": "admin", "sha256": "' + "0" * 64 + '"}]}',
        '{"keys": [{"name": "a", "role": "root", "sha256": "' + "0" * 64 + '"}]}',
        '{"keys": [{"name": "a", "role": "admin", "sha256": "plain key"}]}',
        json.dumps({"keys": [{"name": "a", "role": "admin", "sha256": n * 64} for n in "01"]}),
        json.dumps({"keys": [{"name": n, "role": "admin", "sha256": "0" * 64} for n in "ab"]}),
        json.dumps({"keys": [{"name": n, "role": "admin", "sha256": n[-1] * 64} for n in ("ann.0", "Ann0")]}),
    ],
)  # fmt: skip
def test_parse_keys_refuses_bad_file(text: str) -> None:
    with pytest.raises(CallerMistake, match=r"^keys\.json"):
        parse_keys(text.encode(), "keys.json")


def command() -> typer.Typer:
    """Build the command with the server and its keys."""
    app = typer.Typer()
    cli.register(app)
    console_cli.register(app)
    return app


def test_api_key_command_prints_key_and_line() -> None:
    app = command()
    result = CliRunner().invoke(app, ["api-key", "ann", "--role", "moderator"])
    [key] = re.findall(r"hush_\S+", result.stderr)
    found = parse_keys(f'{{"keys": [{result.stdout}]}}'.encode(), "x")[hash_of(key)]
    assert (found.name, found.role) == ("ann", "moderator")
    assert isinstance(CliRunner().invoke(app, ["api-key", "a b"]).exception, CallerMistake)
    second = CliRunner().invoke(app, ["api-key", "ann-phone", "--person", "ann"])
    both = parse_keys(f'{{"keys": [{result.stdout}, {second.stdout}]}}'.encode(), "x")
    assert {key.writes_as for key in both.values()} == {"ann"}


@pytest.mark.parametrize("options", [[], ["--host", "0.0.0.0"], ["--port", "0", "--json"]])
def test_api_without_any_way_in_does_not_start(options: list[str]) -> None:
    error = CliRunner().invoke(command(), ["api", *options]).exception
    assert isinstance(error, CallerMistake) and "no one could call" in str(error)
    for way in ("--reviewer", "--keys", "HUSHTAG_OIDC_ISSUER"):
        assert way in error.fix


def test_api_says_that_its_key_file_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_cli, "configure_logging", lambda level: None)
    monkeypatch.setattr("moderation.http.app.serve", lambda *_, **__: None)
    monkeypatch.setattr("asyncio.run", lambda serving: None)
    empty, filled = tmp_path / "empty.json", tmp_path / "keys.json"
    empty.write_text('{"keys": []}')
    filled.write_text(json.dumps({"keys": [{"name": "ann", "role": "legal", "sha256": "0" * 64}]}))
    warned = CliRunner().invoke(command(), ["api", "--keys", str(empty)])
    assert warned.exit_code == 0
    assert warned.stderr.startswith(
        f"warning: {empty} holds no key, so every call is refused\nfix: hushtag api-key NAME"
    )
    assert CliRunner().invoke(command(), ["api", "--keys", str(filled)]).stderr == ""


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40), st.integers(1, 5))
def test_rate_limit_never_exceeds_bucket(gaps: list[float], burst: int) -> None:
    """Reference: count the calls in every interval."""
    limit, now, taken = RateLimit(0.5, burst), 0.0, []
    for gap in gaps:
        now += gap
        if limit.take("a", now) == 0.0:
            taken.append(now)
    for i, start in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= burst + 0.5 * (taken[j] - start) + 1e-6


def test_idempotency_store_expires_and_evicts_answers() -> None:
    store, answer = IdempotencyStore(keep_ms=10, most=3), WriteAnswer(201, {})
    assert store.begin("ann", "k", "x", 0) is None
    with pytest.raises(InProgress):
        store.begin("ann", "k", "x", 1)
    store.end("ann", "k", answer)
    assert store.begin("ann", "k", "x", 9) == answer
    with pytest.raises(KeyReused):
        store.begin("ann", "k", "y", 9)
    assert store.begin("ben", "k", "y", 9) is None
    assert store.begin("ann", "k", "x", 10) is None
    for n in range(9):
        store.begin("ann", f"k{n}", "x", 11)
    assert len(store._known) <= 3


def test_command_makes_a_key_with_limits() -> None:
    app = command()
    options = ["--role", "moderator", "--country", "in", "--category", "abuse", "--longest", "2d"]
    made = CliRunner().invoke(app, ["api-key", "ann", *options])
    assert made.exit_code == 0, made.output
    [key] = parse_keys(b'{"keys": [' + made.stdout.encode() + b"]}", "keys.json").values()
    assert (key.rights.countries, key.rights.categories, key.rights.longest) == (("IN",), ("abuse",), "2d")
