"""Tests of the routes that read: held now, the stop button, names, policy, speakers, and bulk decisions."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import cast

from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.services import Services
from moderation.domain.speakers import registry
from streams.errors import DependencyAway
from tests.support.api_calls import ORDER_BODY, Calls, block, kind_of, moved
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_policies import POLICY


def services(client: TestClient) -> Services:
    return cast(Services, cast(FastAPI, client.app).state.services)


def test_held_now_lists_what_wins(client: TestClient) -> None:
    calls = Calls(client)
    found = calls.get("/v1/held").json()
    assert [(one["hashtag"], one["action"], one["source"]) for one in found["items"]] == [
        ("held", "hold", "automated"), ("rumour", "suppress", "automated"),
    ]  # fmt: skip
    assert found["hashtags"] == 2 and found["items"][0]["surfaces"] == ["trends"]
    block(calls, "film", country="IN")
    assert calls.get("/v1/held", hidden=True).json()["items"][0]["source"] == "human"
    calls.post("/v1/overrides", hashtag="rumour", action="allow", if_version="")
    assert [one["hashtag"] for one in calls.get("/v1/held").json()["items"]] == ["film", "held"]
    assert [one["hashtag"] for one in calls.get("/v1/held", source="automated").json()["items"]] == ["held"]
    assert calls.get("/v1/held", country="DE").json()["items"] == []
    page = calls.get("/v1/held", limit=1).json()
    assert calls.get("/v1/held", limit=1, cursor=page["next"]).json()["items"][0]["hashtag"] == "held"


def test_held_now_is_empty_while_automation_is_paused(client: TestClient) -> None:
    calls = Calls(client)
    assert calls.post("/v1/pause", if_version="").status_code == 201
    assert calls.get("/v1/held").json()["items"] == []


def test_held_by_an_order_hides_the_officer_from_others(client: TestClient) -> None:
    legal = Calls(client, "legal")
    order = legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    for path, body in (
        ("steps", {"to": "acknowledged"}), ("steps", {"to": "under_review"}),
        ("rulings", {"outcome": "reduced", "kinds": ["hashtag"]}),
        ("rulings", {"outcome": "declined", "undecided": True}), ("steps", {"to": "final"}),
    ):  # fmt: skip
        moved(legal, order, path, **body)
    for role, actor in (("legal", "legal"), ("reader", "")):
        found = Calls(client, role).get("/v1/held", source="legal").json()["items"]
        assert {(one["hashtag"], one["actor"]) for one in found} == {("rumour", actor)}


def test_stop_button_has_a_state(client: TestClient) -> None:
    calls = Calls(client)
    assert calls.get("/v1/stop").json() == {"paused": False, "version": "", "items": []}
    paused = calls.post("/v1/pause", country="IN", category="abuse", lasts="1h", if_version="").json()
    state = calls.get("/v1/stop").json()
    assert (state["paused"], state["version"]) == (True, paused["version"])
    [one] = state["items"]
    assert (one["country"], one["category"], one["actor"], one["reason"]) == ("IN", "abuse", "moderator", "r")
    assert 0 < one["expires_in_ms"] <= 3_600_000
    assert calls.post("/v1/resume", country="IN", if_version=state["version"]).status_code == 201
    assert calls.get("/v1/stop").json()["paused"] is False


def test_hashtags_are_listed_by_prefix(client: TestClient) -> None:
    calls = Calls(client)
    block(calls, "Rumours")
    assert [one["hashtag"] for one in calls.get("/v1/hashtags", prefix="#RUM").json()["items"]] == [
        "rumour", "rumours",
    ]  # fmt: skip
    assert calls.get("/v1/hashtags", prefix="x").json() == {"items": [], "next": None, "blinded": []}
    assert len(calls.get("/v1/hashtags").json()["items"]) == 3


def test_live_policy_has_its_thresholds(client: TestClient) -> None:
    found = Calls(client, "reader").get("/v1/policy").json()
    assert (found["revision"], found["serial"]) == (POLICY.revision, POLICY.serial)
    assert found["policy"]["serial"] == POLICY.serial
    common = {(one["category"], one["surface"]) for one in found["thresholds"] if one["country"] is None}
    assert common == {(name, surface) for name in POLICY.category_names for surface in POLICY.surfaces}
    for one in found["thresholds"]:
        rule = POLICY.rule(one["category"], one["surface"], one["country"] or "ZZ")
        values = json.loads(json.dumps(asdict(rule)))
        assert {key: value for key, value in one.items() if key not in ("category", "surface", "country")} == values


def test_impact_of_a_policy_is_computed_or_its_faults_reported(client: TestClient) -> None:
    calls = Calls(client)
    headers = {"Authorization": "Bearer hush_moderator"}
    done = client.post("/v1/policy/impact", json={"policy": POLICY.canonical}, headers=headers)
    assert (done.status_code, done.json()["new_revision"]) == (200, POLICY.revision)
    text = "serial: 0\nsurface: [trends]\n"
    refused = client.post("/v1/policy/impact", json={"policy": text, "since": "24h"}, headers=headers)
    assert (refused.status_code, kind_of(refused)) == (422, "mistake")
    assert len(refused.json()["errors"]) >= 2, "every fault of the file"
    long = client.post("/v1/policy/impact", json={"policy": POLICY.canonical, "since": "8d"}, headers=headers)
    assert long.json()["errors"][0]["pointer"] == "#/since"
    assert Calls(client, "reader").post("/v1/policy/impact").status_code == 403
    assert calls.get("/v1/policy").status_code == 200


def test_speakers_are_filtered(client: TestClient) -> None:
    entries = [
        registry.SpeakerEntry("9", "news_media", "The Hindu"),
        registry.SpeakerEntry("10", "journalist", "Ravish"),
    ]
    asyncio.run(
        services(client).orders.change_registry(
            lambda fold: registry.plan_import(entries, fold.speakers, replace=False), actor="ann", reason="list"
        )
    )
    calls = Calls(client)
    assert [one["account"] for one in calls.get("/v1/speakers").json()["items"]] == ["9", "10"]
    assert [one["account"] for one in calls.get("/v1/speakers", category="journalist").json()["items"]] == ["10"]
    assert [one["account"] for one in calls.get("/v1/speakers", name="hindu").json()["items"]] == ["9"]
    assert [one["name"] for one in calls.get("/v1/speakers", account="10").json()["items"]] == ["Ravish"]


def test_bulk_decisions_answer_row_by_row(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    block(calls, "known")
    rows = [{"hashtag": tag, "action": "block", "if_version": ""} for tag in ("one", "known", "two")]
    answer = calls.post("/v1/overrides/bulk", key="bulk", items=rows)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [(one["hashtag"], one["status"]) for one in body["items"]] == [("one", 201), ("known", 409), ("two", 201)]
    assert body["items"][1]["problem"]["type"].endswith("/stale") and body["items"][1]["problem"]["version"]
    assert (body["written"], body["refused"]) == (2, 1)
    lines = len(log.records)
    again = calls.post("/v1/overrides/bulk", key="bulk", items=rows)
    assert again.json() == body and len(log.records) == lines


def test_bulk_faults_have_pointers_into_their_rows(client: TestClient, log: InMemoryLog) -> None:
    rows = [
        {"hashtag": "a b", "action": "block", "if_version": ""},
        {"hashtag": "t", "action": "ban", "if_version": ""},
    ]
    refused = Calls(client).post("/v1/overrides/bulk", items=rows)
    assert [one["pointer"] for one in refused.json()["errors"]] == ["#/items/0/hashtag", "#/items/1/action"]
    assert not log.records


def test_overrides_are_filtered_by_person_and_paged(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    for calls, tag in ((ann, "one"), (ben, "two"), (ann, "three")):
        assert block(calls, tag).status_code == 201
    assert [one["hashtag"] for one in ann.get("/v1/overrides", actor="moderator").json()["items"]] == ["three", "one"]
    page = ann.get("/v1/overrides", limit=2, sort="at").json()
    rest = ann.get("/v1/overrides", limit=2, sort="at", cursor=page["next"]).json()
    assert [one["hashtag"] for one in [*page["items"], *rest["items"]]] == ["one", "two", "three"]


def test_actor_is_the_caller_unless_named(client: TestClient) -> None:
    headers = {"Authorization": "Bearer hush_moderator", "Idempotency-Key": "k"}
    body = {"reason": "r", "hashtag": "t", "action": "block", "if_version": ""}
    assert client.post("/v1/overrides", json=body, headers=headers).json()["actor"] == "moderator"


def test_probes_need_no_key(client: TestClient, log: InMemoryLog) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}

    async def away() -> None:
        raise DependencyAway("Kafka at memory: no answer")

    services(client).moderation.refresh = away  # type: ignore[method-assign, assignment]
    refused = client.get("/readyz")
    assert (refused.status_code, kind_of(refused)) == (503, "away")
    assert client.get("/healthz").status_code == 200


def test_metrics_count_calls_by_route(client: TestClient) -> None:
    Calls(client).get("/v1/hashtags/rumour")
    text = client.get("/metrics").text
    assert 'hushtag_api_calls_total{method="GET",route="/v1/hashtags/{hashtag}",status="200"}' in text
    assert "rumour" not in text


def test_access_log_has_actors_and_no_contents(client: TestClient) -> None:
    from structlog.testing import capture_logs

    with capture_logs() as logs:
        Calls(client, "console", "zoe").post(
            "/v1/overrides", hashtag="secret", action="block", reason="because", if_version=""
        )
        client.get("/v1/overrides", params={"hashtag": "secret"}, headers={"Authorization": "Bearer hush_wrong"})
        Calls(client).get("/v1/hashtags/secret")
        client.get("/healthz")
    written, refused, read = logs
    assert (read["route"], read["status"]) == ("/v1/hashtags/{hashtag}", 200)
    assert (written["caller"], written["actor"], written["status"]) == ("console", "zoe", 201)
    assert (refused["caller"], refused["status"]) == ("", 401)
    for word in ("secret", "because", "hush_"):
        assert word not in str(logs)
