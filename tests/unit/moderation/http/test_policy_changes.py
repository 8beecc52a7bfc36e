"""Routes that check, try and change the policy."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from msgspec.structs import replace

from moderation.access.access import AccessControl
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.http.policy import PolicyAnswer
from moderation.views.policies import PolicyRevisionAnswer
from streams.log.policies import PolicyRecord
from tests.support.api_calls import RING, SERVICE, Calls, decision, kind_of, limited
from tests.support.backtest_cases import LIVE, steady
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_policies import POLICY, SHIPPED, InMemoryPolicies, record_of
from tests.support.moderation_world import ApiWorld

STRICTER = SHIPPED.replace(b"suppress_at: 0.55", b"suppress_at: 0.6").decode()


@pytest.fixture
def policies() -> InMemoryPolicies:
    return InMemoryPolicies()


@pytest.fixture
def client(running: TestClient, log: InMemoryLog, policies: InMemoryPolicies) -> TestClient:
    ApiWorld(log=log, policies=policies).serve(running)
    cast(FastAPI, running.app).state.access = AccessControl(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 10**6))
    return running


def checked(client: TestClient, text: str, role: str = "moderator") -> Response:
    return client.post("/v1/policy/check", json={"policy": text}, headers={"Authorization": f"Bearer hush_{role}"})


def proposed(calls: Calls, text: str = STRICTER, if_live: str = POLICY.revision, **more: Any) -> Response:
    return calls.post("/v1/policy/changes", policy=text, if_live=if_live, **more)


def test_members_of_policies_have_one_order(client: TestClient) -> None:
    calls = Calls(client)
    answers = {
        PolicyAnswer: calls.get("/v1/policy").json(),
        PolicyRevisionAnswer: calls.get("/v1/policy/history").json(),
    }
    answers[PolicyRevisionAnswer] = answers[PolicyRevisionAnswer]["items"][0]
    for model, members in answers.items():
        copied = [name for name in model.model_fields if name in PolicyRecord.__struct_fields__ and name in members]
        assert [name for name in members if name in copied and name != "policy"] == [
            name for name in copied if name != "policy"
        ]


def test_check_says_in_words_what_changes(client: TestClient) -> None:
    found = checked(client, STRICTER).json()
    assert found["valid"] and found["changes"] == ["abuse: suppress_at 0.55 → 0.6"]
    assert (found["serial"], found["live_serial"], found["live_revision"]) == (2, 1, POLICY.revision)
    assert checked(client, SHIPPED.decode()).json()["changes"] == []
    assert checked(client, STRICTER, "reader").status_code == 403


def test_check_names_faults_with_line_caret_and_hint(client: TestClient) -> None:
    text = SHIPPED.decode().replace("min_tweets: 80 ", "min_tweets: many").replace("clear_at: 0.40", "clear_at: 40")
    found = checked(client, text).json()
    assert not found["valid"] and found["problem_count"] == 2 and found["revision"] is None
    first, second = found["problems"]
    assert first["source"].strip().startswith("min_tweets: many") and first["column"] == 17
    assert first["path"] == "categories.abuse.min_tweets" and first["length"] == 4
    assert "write 0.4" in second["hint"]


def test_check_warns_of_a_signal_without_its_list(client: TestClient) -> None:
    found = checked(client, SHIPPED.decode().replace("      burst: 4", "      term: true", 1)).json()
    assert found["valid"] and found["problems"] == []
    [warning] = found["warnings"]
    assert warning["path"] == "categories.hateful_conduct.corroborate.term" and "curated_terms" in warning["message"]


HOSTILE = {
    "too long": ("a: 1\n" * 100_000, "at most 400000"),
    "lines": ("a: 1\n" * 50_000, "too many lines"),
    "bytes": ("# " + "x" * 300_000, "too large"),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "an anchor, &a"),
    "deep": ("a: " + "[" * 50_000, "nested too deep"),
    "control": ("a: \x07\n", "control character"),
    "surrogate": ("a: \ud800\n", "UTF-8"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_in_words(client: TestClient, name: str) -> None:
    text, words = HOSTILE[name]
    body = json.dumps({"policy": text})
    headers = {"Authorization": "Bearer hush_moderator", "Content-Type": "application/json"}
    answer = client.post("/v1/policy/check", content=body, headers=headers)
    assert words in answer.text, answer.text[:500]
    assert answer.status_code in (200, 422)


def test_proposal_goes_live_with_actor_and_reason(client: TestClient, policies: InMemoryPolicies) -> None:
    written = proposed(Calls(client, "admin"), reason="calmer talk")
    assert written.status_code == 201, written.text
    body = written.json()
    assert (body["serial"], body["sequence"], body["changes"]) == (2, 1, ["abuse: suppress_at 0.55 → 0.6"])
    assert body["from_tick_ms"] > body["recorded_at_ms"]
    live = policies.records[-1]
    assert (live.actor, live.reason, live.via) == ("admin", "calmer talk", "topic")
    assert "# add 1 with every edit" in live.text, "comments are kept"
    [newest, first] = Calls(client, "reader").get("/v1/policy/history").json()["items"]
    assert (newest["revision"], newest["live"], first["live"]) == (body["revision"], True, False)


def test_proposal_needs_a_lead_without_limits(client: TestClient, policies: InMemoryPolicies) -> None:
    assert kind_of(proposed(Calls(client))) == "forbidden"
    app = cast(FastAPI, client.app)
    app.state.access = AccessControl(KeyRing.of([*RING, limited("admin", countries=("IN",))]), RateLimit(1e6, 10**6))
    refused = proposed(Calls(client, "lim"))
    assert kind_of(refused) == "beyond_rights" and "only in IN" in refused.json()["detail"]
    assert len(policies.records) == 1


def test_proposal_after_another_ones_is_a_conflict(client: TestClient, policies: InMemoryPolicies) -> None:
    admin = Calls(client, "admin")
    other = proposed(admin, STRICTER.replace("at: 0.6", "at: 0.7"), reason="theirs").json()
    refused = proposed(admin, reason="mine")
    assert (refused.status_code, kind_of(refused)) == (409, "stale")
    assert refused.json()["version"] == other["revision"]
    assert refused.json()["changed"] == ["admin: theirs", "abuse: suppress_at 0.55 → 0.7"]
    assert len(policies.records) == 2


def test_repeated_proposal_writes_once(client: TestClient, policies: InMemoryPolicies) -> None:
    admin = Calls(client, "admin")
    first, second = proposed(admin, key="one"), proposed(admin, key="one")
    assert first.json() == second.json() and second.headers["Idempotency-Replayed"] == "true"
    after_restart = proposed(admin, key="two")
    assert after_restart.json()["sequence"] == 1, "another server, or the answer was lost"
    assert len(policies.records) == 2
    nothing = proposed(admin, if_live=first.json()["revision"], reason="other")
    assert kind_of(nothing) == "mistake" and "nothing changes" in nothing.json()["detail"]


def test_proposal_while_kafka_is_away_can_be_repeated(client: TestClient, policies: InMemoryPolicies) -> None:
    admin, policies.away = Calls(client, "admin"), True
    assert proposed(admin, key="same").status_code == 503
    policies.away = False
    assert proposed(admin, key="same").status_code == 201


def test_bad_proposal_names_its_lines(client: TestClient) -> None:
    refused = proposed(Calls(client, "admin"), "serial: 0\n")
    assert kind_of(refused) == "mistake" and "line 1" in refused.json()["errors"][0]["detail"]
    assert refused.json()["errors"][0]["pointer"] == "#/policy"


def test_rollback_restores_the_text_of_an_earlier_policy(client: TestClient, policies: InMemoryPolicies) -> None:
    admin = Calls(client, "admin")
    live = proposed(admin).json()["revision"]
    text = admin.get(f"/v1/policy/history/{POLICY.revision}").json()
    assert text["text"] == SHIPPED.decode() and text["differences"] == ["abuse: suppress_at 0.6 → 0.55"]
    done = admin.post("/v1/policy/rollback", revision=POLICY.revision, if_live=live, reason="hid a festival")
    assert done.status_code == 201, done.text
    assert done.json()["serial"] == 3 and policies.records[-1].text == SHIPPED.decode().replace(
        "serial: 1 ", "serial: 3 "
    )
    assert kind_of(admin.get("/v1/policy/history/0000aaaa")) == "not_found"


def test_revision_without_kept_text_is_shown_in_canonical_form(client: TestClient, policies: InMemoryPolicies) -> None:
    policies.records[:] = [replace(record_of(SHIPPED), text=""), replace(record_of(STRICTER.encode()), serial=2)]
    found = Calls(client).get(f"/v1/policy/history/{POLICY.revision[:6]}").json()
    assert found["canonical"] and checked(client, found["text"]).json()["valid"]


def finished(calls: Calls, path: str) -> dict[str, Any]:
    for _ in range(3_000):
        found: dict[str, Any] = calls.get(path).json()
        if found["state"] not in ("waiting", "running", "reading"):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


@pytest.fixture
def past(policies: InMemoryPolicies) -> str:
    """Evidence of the live policy, and the text of a softer one."""
    text = LIVE.canonical.replace('"suppress_at":0.5', '"suppress_at":0.8')
    policies.records[:] = [record_of(LIVE.canonical.encode())]
    policies.evidence[:] = steady(LIVE, {"calm": 0.02, "harsh": 0.75})
    return text


def test_impact_reports_progress_and_then_changes(client: TestClient, past: str) -> None:
    calls = Calls(client)
    headers = {"Authorization": "Bearer hush_moderator"}
    begun = client.post("/v1/policy/impacts", json={"policy": past}, headers=headers)
    assert begun.status_code == 202 and begun.json()["report"] is None
    done = finished(calls, f"/v1/policy/impacts/{begun.json()['id']}")
    assert (done["state"], done["done"], done["total"]) == ("done", 30, 30)
    assert {one["hashtag"] for one in done["report"]["changes"]} == {"harsh"}
    other = Calls(client, "admin").get(f"/v1/policy/impacts/{begun.json()['id']}")
    assert kind_of(other) == "not_found", "another person's"
    refused = client.post("/v1/policy/impacts", json={"policy": past, "since": "8d"}, headers=headers)
    assert refused.json()["errors"][0]["pointer"] == "#/since"
    assert client.post("/v1/policy/impacts", json={"policy": "x"}, headers=headers).status_code == 422


def test_new_impact_of_a_person_ends_the_one_before(client: TestClient, policies: InMemoryPolicies, past: str) -> None:
    policies.wait_seconds = 0.01
    headers = {"Authorization": "Bearer hush_moderator"}
    first, second = (
        client.post("/v1/policy/impacts", json={"policy": past}, headers=headers).json()["id"] for _ in range(2)
    )
    assert finished(Calls(client), f"/v1/policy/impacts/{second}")["state"] == "done"
    ended = finished(Calls(client), f"/v1/policy/impacts/{first}")
    assert ended["state"] == "failed" and "a later one" in ended["detail"]


def stop_shadow(client: TestClient) -> dict[str, Any]:
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "stop"}
    found: dict[str, Any] = client.post("/v1/policy/shadow/stop", json={}, headers=headers).json()
    return found


def test_shadow_shows_differences_until_it_is_stopped(client: TestClient, past: str) -> None:
    admin = Calls(client, "admin")
    assert admin.get("/v1/policy/shadow").json()["state"] is None
    assert kind_of(Calls(client).post("/v1/policy/shadow", policy=past)) == "forbidden"
    begun = admin.post("/v1/policy/shadow", policy=past, lasts="1h", reason="try it")
    assert begun.status_code == 201, begun.text
    found = finished(Calls(client), "/v1/policy/shadow")
    assert (found["state"], found["actor"], found["reason"]) == ("following", "admin", "try it")
    assert [one["hashtag"] for one in found["now"]] == ["harsh"] and found["over_time"]
    again = admin.post("/v1/policy/shadow", policy=past, reason="mine")
    assert kind_of(again) == "stale" and "try it" in again.json()["detail"]
    assert stop_shadow(client)["state"] == "stopped"
    long = admin.post("/v1/policy/shadow", policy=past, lasts="2d")
    assert long.json()["errors"][0]["pointer"] == "#/lasts"


def test_report_has_no_numbers_of_a_hashtag_before_the_first_answer(
    client: TestClient, log: InMemoryLog, policies: InMemoryPolicies, past: str
) -> None:
    ApiWorld(decision("harsh", "hold"), log=log, policies=policies).serve(client)
    calls, headers = Calls(client), {"Authorization": "Bearer hush_moderator"}
    begun = client.post("/v1/policy/impacts", json={"policy": past}, headers=headers).json()
    path = f"/v1/policy/impacts/{begun['id']}"
    report = finished(calls, path)["report"]
    [change] = {one["hashtag"]: one for one in report["changes"]}.values()
    assert report["numbers"] == "after_first_answer" and change["kind"] == "cleared"
    assert change["live"]["authors"] and change["live"]["lower"] is None and change["live"]["threshold"] is None
    at_once = client.post("/v1/policy/impact", json={"policy": past}, headers=headers).json()
    assert at_once["numbers"] == "after_first_answer" and at_once["changes"] == report["changes"]
    Calls(client, "admin").post("/v1/policy/shadow", policy=past)
    shadow = finished(calls, "/v1/policy/shadow")
    assert all(one["live"]["lower"] is None for one in shadow["now"]) and shadow["now"]
    stop_shadow(client)
    case = calls.get("/v1/cases", hashtag="harsh").json()["items"][0]["id"]
    assert calls.post(f"/v1/cases/{case}/answer", answer="hide").status_code == 201
    shown = finished(calls, path)["report"]
    assert shown["numbers"] == "shown" and shown["changes"][0]["live"]["lower"] > 0.5
