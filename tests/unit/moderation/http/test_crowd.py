"""Tests of the route of a case's crowd."""

from __future__ import annotations

from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from streams.clock import now_ms
from streams.constants import MINUTE_MS
from tests.support.api_calls import Calls
from tests.support.in_memory_crowds import FLOOR, WINDOW_MS, InMemoryCrowds, crowd_record


@pytest.fixture
def minute_ms(client: TestClient) -> int:
    """Fill the evidence with one minute; return its end."""
    found = now_ms() // MINUTE_MS * MINUTE_MS
    crowds = cast(InMemoryCrowds, cast(FastAPI, client.app).state.services.crowds)
    rows = {("held", "IN"): (90, 40, 30), ("held", "*"): (100, 50, 30), ("rumour", "IN"): (80, 30, 20)}
    crowds.fold.apply(crowd_record(found, rows, young=(0.25, 0.1, 0.1), copies=(0.5, 0.5, 0.5)))
    return found


def path_of(calls: Calls, hashtag: str) -> str:
    (case,) = calls.get("/v1/cases", state="open", hashtag=hashtag).json()["items"]
    return f"/v1/cases/{case['id']}/crowd"


def test_crowd_has_counts_and_moments_and_no_share(client: TestClient, minute_ms: int) -> None:
    calls = Calls(client)
    found = calls.get(path_of(calls, "held")).json()
    assert found["points"] == [
        {
            "at_ms": minute_ms,
            "tweets": 90,
            "authors": 40,
            "established": 30,
            "coordinated": 10,
            "young": 10,
            "copies": 20,
            "sampled": 0,
            "unread": {},
        }
    ]
    assert (found["country"], found["countries"]) == ("IN", ["IN"])
    assert (found["window_ms"], found["floor"], found["newest_at_ms"]) == (WINDOW_MS, FLOOR, minute_ms)
    assert [(one["source"], one["what"]) for one in found["moments"]] == [("automated", "held")]
    assert found["until_ms"] - found["since_ms"] == pytest.approx(3_600_000, abs=60_000)
    world = calls.get(path_of(calls, "held"), country="*").json()
    assert [one["tweets"] for one in world["points"]] == [100]
    assert calls.get(path_of(calls, "held"), country="DE").json()["points"] == []


def test_blind_reviewer_gets_no_crowd(client: TestClient, minute_ms: int) -> None:
    calls = Calls(client)
    assert calls.get(path_of(calls, "rumour")).json() == {"hashtag": "rumour", "blinded": True}
    assert Calls(client, "reader").get(path_of(calls, "held")).status_code == 403
