"""Routes of calibration: labels, the scale that they give, live and back, and who may do what."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.access import AccessControl
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from tests.support.api_calls import RING, SERVICE, Calls, calls_of, kind_of, limited
from tests.support.backtest_cases import steady
from tests.support.in_memory_calibration import InMemoryModels, drafts
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_policies import POLICY, InMemoryPolicies
from tests.support.moderation_world import ApiWorld


@pytest.fixture
def models() -> InMemoryModels:
    return InMemoryModels()


@pytest.fixture
def api(client: TestClient, log: InMemoryLog, models: InMemoryModels) -> TestClient:
    policies = InMemoryPolicies(evidence=steady(POLICY, {"a": 0.5}))
    return ApiWorld(log=log, policies=policies, models=models).serve(client)


def rows(n_clean: int, n_harmful: int, first: int = 0) -> list[dict[str, Any]]:
    found = drafts(n_clean, n_harmful, first=first)
    return [{"text": one.text, "harmful": one.harmful, "categories": one.categories, "lang": "en"} for one in found]


def label(api: TestClient, n: int = 60) -> None:
    for role, first in (("moderator", 0), ("admin", 1_000)):
        answer = Calls(api, role).post("/v1/calibration/labels", f"label-{role}", items=rows(n // 2, n // 2, first))
        assert answer.status_code == 201 and answer.json()["added"] == 2 * (n // 2), answer.text


def test_labels_are_counted_by_person_and_language(api: TestClient) -> None:
    empty = Calls(api).get("/v1/calibration").json()
    assert (empty["texts"], empty["ready"], empty["columns"], empty["before"]) == (0, False, [], None)
    assert "no language has a label" in empty["missing"]
    label(api)
    found = Calls(api).get("/v1/calibration").json()
    assert found["people"] == [{"person": "moderator", "labels": 60}, {"person": "admin", "labels": 60}]
    names = ("language", "category", "clean", "harmful")
    assert [tuple(one[name] for name in names) for one in found["columns"]] == [
        ("en", None, 60, 60), ("en", "hateful_conduct", 60, 0), ("en", "abuse", 60, 60),
        ("en", "gendered_abuse", 60, 0),
    ]  # fmt: skip
    assert found["ready"] and not found["one_person"]


def test_service_with_six_names_is_one_sender(api: TestClient) -> None:
    cast(FastAPI, api.app).state.access = AccessControl(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 10**6))
    [harmful] = rows(0, 1)
    for role in ("moderator", "admin"):
        Calls(api, role).post("/v1/calibration/labels", items=[harmful])
    for name in ("ann", "ben", "cy", "dee", "eve", "flo"):
        clean = harmful | {"harmful": False, "categories": {}}
        Calls(api, "console", actor=name).post("/v1/calibration/labels", f"of-{name}", items=[clean])
    found = Calls(api).get("/v1/calibration").json()
    assert {one["person"]: one["labels"] for one in found["people"]} == {"moderator": 1, "admin": 1, "console": 1}
    assert found["columns"][0]["harmful"] == 1, "two people outvote it"


def test_scale_goes_live_and_back(api: TestClient, models: InMemoryModels) -> None:
    label(api)
    lead = Calls(api, "admin")
    seen = lead.get("/v1/calibration").json()
    first, scale = seen["model"], seen["scale"]
    other = lead.post("/v1/calibration/apply", if_live=first, if_scale="0" * 12)
    assert (other.status_code, kind_of(other), other.json()["version"]) == (409, "stale", scale)
    applied = lead.post("/v1/calibration/apply", if_live=first, if_scale=scale)
    assert applied.status_code == 201, applied.text
    assert applied.json()["before"] == first
    now = lead.get("/v1/calibration").json()
    assert (now["model"], now["before"]) == (applied.json()["model"], first)
    late = lead.post("/v1/calibration/apply", if_live=first, if_scale=scale)
    assert (late.status_code, kind_of(late), late.json()["version"]) == (409, "stale", now["model"])
    back = lead.post("/v1/calibration/rollback", if_live=now["model"])
    assert back.status_code == 201 and back.json()["model"] == first
    assert [one.model_change.actor for one in models.records if one.model_change] == ["admin", "admin"]


def test_unusable_labels_are_named_one_by_one(api: TestClient, log: InMemoryLog) -> None:
    calls = Calls(api)
    answer = calls.post("/v1/calibration/labels", items=[
        {"text": "இது ஒரு தமிழ் வாக்கியம், வணக்கம்", "harmful": True}, {"text": "x", "harmful": False,
         "categories": {"abuse": True}}, {"text": "x", "harmful": True, "categories": {"spam": True}},
        {"tweet_id": "5", "harmful": True}, {"text": "fine", "harmful": False},
    ])  # fmt: skip
    found = answer.json()
    assert (answer.status_code, found["added"]) == (201, 1)
    assert sorted((one["where"], one["field"]) for one in found["problems"]) == [
        ("label 1", "text"), ("label 2", "categories"), ("label 3", "categories"), ("label 4", "tweet_id"),
    ]  # fmt: skip
    assert kind_of(calls.post("/v1/calibration/labels", items=[])) == "mistake"
    assert len(log.records) == 1 and b"fine" not in log.records[0].value
    [row] = Calls(api, "legal").get("/v1/audit", kind="text_label").json()["items"]
    assert (row["actor"], row["target"][:5], row["action"]) == ("moderator", "text-", "text_label")


def test_impact_tries_the_scale_on_the_past(api: TestClient) -> None:
    label(api)
    calls = Calls(api)
    begun = api.post("/v1/calibration/impacts", json={}, headers={"Authorization": "Bearer hush_moderator"})
    assert begun.status_code == 202, begun.text
    for _ in range(1_000):
        found = calls.get(f"/v1/policy/impacts/{begun.json()['id']}").json()
        if found["state"] not in ("waiting", "running"):
            break
        time.sleep(0.05)
    assert (found["state"], found["report"]["changes"]) == ("done", []), "the evidence has no scale"


@pytest.mark.parametrize("role", ["reader", "legal"])
def test_roles_that_decide_nothing_neither_look_nor_label(api: TestClient, role: str) -> None:
    calls = Calls(api, role)
    assert calls.get("/v1/calibration").status_code == 403
    assert calls.post("/v1/calibration/labels", items=rows(1, 0)).status_code == 403


def test_only_unlimited_lead_puts_a_scale_live(api: TestClient, configure: Any) -> None:
    first = Calls(api).get("/v1/calibration").json()["model"]
    for path in ("apply", "rollback"):
        more = {"if_scale": "0" * 12} if path == "apply" else {}
        assert Calls(api).post(f"/v1/calibration/{path}", if_live=first, **more).status_code == 403
    calls = calls_of(configure, limited("admin", countries=("IN",)))
    calls.actor = "lim"
    assert kind_of(calls.post("/v1/calibration/apply", if_live=first, if_scale="0" * 12)) == "beyond_rights"


def test_one_persons_labels_need_the_flag(api: TestClient) -> None:
    Calls(api).post("/v1/calibration/labels", items=rows(60, 60))
    lead = Calls(api, "admin")
    first = lead.get("/v1/calibration").json()
    assert first["one_person"]
    seen = {"if_live": first["model"], "if_scale": first["scale"]}
    refused = lead.post("/v1/calibration/apply", **seen)
    assert kind_of(refused) == "mistake" and "moderator gave 100%" in refused.json()["detail"]
    assert lead.post("/v1/calibration/apply", **seen, one_person=True).status_code == 201
