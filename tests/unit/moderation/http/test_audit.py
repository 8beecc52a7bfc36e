"""Routes of the audit log: an entry, its proof, and the state of the log."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.publiclog.disclosure import check
from tests.support.api_calls import Calls, block, kind_of
from tests.support.in_memory_public_log import InMemoryPublicLog


@pytest.fixture
def legal(client: TestClient) -> Calls:
    """Return the legal team's calls on a log with one decision."""
    assert block(Calls(client), "film", country="IN").status_code == 201
    return Calls(client, "legal")


@pytest.fixture
def public_log(client: TestClient) -> InMemoryPublicLog:
    found = cast(FastAPI, client.app).state.services.public_log
    assert isinstance(found, InMemoryPublicLog)
    return found


def number_of(legal: Calls) -> int:
    [row] = legal.get("/v1/audit", hashtag="film").json()["items"]
    return int(row["seq"])


def opened(found: dict[str, Any]) -> dict[str, Any]:
    return check(base64.b64decode(found["proof"]["leaf"]), found["proof"]["opened"])


def test_entry_is_the_row_of_the_list(legal: Calls) -> None:
    [row] = legal.get("/v1/audit", hashtag="film").json()["items"]
    assert legal.get(f"/v1/audit/{row['seq']}").json() == row
    assert len(row["hash"]) == 64
    assert kind_of(legal.get("/v1/audit/99")) == "not_found"


def test_proof_opens_the_fields_of_a_statement(legal: Calls) -> None:
    found = legal.get(f"/v1/audit/{number_of(legal)}/proof").json()
    assert set(found["entry"]) == {"time", "hashtag", "country", "action", "reason", "policy_revision", "facts"}
    assert opened(found) == found["entry"]
    assert (found["entry"]["hashtag"], found["entry"]["action"]) == ("film", "block")


def test_proof_opens_chosen_fields_alone(legal: Calls) -> None:
    found = legal.get(f"/v1/audit/{number_of(legal)}/proof", fields=["type", "country"]).json()
    assert opened(found) == {"type": "override/block/IN", "country": "IN"}
    assert legal.get(f"/v1/audit/{number_of(legal)}/proof", fields="salt").status_code == 422


def test_proof_before_its_checkpoint_says_when(legal: Calls, public_log: InMemoryPublicLog) -> None:
    public_log.uncovered = 1
    found = legal.get(f"/v1/audit/{number_of(legal)}/proof").json()
    assert found["proof"] is None
    assert "due at 2021-02-08 16:00 UTC" in found["proof_note"]


def test_erased_entry_has_a_row_and_no_proof(legal: Calls, public_log: InMemoryPublicLog) -> None:
    number = number_of(legal)
    public_log.erased.add(number)
    found = legal.get(f"/v1/audit/{number}").json()
    assert (found["kind"], found["target"], found["reason"]) == ("erased", "", "")
    assert kind_of(legal.get(f"/v1/audit/{number}/proof")) == "not_found"


def test_state_names_checkpoint_and_witnesses(legal: Calls) -> None:
    found = legal.get("/v1/audit/state").json()
    assert found["entries"] == found["published"]["size"] == number_of(legal) + 1
    assert (found["published"]["cosigned_by"], found["published"]["missing"]) == (
        ["witness.example/w1"], ["witness.example/w2"],
    )  # fmt: skip
    assert found["published"]["checkpoint"].startswith("example.com/hushtag\n")


def test_statement_carries_its_proof_to_those_who_may_read_the_reason(legal: Calls, client: TestClient) -> None:
    [found] = legal.get("/v1/hashtags/film/statements").json()["items"]
    assert opened(found) == found["entry"]
    assert found["entry"]["hashtag"] == "film"
