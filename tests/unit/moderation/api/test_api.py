"""The HTTP API: who may do what, each write once, a stale edit told, and nothing half done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import pytest
import typer
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from moderation.api import cli
from moderation.api.access import Door
from moderation.api.app import create_app
from moderation.api.bodies import DeclineGround
from moderation.api.keys import ALLOWED, ROLES, Key, KeyRing, Role, hash_of, new_key, parse_keys
from moderation.api.limits import RateLimit
from moderation.api.replays import Answer, KeyReused, Replays, UnderWay
from streams.clock import now_ms
from streams.errors import CallerMistake, DependencyAway
from streams.log.decisions import Decision, Evidence, Reason, Ruling, version_of
from streams.orders.records import GROUNDS
from streams.orders.states import GROUNDS_OF
from tests.support.in_memory_api import paper_desks
from tests.support.in_memory_log import Paper

HOUR_MS = 3_600_000
Furnish = Callable[[KeyRing, RateLimit], TestClient]


def decision(tag: str = "rumour", action: Any = "suppress", country: str = "IN") -> Decision:
    evidence = Evidence(
        window_ms=600_000, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7, sampled=("1",)
    )
    ruling = Ruling(
        category="abuse", surface="trends", action=action, since_ms=now_ms() - 1_000, expires_at_ms=now_ms() + HOUR_MS,
        reasons=(Reason("harmful_share_lower", 0.5, 0.4),), evidence=evidence,
    )  # fmt: skip
    return Decision(
        hashtag=tag, display=tag, country=country, rulings=(ruling,), version=version_of(1, 1), tick_ms=1, settled_ms=1,
        decided_at_ms=now_ms(), policy_revision="p", model_revision="m",
    )  # fmt: skip


KEYS = {role: f"hush_{role}" for role in ROLES}
RING = [Key(name=role, role=role, sha256=hash_of(key)) for role, key in KEYS.items()]
SERVICE = Key(name="console", role="admin", sha256=hash_of("hush_console"), acts_for_others=True)


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture(scope="module")
def running() -> Iterator[TestClient]:
    """One application for all tests: to make one, with its document, takes a third of a second."""
    app = create_app(paper_desks(Paper()), KeyRing.of([]), RateLimit(1, 1))
    with TestClient(app, base_url="http://127.0.0.1:8710", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def furnish(running: TestClient, paper: Paper) -> Furnish:
    """Puts a test's own log, keys and limits behind the application."""

    def furnished(ring: KeyRing, limit: RateLimit) -> TestClient:
        app = cast(FastAPI, running.app)
        app.state.desks = paper_desks(paper, [decision(), decision("held", "hold")])
        app.state.door = Door(ring, limit)
        return running

    return furnished


@pytest.fixture
def client(furnish: Furnish) -> TestClient:
    return furnish(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 1_000_000))


class Calls:
    """Calls as one role; each write with a fresh idempotency key."""

    def __init__(self, client: TestClient, role: str = "moderator", actor: str | None = None) -> None:
        self._client = client
        self._role = role
        self.actor = actor or role
        self._count = 0

    def get(self, path: str, **query: Any) -> Response:
        return self._client.get(path, params=query, headers={"Authorization": f"Bearer hush_{self._role}"})

    def post(self, path: str, key: str | None = None, **body: Any) -> Response:
        self._count += 1
        headers = {
            "Authorization": f"Bearer hush_{self._role}",
            "Idempotency-Key": key or f"{self._role}-{self._count}",
        }
        return self._client.post(path, json={"actor": self.actor, "reason": "r"} | body, headers=headers)


def block(calls: Calls, tag: str = "rumour", version: str = "", **more: Any) -> Response:
    return calls.post("/v1/overrides", hashtag=tag, action="block", if_version=version, **more)


# --- the door ----------------------------------------------------------------------------------------------------

