"""Routes of people: grants, keys without hashes, a new key that is stored nowhere, and ended sessions."""

from __future__ import annotations

import json
from typing import cast

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from moderation.access.access import AccessControl
from moderation.access.keys import ApiKey, Rights, hash_of, parse_keys
from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.sessions import Session, Sessions
from moderation.views.people import look_alikes
from streams.clock import now_ms
from tests.support.api_calls import Calls, Configure, block, calls_of, kind_of, limited
from tests.support.in_memory_log import InMemoryLog


def access_of(client: TestClient) -> AccessControl:
    access: AccessControl = cast(FastAPI, client.app).state.access
    return access


def with_sessions(client: TestClient) -> Sessions:
    config = SessionConfig(url="http://127.0.0.1:8710", session_seconds=3_600)
    access_of(client).sessions = sessions = Sessions(config, None, "k" * 32, now_ms)
    return sessions


def me(client: TestClient, sessions: Sessions, session: Session) -> Response:
    return client.get("/v1/me", headers={"Cookie": f"{sessions.cookie}={sessions.encrypt(session)}"})


def make(client: TestClient, role: str = "admin", **body: object) -> Response:
    headers = {"Authorization": f"Bearer hush_{role}"}
    return client.post("/v1/people/keys", json={"name": "new", "role": "legal"} | body, headers=headers)


def test_keys_are_listed_with_limits_and_without_hashes(configure: Configure) -> None:
    calls = calls_of(configure, limited("moderator", countries=("IN",), longest="2d"))
    answer = Calls(calls._client, "admin").get("/v1/people")
    found = {one["name"]: one for one in answer.json()["keys"]}
    assert found["lim"] == {
        "name": "lim", "role": "moderator", "person": "lim", "acts_for_others": False,
        "limits": {"countries": ["IN"], "categories": None, "longest": "2d"},
    }  # fmt: skip
    assert hash_of("hush_lim") not in answer.text and "sha256" not in answer.text


def test_new_key_works_in_the_file_and_is_stored_nowhere(client: TestClient, log: InMemoryLog) -> None:
    answer = make(client, countries=["in"], longest="7d", person="asha")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    [entry] = parse_keys(f'{{"keys": [{found["line"]}]}}'.encode(), "file").values()
    limits = Rights(countries=("IN",), longest="7d")
    assert entry == ApiKey(name="new", role="legal", sha256=hash_of(found["key"]), person="asha", rights=limits)
    assert found["key"] not in found["line"]
    store = access_of(client).idempotency
    assert (log.records, found["key"] in json.dumps(store.__dict__, default=repr)) == ([], False)
    assert access_of(client).ring.find(found["key"]) is None, "an operator adds the line"


def test_key_that_would_not_fit_the_file_is_refused(client: TestClient) -> None:
    for body in ({"name": "legal"}, {"name": "1egal"}, {"name": "a b"}, {"longest": "soon"}, {"categories": ["none"]}):
        refused = make(client, **body)
        assert (refused.status_code, kind_of(refused)) == (422, "mistake"), body
    assert kind_of(make(client, "moderator")) == "forbidden"


def test_admin_with_limits_makes_no_key_beyond_them(configure: Configure) -> None:
    calls = calls_of(configure, limited("admin", countries=("IN",)))
    assert kind_of(make(calls._client, "lim")) == "beyond_rights"


def test_sessions_are_listed_by_handle_only(client: TestClient) -> None:
    sessions = with_sessions(client)
    one = sessions.begin(Identity("s", "asha", ("moderator",), "secret"))
    answer = Calls(client, "admin").get("/v1/people")
    [found] = answer.json()["sessions"]
    assert (found["name"], found["groups"], found["yours"]) == ("asha", ["moderator"], False)
    assert found["ends_at_ms"] - found["began_at_ms"] == 3_600_000
    assert not any(secret in answer.text for secret in (one.id, one.csrf, "secret"))


def test_ended_session_stays_ended_in_a_new_process(client: TestClient, log: InMemoryLog) -> None:
    sessions = with_sessions(client)
    one = sessions.begin(Identity("s", "asha", ("moderator",), ""))
    assert me(client, sessions, one).status_code == 200
    admin = Calls(client, "admin")
    [found] = admin.get("/v1/people").json()["sessions"]
    done = admin.post(f"/v1/people/sessions/{found['session']}/end", reason="lost laptop")
    assert (done.status_code, done.json()["name"]) == (201, "asha")
    assert me(client, sessions, one).status_code == 401
    again = with_sessions(client)
    refused = me(client, again, one)
    assert (refused.status_code, "logged out or ended" in refused.json()["detail"]) == (401, True)
    [row] = admin.get("/v1/audit", kind="session_ended").json()["items"]
    assert (row["target"], row["actor"], row["reason"]) == ("asha", "admin", "lost laptop")
    assert one.id.encode() not in b"".join(record.value for record in log.records)
    gone = admin.post(f"/v1/people/sessions/{found['session']}/end")
    assert (gone.status_code, kind_of(gone)) == (404, "not_found")


def test_names_that_look_alike_are_found_in_the_log(client: TestClient) -> None:
    service = Calls(client, "console", "аdmin")
    assert block(service).status_code == 201
    assert Calls(client, "admin").get("/v1/people").json()["look_alikes"] == [["admin", "аdmin"]]
    assert look_alikes(["asha", "asha", "ben"]) == []
