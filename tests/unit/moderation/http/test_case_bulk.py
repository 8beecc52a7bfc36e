"""Tests of bulk decisions on cases: each case by itself, and one undo of all of them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from streams.errors import DependencyAway
from tests.support.api_calls import Calls, Configure, block, calls_of, decision, kind_of, limited
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld

TAGS = ("one", "two", "three")


@pytest.fixture
def client(client: TestClient, log: InMemoryLog) -> TestClient:
    """Serve three holds and a second look."""
    held = [decision(tag, "hold") for tag in TAGS]
    return ApiWorld(*held, decision("down"), log=log, share=1.0).serve(client)


def ids(calls: Calls) -> dict[str, str]:
    return {one["hashtag"]: one["id"] for one in calls.get("/v1/cases", state="open").json()["items"]}


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    found = [one["status"] for one in answer.json()["items"]]
    assert (answer.json()["written"], answer.json()["refused"]) == (found.count(201), len(found) - found.count(201))
    return found


def first_answers(calls: Calls) -> dict[str, str]:
    """Give a first answer on each of the held hashtags; return the cases by hashtag."""
    cases = ids(calls)
    for tag in TAGS:
        assert calls.post(f"/v1/cases/{cases[tag]}/answer", answer="hide").status_code == 201
    return cases


def decide(calls: Calls, *cases: str, verdict: str = "show", **more: Any) -> Any:
    rows = [{"case": case} for case in cases]
    return calls.post("/v1/cases/bulk", **{"cases": rows, "verdict": verdict, "lasts": "2d"} | more)


def test_refused_case_does_not_stop_the_others(client: TestClient) -> None:
    calls = Calls(client)
    cases = first_answers(calls)
    version = calls.get(f"/v1/cases/{cases['two']}").json()["version"]
    assert block(Calls(client, "admin"), "two", country="IN").status_code == 201
    rows = [{"case": cases["one"]}, {"case": cases["two"], "if_version": version}, {"case": cases["three"]}]
    answer = decide(calls, cases=rows)
    assert statuses(answer) == [201, 409, 201]
    [one, two, three] = answer.json()["items"]
    assert (one["written"]["verdict"], three["written"]["left"]["open"]) == ("show", False)
    assert two["problem"]["type"].endswith("/stale") and "admin" in two["problem"]["detail"]
    assert [one["case"] for one in answer.json()["items"]] == [cases[tag] for tag in TAGS]


def test_one_undo_takes_back_what_the_caller_decided(client: TestClient) -> None:
    ann, zoe = Calls(client), Calls(client, "admin")
    cases = first_answers(ann)
    first_answers(zoe)
    assert statuses(decide(ann, cases["one"], cases["two"])) == [201, 201]
    assert statuses(decide(zoe, cases["three"])) == [201]
    undone = ann.post("/v1/cases/bulk/undo", cases=[cases[tag] for tag in TAGS])
    assert statuses(undone) == [201, 201, 409]
    assert "admin" in undone.json()["items"][2]["problem"]["detail"]
    assert {one["hashtag"] for one in ann.get("/v1/cases", state="open").json()["items"]} >= {"one", "two"}
    assert statuses(ann.post("/v1/cases/bulk/undo", cases=[cases["one"]])) == [404], "nothing is left to undo"


def test_case_without_a_first_answer_is_refused_by_itself(client: TestClient) -> None:
    calls = Calls(client)
    cases = ids(calls)
    assert calls.post(f"/v1/cases/{cases['two']}/answer", answer="unsure").status_code == 201
    answer = decide(calls, cases["one"], cases["two"])
    assert statuses(answer) == [403, 201]
    assert answer.json()["items"][0]["problem"]["type"].endswith("/first_answer_due")


def test_blind_look_is_not_judged_in_bulk(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    cases = ids(calls)
    assert calls.post(f"/v1/cases/{cases['down']}/claim").json()["blinded"]
    before = len(log.records)
    answer = decide(calls, cases["down"])
    assert statuses(answer) == [403] and answer.json()["items"][0]["problem"]["type"].endswith("/blinded")
    assert len(log.records) == before


def test_rights_apply_case_by_case(client: TestClient, configure: Configure, log: InMemoryLog) -> None:
    calls = calls_of(configure, limited("moderator", countries=("DE",)))
    held = [decision("one", "hold"), decision("two", "hold", country="DE")]
    ApiWorld(*held, log=log).serve(client)
    cases = ids(calls)
    for case in cases.values():
        assert calls.post(f"/v1/cases/{case}/answer", answer="hide").status_code == 201
    answer = decide(calls, cases["one"], cases["two"])
    assert statuses(answer) == [403, 201]
    assert answer.json()["items"][0]["problem"]["type"].endswith("/beyond_rights")
    assert statuses(calls.post("/v1/cases/bulk/undo", cases=[cases["two"]])) == [201]


def test_no_case_waits_again_once_kafka_is_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(client)
    cases = first_answers(calls)
    tried = []

    def away(log: InMemoryLog, records: object) -> list[int]:
        tried.append(records)
        raise DependencyAway("no broker")

    monkeypatch.setattr(InMemoryLog, "send", away)
    assert statuses(decide(calls, *(cases[tag] for tag in TAGS))) == [503] * 3
    assert len(tried) == 1


def test_repeated_key_decides_once(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    cases = first_answers(calls)
    answers = [decide(calls, cases["one"], key="same").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert sum(b'"case_decision"' in one.value for one in log.records) == 1


def test_number_of_cases_is_bounded(client: TestClient) -> None:
    many = [f"case-{number:016x}" for number in range(201)]
    calls = Calls(client)
    for answer in (decide(calls, *many), decide(calls), calls.post("/v1/cases/bulk/undo", cases=many)):
        assert kind_of(answer) == "mistake"
    assert Calls(client, "reader").post("/v1/cases/bulk/undo", cases=many[:1]).status_code == 403