ITEM, APPEAL, ORDER = "hushtag-" + "0" * 24, "a" * 16, "IN-0123456789"
ORDER_BODY = {
    "authority": "Ministry", "country": "IN", "legal_basis": "IT Act 69A", "reference": "No. 7",
    "issued": "2026-01-01T00:00:00Z", "received": "2026-01-01T00:00:00Z", "deadline": "2999-01-01T00:00:00Z",
    "confidential": False, "targets": [{"kind": "account", "target": "1001"}, {"kind": "hashtag", "target": "#rumour"}],
}  # fmt: skip
BODIES: Mapping[tuple[str, str], dict[str, Any] | None] = {
    ("GET", "/v1/overrides"): None,
    ("POST", "/v1/overrides"): {"hashtag": "t", "action": "block", "if_version": ""},
    ("POST", "/v1/overrides/undo"): {"hashtag": "t", "if_version": ""},
    ("POST", "/v1/pause"): {"if_version": ""},
    ("POST", "/v1/resume"): {"if_version": ""},
    ("GET", "/v1/hashtags/{hashtag}"): None,
    ("GET", "/v1/hashtags/{hashtag}/statements"): None,
    ("GET", "/v1/decisions"): None,
    ("GET", "/v1/audit"): None,
    ("GET", "/v1/reviews"): None,
    ("GET", "/v1/reviews/agreement"): None,
    ("POST", "/v1/reviews/{item}/claim"): {},
    ("POST", "/v1/reviews/{item}/release"): {},
    ("POST", "/v1/reviews/{item}/verdict"): {"verdict": "uphold"},
    ("GET", "/v1/appeals"): None,
    ("POST", "/v1/appeals"): {"reference": ITEM},
    ("POST", "/v1/appeals/{appeal}/outcome"): {"verdict": "uphold"},
    ("GET", "/v1/orders"): None,
    ("POST", "/v1/orders"): ORDER_BODY,
    ("GET", "/v1/orders/{order}"): None,
    ("GET", "/v1/orders/{order}/targets"): None,
    ("GET", "/v1/orders/{order}/notice"): None,
    ("POST", "/v1/orders/{order}/steps"): {"to": "acknowledged", "if_version": ""},
    ("POST", "/v1/orders/{order}/rulings"): {"outcome": "declined", "everything": True, "if_version": ""},
}
"""A sound call of every endpoint."""
EVERYBODY = set(ROLES)
MAY: Mapping[tuple[str, str], set[str]] = {
    call: {"legal", "admin"}
    if "/orders" in call[1] or call[1] == "/v1/audit"
    else {"moderator", "legal", "admin"}
    if call[0] == "POST" and "/appeals" in call[1]
    else {"moderator", "admin"}
    if call[0] == "POST" or call[1] == "/v1/reviews"
    else EVERYBODY
    for call in BODIES
}
"""Said anew here, not taken from the code."""


def call(client: TestClient, method: str, path: str, headers: dict[str, str], actor: str = "ann") -> Response:
    filled = path.format(hashtag="t", item=ITEM, appeal=APPEAL, order=ORDER)
    body = BODIES[method, path]
    if body is None:
        return client.get(filled, headers=headers, params={"recipient": "x", "site": "https://x.example"})
    whole = {"actor": actor, "reason": "r"} | body
    return client.post(filled, json=whole, headers=headers | {"Idempotency-Key": "k"})


