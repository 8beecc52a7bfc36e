"""Tests of the route of publication."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.support.api_calls import Calls, block, kind_of


def test_answer_names_both_times_by_surface(client: TestClient) -> None:
    calls = Calls(client)
    version = block(calls, "film", country="IN").json()["version"]
    found = calls.get("/v1/hashtags/Film/published", version=version, wait=5).json()
    assert (found["hashtag"], found["version"], found["published"]) == ("film", version, True)
    assert found["published_at_ms"] == found["recorded_at_ms"] + 1_000
    assert [(one["surface"], one["country"]) for one in found["surfaces"]] == [("search", "IN"), ("trends", "IN")]
    assert calls.get("/v1/hashtags/film/published").json() == found


def test_hashtag_without_a_decision_is_not_found(client: TestClient) -> None:
    calls = Calls(client)
    assert kind_of(calls.get("/v1/hashtags/film/published")) == "not_found"
    assert kind_of(calls.get("/v1/hashtags/film/published", version="7")) == "mistake"
    assert kind_of(calls.get("/v1/hashtags/film/published", wait=60)) == "mistake"
