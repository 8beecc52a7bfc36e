"""Tests of the routes of cases."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from moderation.access.keys import ApiKey, KeyRing, Rights, hash_of
from moderation.access.limits import RateLimit
from moderation.domain.cases.work_order import BLIND
from tests.support.api_calls import RING, SERVICE, Calls, Configure, decision, kind_of
from tests.support.in_memory_log import InMemoryLog
from tests.support.live_decisions import unread
from tests.support.moderation_world import ApiWorld


@pytest.fixture
def client(configure: Configure, log: InMemoryLog) -> TestClient:
    """Serve one hashtag held in two countries, one suppressed and one queued."""
    running = configure(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 1_000_000))
    decisions = [
        decision("held", "hold", "IN"), decision("held", "hold", "US"), decision("down"), decision("queued", "review"),
    ]  # fmt: skip
    return ApiWorld(*decisions, log=log, share=1.0).serve(running)


def case_of(calls: Calls, hashtag: str) -> dict[str, Any]:
    found = [calls.get("/v1/cases", state=state, hashtag=hashtag).json()["items"] for state in ("open", "closed")]
    [case] = [*found[0], *found[1]]
    return cast(dict[str, Any], calls.get(f"/v1/cases/{case['id']}").json())


def test_list_has_a_row_for_each_hashtag_in_the_order_of_work(client: TestClient) -> None:
    answer = Calls(client).get("/v1/cases").json()
    assert answer["items"][0]["hashtag"] == "held"
    assert (answer["total"], answer["next"]) == (3, None)
    assert answer["items"][0]["countries"] == ["IN", "US"] and answer["items"][0]["why"] == ["hold"]


def test_pages_are_cut_by_cursor_and_filters_count(client: TestClient) -> None:
    calls = Calls(client)
    whole = [row["id"] for row in calls.get("/v1/cases").json()["items"]]
    pages, cursor = [], None
    while len(pages) < 9:
        page = calls.get("/v1/cases", limit=1, **({"cursor": cursor} if cursor else {})).json()
        pages += [row["id"] for row in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert pages == whole
    for query, expected in (
        ({"country": "US"}, {"held"}),
        ({"why": "second_look"}, {"down"}),
        ({"category": "abuse"}, {"held", "queued"}),
        ({"claimed": "mine"}, set()),
        ({"team": "legal"}, set()),
        ({"sort": "began"}, {"held", "queued", "down"}),
    ):
        answer = calls.get("/v1/cases", **query).json()
        assert {row["hashtag"] for row in answer["items"]} == expected
        assert answer["total"] == len(expected)


def test_cases_are_found_by_the_language_that_is_not_read(configure: Configure, log: InMemoryLog) -> None:
    running = configure(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 1_000_000))
    decisions = [unread("tamil", {"ta": 41, "bn": 9, "other": 2}), unread("urdu", {"ur": 52})]
    ApiWorld(*decisions, log=log).serve(running)
    calls = Calls(running)
    for query, expected in (({"language": "ta"}, ["tamil"]), ({"language": "hi"}, []), ({"why": "review"}, []),
                            ({"why": "not_assessed", "language": "ur"}, ["urdu"])):  # fmt: skip
        answer = calls.get("/v1/cases", **query).json()
        assert ([row["hashtag"] for row in answer["items"]], answer["total"]) == (expected, len(expected))
    [row] = calls.get("/v1/cases", language="bn").json()["items"]
    assert row["languages"][0] == {"language": "ta", "name": "Tamil", "share": 0.64}


def test_case_is_claimed_kept_and_decided_in_part(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    case = case_of(ann, "held")
    path = f"/v1/cases/{case['id']}"
    assert ann.post(f"{path}/claim").status_code == 201
    taken = ben.post(f"{path}/claim")
    assert (taken.status_code, taken.json()["changed"]) == (409, ["moderator holds the claim"])
    assert ann.post(f"{path}/heartbeat").json()["claimed_until_ms"] > 0
    assert ben.post(f"{path}/heartbeat").status_code == 409
    assert ben.post(f"{path}/decision", verdict="show").status_code == 409
    assert case_of(ben, "held")["claimed_by"] == "moderator"
    assert ann.post(f"{path}/answer", answer="hide").status_code == 201
    done = ann.post(
        f"{path}/decision", verdict="show", countries=["IN"], lasts="1d", if_version=case_of(ann, "held")["version"]
    )
    assert done.status_code == 201, done.text
    assert [(one["action"], one["country"]) for one in done.json()["effects"]] == [("allow", "IN")]
    assert done.json()["left"]["countries"] == ["US"]
    undone = ann.post(f"{path}/undo")
    assert undone.json()["left"]["countries"] == ["IN", "US"]


def test_closed_list_says_who_decided_and_how(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    for tag, verdict in (("queued", "leave"), ("held", "hide")):
        path = f"/v1/cases/{case_of(ann, tag)['id']}"
        assert ann.post(f"{path}/answer", answer="hide").status_code == 201
        assert ann.post(f"{path}/decision", verdict=verdict).status_code == 201
    found = ben.get("/v1/cases", state="closed", closed_within="15m", sort="-closed").json()["items"]
    assert [(row["hashtag"], row["closed"]["how"], row["closed"]["by"]) for row in found] == [
        ("held", "hide", "moderator")
    ], "a second look of the other one is still open"
    assert ben.get("/v1/cases", closed_within="15m").json()["items"] == []


def test_take_over_needs_a_lead(client: TestClient) -> None:
    ann, lead = Calls(client), Calls(client, "admin")
    path = f"/v1/cases/{case_of(ann, 'held')['id']}"
    ann.post(f"{path}/claim")
    assert ann.post(f"{path}/take-over").status_code == 403
    assert lead.post(f"{path}/take-over").json()["claimed_by"] == "admin"


def test_second_look_has_no_numbers_before_the_verdict(client: TestClient) -> None:
    ann = Calls(client)
    case = case_of(ann, "down")
    assert case["blinded"] and case["tweets"] == ["1"]
    path = f"/v1/cases/{case['id']}"
    claimed = ann.post(f"{path}/claim").json()
    done = ann.post(f"{path}/decision", verdict="show").json()
    for answer in (case, claimed, done, done["left"]):
        assert not {"reach", "version", "open", "began_ms", "categories", "surfaces", "items", "history"} & set(answer)
    assert done["effects"] == []
    assert "down" not in [row["hashtag"] for row in ann.get("/v1/cases").json()["items"]], "it does not come back"


def test_note_label_escalation_and_skip(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    path = f"/v1/cases/{case_of(ann, 'queued')['id']}"
    noted = ann.post(f"{path}/notes", reason="see the film", add=["film"]).json()
    assert (noted["labels"], noted["history"][-1]["kind"]) == (["film"], "note")
    assert [row["hashtag"] for row in ann.get("/v1/cases", label="film").json()["items"]] == ["queued"]
    ann.post(f"{path}/skip", why="distress", reason="I cannot look at it")
    own, other = (calls.get(path).json()["history"][-1] for calls in (ann, ben))
    assert (own["why"], own["reason"], "why" in other, other["reason"]) == (
        "distress", "I cannot look at it", False, "skipped",
    )  # fmt: skip
    assert [row["hashtag"] for row in ann.get("/v1/cases", label="film").json()["items"]] == []
    assert ben.post(f"{path}/escalation", team="legal").json()["team"] == "legal"
    assert [row["hashtag"] for row in ben.get("/v1/cases", team="legal").json()["items"]] == ["queued"]


def test_agreement_counts_decided_looks(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    path = f"/v1/cases/{case_of(ann, 'down')['id']}"
    for calls in (ann, ben):
        calls.post(f"{path}/claim")
        calls.post(f"{path}/decision", verdict="hide")
    answer = ann.get("/v1/cases/agreement").json()
    assert (answer["pairs"], answer["suppressed"], answer["wrong"], answer["controls"]) == (1, 1, 0, 0)


@pytest.mark.parametrize("sort", ["work", "reach", "began"])
def test_place_and_cursor_of_a_second_look_have_no_numbers(configure: Configure, log: InMemoryLog, sort: str) -> None:
    running = configure(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 1_000_000))
    calls = Calls(running)
    decisions = [decision("queued", "review"), decision("down"), decision("drop")]
    ApiWorld(*decisions, log=log, share=1.0).serve(running)
    page = calls.get("/v1/cases", sort=sort, limit=2).json()
    assert [row["blinded"] for row in page["items"]] == [False, True]
    held = json.loads(base64.urlsafe_b64decode(page["next"] + "=="))
    assert not [part for part in held[1:-1] if part not in (True, 0, BLIND)]


def test_second_look_stays_in_the_open_list_of_its_reviewer(client: TestClient) -> None:
    ann = Calls(client)
    ann.post(f"/v1/cases/{case_of(ann, 'down')['id']}/claim")
    assert not ann.get("/v1/cases", state="closed", hashtag="down").json()["items"]
    assert [row["blinded"] for row in ann.get("/v1/cases", state="open", hashtag="down").json()["items"]] == [True]


def test_second_look_needs_rights_in_its_country(configure: Configure, log: InMemoryLog) -> None:
    key = ApiKey(name="lim", role="moderator", sha256=hash_of("hush_lim"), rights=Rights(countries=("BR",)))
    running = configure(KeyRing.of([key, *RING]), RateLimit(1e6, 1_000_000))
    ApiWorld(decision("down"), log=log, share=1.0).serve(running)
    calls = Calls(running, "lim")
    path = f"/v1/cases/{case_of(calls, 'down')['id']}"
    for call, body in (("claim", {}), ("escalation", {"team": "legal"}), ("decision", {"verdict": "show"})):
        refused = calls.post(f"{path}/{call}", **body)
        assert (refused.status_code, kind_of(refused)) == (403, "beyond_rights")
        assert "abuse" not in refused.text