def test_the_table_has_every_endpoint(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == set(BODIES)


@pytest.mark.parametrize("role", [*ROLES, None])
@pytest.mark.parametrize(("method", "path"), BODIES, ids=lambda part: part)
def test_each_role_may_do_what_it_may(
    client: TestClient, paper: Paper, method: str, path: str, role: Role | None
) -> None:
    headers = {} if role is None else {"Authorization": f"Bearer {KEYS[role]}"}
    response = call(client, method, path, headers, actor=role or "ann")
    if role is None:
        assert (response.status_code, response.json()["error"]) == (401, "unauthorised")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    elif role in MAY[method, path]:
        assert response.status_code in (200, 201, 404, 409), response.text
    else:
        assert (response.status_code, response.json()["error"]) == (403, "forbidden")
    if response.status_code in (401, 403):
        assert not paper.lines


@pytest.mark.parametrize(
    "authorization",
    ["Bearer nonsense", "Bearer ", "Bearer", "Basic aHVzaF9hZG1pbg==", "hush_admin", "Bearer hush_adminx"],
)
def test_a_wrong_key_is_refused_before_the_body_is_looked_at(client: TestClient, authorization: str) -> None:
    response = client.post("/v1/overrides", content=b"{not json", headers={"Authorization": authorization})
    assert response.status_code == 401


def test_the_document_says_who_may(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for (method, path), roles in MAY.items():
        assert set(document["paths"][path][method.lower()]["x-roles"]) == roles
    assert document["security"] == [{"key": []}]
    assert set().union(*ALLOWED.values()) == EVERYBODY


def test_without_keys_only_this_machine_is_answered(furnish: Furnish, paper: Paper) -> None:
    local = furnish(KeyRing(None), RateLimit(1e6, 1_000_000))
    assert local.get("/v1/overrides").status_code == 200
    assert local.get("/v1/overrides", headers={"Host": "[::1]:8710"}).status_code == 200
    for host in ("evil.example", "evil.example:8710", "127.0.0.1.evil.example", ""):
        assert local.get("/v1/overrides", headers={"Host": host}).status_code == 421
    body = {"actor": "a", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    assert local.post("/v1/overrides", json=body).status_code == 422  # a form on another site cannot send the header
    assert not paper.lines


def test_a_person_s_key_writes_as_that_person_only(client: TestClient, paper: Paper) -> None:
    refused = block(Calls(client, "moderator", actor="somebody"))
    assert (refused.status_code, refused.json()["error"]) == (403, "not_you")
    assert not paper.lines
    assert block(Calls(client, "console", actor="ann")).json()["actor"] == "ann"


def test_who_judges_an_appeal_depends_on_who_decided(client: TestClient) -> None:
    """Against an order's it is the legal team's to see and to end, against others' the moderators'."""
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
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    assert legal.post(f"/v1/appeals/{filed['human']}/outcome", verdict="overturn").status_code == 403
    assert admin.post(f"/v1/appeals/{filed['human']}/outcome", verdict="overturn").json()["effect"]["action"] == "undo"
    ended = admin.post(f"/v1/appeals/{filed['legal']}/outcome", verdict="overturn").json()
    assert ended["effect"]["action"] == "declined"


def test_two_keys_of_one_person_write_in_one_name(furnish: Furnish) -> None:
    keys = [Key(name=name, role="moderator", sha256=hash_of(f"hush_{name}"), person="ann") for name in ("ann", "phone")]
    client = furnish(KeyRing.of(keys), RateLimit(1e6, 1_000_000))
    assert block(Calls(client, "phone", actor="phone")).status_code == 403
    assert block(Calls(client, "phone", actor="ann")).json()["actor"] == "ann"


def test_one_person_is_one_person_whatever_way_they_came(client: TestClient) -> None:
    """Ann's own key and the console that she uses are not two people."""
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
def test_who_acted_on_an_order_is_for_the_legal_team(client: TestClient, confidential: bool) -> None:
    """Of a confidential one not even the register says it, which every surface can read."""
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
            told = calls.get(path)
            assert told.status_code == 200
            assert not any(word in told.text for word in ("secret", '"legal","actor":"legal"'))
            assert not (confidential and any(word in told.text for word in ("Ministry", order)))


def test_too_many_calls_are_told_when_to_go_on(furnish: Furnish) -> None:
    client = furnish(KeyRing.of(RING), RateLimit(0.5, 3))
    reader, other = Calls(client, "reader"), Calls(client, "moderator")
    assert [reader.get("/v1/overrides").status_code for _ in range(4)] == [200, 200, 200, 429]
    told = reader.get("/v1/overrides")
    assert 1 <= int(told.headers["Retry-After"]) <= 3
    assert other.get("/v1/overrides").status_code == 200
    guesses = [client.get("/v1/overrides", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(12)]
    assert guesses == [401] * 10 + [429] * 2


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversize_body_is_refused(client: TestClient, paper: Paper, chunked: bool) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(9):
            yield b"x" * 1024 * 1024

    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "k", "Content-Type": "application/json"}
    content = parts() if chunked else b"x" * (8 * 1024 * 1024 + 1)
    response = client.post("/v1/overrides", content=content, headers=headers)
    assert (response.status_code, response.json()["error"]) == (413, "too_large")
    assert not paper.lines


def test_headers_that_keep_browsers_out(client: TestClient) -> None:
    for response in (client.get("/healthz"), client.get("/nothing"), Calls(client).get("/v1/overrides")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"


# --- writing -----------------------------------------------------------------------------------------------------


def test_a_moderator_s_day(client: TestClient) -> None:
    calls = Calls(client)
    written = block(calls, "#Rumour", country="in", lasts="2h")
    assert written.status_code == 201, written.text
    said = written.json()
    assert (said["hashtag"], said["country"], said["surfaces"], said["actor"]) == (
        "rumour", "IN", ["search", "trends"], "moderator",
    )  # fmt: skip
    [listed] = calls.get("/v1/overrides", hashtag="RUMOUR").json()["items"]
    assert (listed["state"], listed["version"]) == ("in force", said["version"])
    places = calls.get("/v1/hashtags/rumour").json()["places"]
    assert {(p["surface"], p["country"]): p["shown"] for p in places}["search", "IN"] is False
    [statement] = calls.get("/v1/hashtags/rumour/statements").json()["items"]
    assert statement["text"]["en"].startswith("#Rumour is not shown")
    undone = calls.post("/v1/overrides/undo", hashtag="rumour", if_version=said["version"])
    assert (undone.status_code, undone.json()["undoes"]) == (201, [said["id"]])
    again = calls.post("/v1/overrides/undo", hashtag="rumour", if_version=undone.json()["version"])
    assert again.status_code == 404
    audited = Calls(client, "legal").get("/v1/audit", hashtag="rumour", limit=1).json()
    assert ([row["action"] for row in audited["items"]], audited["next"]) == (["block"], 1)


def test_a_stale_edit_is_refused_with_what_changed(client: TestClient, paper: Paper) -> None:
    calls = Calls(client)
    first = block(calls).json()
    lines = len(paper.lines)
    stale = calls.post("/v1/overrides", hashtag="rumour", action="allow", if_version="")
    assert (stale.status_code, stale.json()["error"], stale.json()["version"]) == (409, "stale", first["version"])
    [changed] = stale.json()["changed"]
    assert (changed["id"], changed["action"], changed["reason"]) == (first["id"], "block", "r")
    assert len(paper.lines) == lines


def test_the_same_write_twice_is_done_once(client: TestClient, paper: Paper) -> None:
    calls = Calls(client)
    first, again = block(calls, key="same"), block(calls, key="same")
    assert first.json() == again.json() and first.status_code == again.status_code == 201
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert len(paper.lines) == 1
    reused = block(calls, "another", key="same")
    assert (reused.status_code, reused.json()["error"]) == (422, "key_reused")
    other = calls.post("/v1/overrides", key="fresh", hashtag="rumour", action="block", if_version="")
    assert other.status_code == 409  # without the key the version stands in
    assert Calls(client, "admin").post(
        "/v1/overrides", key="same", hashtag="x", action="block", if_version=""
    ).status_code == 201  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": ""}, "reason"), ({"reason": "  "}, "every decision needs a reason"), ({"actor": ""}, "actor"),
        ({"hashtag": "two words"}, "not a hashtag"), ({"country": "Indya"}, "not a country"),
        ({"surfaces": ["trend"]}, "no surface"), ({"lasts": "long"}, "not a duration"), ({"lasts": "400d"}, "366 days"),
        ({"until": "2020-01-01"}, "over before it begins"), ({"until": "soon"}, "not a date"),
        ({"lasts": "2h", "until": "2999-01-01"}, "two ways"), ({"if_version": "7"}, "if_version"),
        ({"if_version": None}, "if_version"), ({"action": "ban"}, "action"), ({"more": 1}, "more"),
        ({"reason": "\ud800"}, "reason"), ({"hashtag": "\ud800"}, "hashtag"), ({"reason": "a\x00b"}, "no text"),
    ],
)  # fmt: skip
def test_a_bad_write_is_told_and_nothing_is_done(
    client: TestClient, paper: Paper, changes: dict[str, Any], says: str
) -> None:
    body = {"actor": "moderator", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""} | changes
    headers = {
        "Authorization": "Bearer hush_moderator", "Idempotency-Key": "k", "Content-Type": "application/json",
    }  # fmt: skip
    response = client.post("/v1/overrides", content=json.dumps(body), headers=headers)
    assert response.status_code == 422, response.text
    assert says in response.text
    assert response.json()["fix"]
    assert not paper.lines


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 5_000])
def test_what_is_no_json_is_told(client: TestClient, content: bytes) -> None:
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "k", "Content-Type": "application/json"}
    response = client.post("/v1/overrides", content=content, headers=headers)
    assert response.status_code in (400, 422) and response.json()["message"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 65])
