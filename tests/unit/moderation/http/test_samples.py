"""Tests of the routes of sampled tweets, markings, presence and exposure."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.api_calls import Calls, kind_of
from tests.support.in_memory_log import InMemoryLog


def case_path(calls: Calls, hashtag: str = "held") -> str:
    (case,) = calls.get("/v1/cases", state="open", hashtag=hashtag).json()["items"]
    return f"/v1/cases/{case['id']}"


def rows(calls: Calls, path: str) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in calls.get(f"{path}/sample").json()["items"]}


def test_sample_lists_tweets_without_texts_or_a_record(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    path = case_path(calls)
    assert rows(calls, path) == {
        "1": {"id": "1", "lang": "und", "url": "https://example.org/t/1", "opened": False, "mark": None, "others": None}
    }
    assert not log.records
    calls.get(f"{path}/texts", tweet=["1"])
    assert rows(calls, path)["1"]["opened"] is True
    assert rows(Calls(client, "admin"), path)["1"]["opened"] is False


def test_marking_of_others_is_closed_until_a_first_answer(client: TestClient) -> None:
    ann, zoe = Calls(client), Calls(client, "admin")
    path = case_path(ann)
    marked = ann.post(f"{path}/markings", tweet="1", mark="counter_speech")
    assert (marked.status_code, marked.json()["mark"]) == (201, "counter_speech")
    assert (rows(ann, path)["1"]["mark"], rows(zoe, path)["1"]["others"]) == ("counter_speech", None)
    assert zoe.post(f"{path}/answer", answer="unsure").status_code == 201
    assert rows(zoe, path)["1"]["others"] == [{"actor": "moderator", "mark": "counter_speech"}]
    assert ann.post(f"{path}/markings", tweet="1", mark="none").json()["mark"] is None
    assert rows(zoe, path)["1"]["others"] == []


def test_markings_stay_closed_in_a_blind_second_look(client: TestClient) -> None:
    ann, zoe = Calls(client), Calls(client, "admin")
    path = case_path(ann, "rumour")
    assert ann.post(f"{path}/markings", tweet="1", mark="attack").status_code == 201
    assert kind_of(zoe.post(f"{path}/answer", answer="unsure")) == "mistake", "it has no first answer"
    listed = zoe.get(f"{path}/sample").json()
    assert (listed["blinded"], listed["item"], listed["items"][0]["others"]) == (True, "", None)


def test_marking_is_in_the_audit_log_and_needs_a_sampled_tweet(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    path = case_path(calls)
    assert kind_of(calls.post(f"{path}/markings", tweet="2", mark="attack")) == "mistake"
    assert kind_of(calls.post(f"{path}/markings", tweet="1", mark="good")) == "mistake"
    assert Calls(client, "reader").post(f"{path}/markings", tweet="1", mark="news").status_code == 403
    assert not log.records
    calls.post(f"{path}/markings", tweet="1", mark="news")
    rows = Calls(client, "legal").get("/v1/audit", kind="text_marking").json()["items"]
    assert [(row["actor"], row["action"], row["target"]) for row in rows] == [("moderator", "news", "held")]


def test_presence_names_viewers_and_records_nothing(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    path = f"{case_path(calls)}/presence"
    assert calls.get(path).json()["viewers"] == []
    Calls(client, "admin").post(path)
    assert calls.post(path).json()["viewers"] == ["admin", "moderator"]
    assert calls.get(path).json()["viewers"] == ["admin", "moderator"]
    assert calls.post("/v1/cases/case-0000000000000000/presence").status_code == 404
    assert Calls(client, "reader").post(path).status_code == 403
    assert not log.records


def test_exposure_gives_leads_totals_of_three_people_or_more(client: TestClient) -> None:
    ann, lead = Calls(client), Calls(client, "admin")
    path = case_path(ann)
    ann.get(f"{path}/texts")
    own = ann.get("/v1/exposure").json()
    assert (own["opened"], own["limit"], own["left"], own["next_at_ms"], own["team"]) == (1, None, None, None, None)
    assert lead.get("/v1/exposure").json()["team"] == {"people": 1, "opened": None}
    for person in ("bob", "zoe"):
        headers = {"Authorization": "Bearer hush_console", "Hushtag-Actor": person}
        assert client.get(f"{path}/texts", headers=headers).status_code == 200
    assert lead.get("/v1/exposure").json()["team"] == {"people": 3, "opened": 3}


@pytest.mark.parametrize("role", ["reader", "legal"])
def test_exposure_is_closed_to_roles_that_open_no_text(client: TestClient, role: str) -> None:
    assert Calls(client, role).get("/v1/exposure").status_code == 403