def test_a_write_needs_an_idempotency_key(client: TestClient, paper: Paper, key: str) -> None:
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": key}
    body = {"actor": "admin", "reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    assert client.post("/v1/overrides", json=body, headers=headers).status_code == 422
    assert not paper.lines


def test_a_broker_that_is_away_is_no_answer_to_keep(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: Paper, records: object) -> list[int]:
        raise DependencyAway("Kafka is away")

    calls = Calls(client)
    with monkeypatch.context() as patched:
        patched.setattr(Paper, "send", away)
        response = block(calls, key="k")
        assert (response.status_code, response.json()["error"]) == (503, "away")
        assert response.headers["Retry-After"]
    assert block(calls, key="k").status_code == 201


def test_the_stop_button(client: TestClient) -> None:
    calls = Calls(client)
    refused = calls.post("/v1/pause", category="abusse", if_version="")
    assert refused.status_code == 422 and "one of abuse" in refused.text
    paused = calls.post("/v1/pause", country="IN", lasts="1h", if_version="")
    assert paused.status_code == 201, paused.text
    places = calls.get("/v1/hashtags/rumour").json()["places"]
    assert {(place["surface"], place["country"]): place["shown"] for place in places}["trends", "IN"] is True
    assert calls.get("/v1/hashtags/rumour/statements").json()["items"] == []
    version = paused.json()["version"]
    assert calls.post("/v1/pause", country="IN", category="abuse", if_version=version).status_code == 422
    assert calls.post("/v1/resume", if_version=version).status_code == 201
    assert len(calls.get("/v1/hashtags/rumour/statements").json()["items"]) == 1


# --- orders, reviews, appeals ------------------------------------------------------------------------------------


def test_an_order_from_intake_to_the_notice(client: TestClient) -> None:
    calls = Calls(client, "legal")
    taken = calls.post("/v1/orders", **ORDER_BODY)
    assert taken.status_code == 201, taken.text
    [plan] = taken.json()["orders"]
    assert (plan["fate"], plan["added"]) == ("new", 2)
    order = plan["order"]
    assert calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["fate"] == "known"
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    stale = calls.post(f"/v1/orders/{order}/steps", to="acknowledged", if_version="")
    assert stale.status_code == 409, stale.text
    for to in ("acknowledged", "under_review"):
        version = calls.post(f"/v1/orders/{order}/steps", to=to, if_version=version).json()["version"]
    path = f"/v1/orders/{order}/rulings"
    dry = calls.post(path, outcome="withheld", kinds=["account"], dry_run=True, if_version=version).json()
    assert (dry["decides"], dry["version"]) == (1, version)
    for outcome, kind in (("withheld", "account"), ("reduced", "hashtag")):
        version = calls.post(path, outcome=outcome, kinds=[kind], if_version=version).json()["version"]
    final = calls.post(f"/v1/orders/{order}/steps", to="final", if_version=version)
    assert final.json()["in_force"] is True, final.text
    rows = calls.get(f"/v1/orders/{order}/targets", limit=1).json()
    assert (rows["items"][0]["outcome"], rows["next"]) == ("withheld", 2)
    told = calls.get(f"/v1/orders/{order}/notice", recipient="Example", site="https://example.org").json()["notice"]
    assert told["action_taken"] == "Yes"
    assert [row["order"] for row in calls.get("/v1/orders", state="final").json()["items"]] == [order]
    assert calls.post(path, outcome="declined", if_version=version).status_code == 422  # nothing says which


def test_an_interim_decision_needs_its_end(client: TestClient, paper: Paper) -> None:
    """An order that only seems to be in force is the worst of answers."""
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    path = f"/v1/orders/{order}/steps"
    for to in ("acknowledged", "under_review"):
        version = calls.post(path, to=to, if_version=version).json()["version"]
    lines = len(paper.lines)
    for until in ({}, {"until": None}, {"until": ""}):
        refused = calls.post(path, to="interim", if_version=version, **until)
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"] == "mistake" and refused.json()["fix"]
    assert len(paper.lines) == lines
    done = calls.post(path, to="interim", until="2999-01-01", if_version=version)
    assert (done.status_code, done.json()["in_force"]) == (201, True)


def test_a_whole_order_is_declined_on_the_grounds_that_there_are(client: TestClient, paper: Paper) -> None:
    assert get_args(DeclineGround) == GROUNDS_OF["declined"]
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    version, lines = calls.get(f"/v1/orders/{order}").json()["version"], len(paper.lines)
    for ground in set(GROUNDS) - set(GROUNDS_OF["declined"]):
        refused = calls.post(f"/v1/orders/{order}/steps", to="declined", ground=ground, if_version=version)
        assert (refused.status_code, refused.json()["error"]) == (422, "mistake")
        assert "body.ground" in refused.json()["message"] and "overbroad" in refused.json()["message"]
    assert len(paper.lines) == lines
    done = calls.post(f"/v1/orders/{order}/steps", to="declined", ground="overbroad", if_version=version)
    assert (done.status_code, done.json()["outcomes"]["declined"]) == (201, 2)


def test_a_tweet_s_author_that_comes_later_is_told(client: TestClient) -> None:
    calls = Calls(client, "legal")
    tweet = {"kind": "tweet", "target": "77"}
    assert calls.post("/v1/orders", **ORDER_BODY | {"targets": [tweet]}).json()["orders"][0]["fate"] == "new"
    again = calls.post("/v1/orders", **ORDER_BODY | {"targets": [tweet | {"author": "5"}]}).json()["orders"][0]
    assert (again["fate"], again["added"]) == ("conflict", 0)
    assert "tweet 77 is known as target 1, without an author" in again["why"]


def test_bad_targets_are_told_and_with_strict_nothing_is_taken_in(client: TestClient, paper: Paper) -> None:
    calls = Calls(client, "legal")
    targets = [*ORDER_BODY["targets"], {"kind": "account", "target": "@handle"}]  # type: ignore[misc]
    strict = calls.post("/v1/orders", **ORDER_BODY | {"targets": targets, "strict": True})
    assert strict.status_code == 422 and not paper.lines
    loose = calls.post("/v1/orders", **ORDER_BODY | {"targets": targets}).json()
    assert (loose["orders"][0]["added"], len(loose["problems"])) == (2, 1)


def test_a_hold_is_claimed_and_decided(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    hold = next(item for item in ann.get("/v1/reviews").json()["items"] if item["kind"] == "hold")
    path = f"/v1/reviews/{hold['id']}"
    assert ann.post(f"{path}/claim").status_code == 201
    taken = ben.post(f"{path}/claim")
    assert (taken.status_code, taken.json()["changed"]) == (409, ["moderator looks at it"])
    assert ben.post(f"{path}/verdict", verdict="overturn").status_code == 409
    done = ann.post(f"{path}/verdict", verdict="overturn", lasts="1d").json()
    assert done["effect"]["action"] == "allow"
    assert hold["id"] not in [item["id"] for item in ann.get("/v1/reviews").json()["items"]]
    assert ann.get("/v1/overrides", hashtag="held").json()["items"][0]["state"] == "in force"


def test_an_appeal_is_decided_by_somebody_else_and_reversed(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    block(ann)
    [statement] = [
        one
        for one in ann.get("/v1/hashtags/rumour/statements").json()["items"]
        if one["restriction"]["source"] == "human"
    ]
    filed = ann.post("/v1/appeals", reference=statement["reference"], reason="it is a film")
    assert filed.status_code == 201, filed.text
    path = f"/v1/appeals/{filed.json()['id']}/outcome"
    assert ann.post(path, verdict="overturn").status_code == 422  # she took the decision
    ended = ben.post(path, verdict="overturn").json()
    assert ended["effect"]["action"] == "undo"
    assert ben.post(path, verdict="uphold").status_code == 409
    assert ann.get("/v1/appeals").json()["items"] == []
    [known] = ann.get("/v1/appeals", everything=True).json()["items"]
    assert known["outcome"]["actor"] == "admin"


def appealed_against_an_order(legal: Calls) -> tuple[str, str]:
    """An order with a hashtag that is reduced, and an appeal against it."""
    order = legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    for path, body in (
        ("steps", {"to": "acknowledged"}), ("steps", {"to": "under_review"}),
        ("rulings", {"outcome": "reduced", "kinds": ["hashtag"]}),
        ("rulings", {"outcome": "declined", "undecided": True}), ("steps", {"to": "final"}),
    ):  # fmt: skip
        moved(legal, order, path, **body)
    [reference] = [
        one["reference"]
        for one in legal.get("/v1/hashtags/rumour/statements").json()["items"]
        if one["restriction"]["source"] == "legal"
    ]
    return order, legal.post("/v1/appeals", reference=reference).json()["id"]


def moved(calls: Calls, order: str, path: str, **body: Any) -> None:
    """The order with one more step or ruling."""
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    done = calls.post(f"/v1/orders/{order}/{path}", if_version=version, **body)
    assert done.status_code == 201, done.text


@pytest.mark.parametrize("word", ["uphold", "overturn"])
def test_an_appeal_ends_though_its_order_is_revoked(client: TestClient, word: str) -> None:
    legal, admin = Calls(client, "legal"), Calls(client, "admin")
    order, appeal = appealed_against_an_order(legal)
    moved(legal, order, "steps", to="revoked")
    path = f"/v1/appeals/{appeal}/outcome"
    assert "took the decision" in legal.post(path, verdict=word).text
    ended = admin.post(path, verdict=word)
    assert ended.status_code == 201, ended.text
    assert (ended.json()["effect"], ended.json()["ended"]) == (None, "the order is revoked")
    assert admin.get("/v1/appeals").json()["items"] == []


def test_an_appeal_lifts_what_holds_its_target_back_by_now(client: TestClient) -> None:
    legal, admin = Calls(client, "legal"), Calls(client, "admin")
    order, appeal = appealed_against_an_order(legal)
    moved(legal, order, "rulings", outcome="reduced", kinds=["hashtag"], reason="better words")
    ended = admin.post(f"/v1/appeals/{appeal}/outcome", verdict="overturn")
    assert ended.status_code == 201, ended.text
    assert (ended.json()["effect"]["action"], ended.json()["ended"]) == ("declined", "")
    kept_back = admin.get("/v1/hashtags/rumour/statements").json()["items"]
    assert {one["restriction"]["source"] for one in kept_back} == {"automated"}


@pytest.mark.parametrize("word", ["uphold", "overturn"])
def test_an_appeal_ends_though_the_decision_is_kept_no_more(client: TestClient, paper: Paper, word: str) -> None:
    calls = Calls(client)
    [statement] = calls.get("/v1/hashtags/rumour/statements").json()["items"]
    appeal = calls.post("/v1/appeals", reference=statement["reference"]).json()["id"]
    cast(FastAPI, client.app).state.desks = paper_desks(paper)  # started anew; the topic has let go of it
    ended = calls.post(f"/v1/appeals/{appeal}/outcome", verdict=word)
    assert ended.status_code == 201, ended.text
    assert (ended.json()["effect"], ended.json()["also_lifts"]) == (None, [])
    assert ended.json()["ended"] == "the decision has ended, or is not kept any more"
    assert calls.get("/v1/appeals").json()["items"] == []


# --- keys, limits, replays ---------------------------------------------------------------------------------------


def test_the_file_of_keys_is_read_again_when_it_changes(tmp_path: Path) -> None:
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
    assert not ring.open  # an empty file lets nobody in, rather than everybody
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
def test_a_bad_file_of_keys_is_refused(text: str) -> None:
    with pytest.raises(CallerMistake, match=r"^keys\.json"):
        parse_keys(text.encode(), "keys.json")


def test_the_command_that_makes_a_key() -> None:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["api-key", "ann", "--role", "moderator"])
    [key] = re.findall(r"hush_\S+", result.stderr)
    found = parse_keys(f'{{"keys": [{result.stdout}]}}'.encode(), "x")[hash_of(key)]
    assert (found.name, found.role) == ("ann", "moderator")
    assert isinstance(CliRunner().invoke(app, ["api-key", "a b"]).exception, CallerMistake)
    second = CliRunner().invoke(app, ["api-key", "ann-phone", "--person", "ann"])
    both = parse_keys(f'{{"keys": [{result.stdout}, {second.stdout}]}}'.encode(), "x")
    assert {key.writes_as for key in both.values()} == {"ann"}


def test_another_address_than_loopback_needs_keys() -> None:
    app = typer.Typer()
    cli.register(app)
    error = CliRunner().invoke(app, ["api", "--host", "0.0.0.0"]).exception
    assert isinstance(error, CallerMistake) and "loopback" in str(error)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40), st.integers(1, 5))
def test_never_more_calls_than_the_bucket_allows(gaps: list[float], burst: int) -> None:
    """In any stretch of time, as counted the obvious way."""
    limit, now, taken = RateLimit(0.5, burst), 0.0, []
    for gap in gaps:
        now += gap
        if limit.take("a", now) == 0.0:
            taken.append(now)
    for i, start in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= burst + 0.5 * (taken[j] - start) + 1e-6


def test_answers_are_kept_for_a_day_and_not_without_end() -> None:
    replays, answer = Replays(keep_ms=10, most=3), Answer(201, {})
    assert replays.begin("ann", "k", "x", 0) is None
    with pytest.raises(UnderWay):
        replays.begin("ann", "k", "x", 1)
    replays.end("ann", "k", answer)
    assert replays.begin("ann", "k", "x", 9) == answer
    with pytest.raises(KeyReused):
        replays.begin("ann", "k", "y", 9)
    assert replays.begin("ben", "k", "y", 9) is None
    assert replays.begin("ann", "k", "x", 10) is None
    for n in range(9):
        replays.begin("ann", f"k{n}", "x", 11)
    assert len(replays._seen) <= 3
