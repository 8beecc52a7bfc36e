"""Tests of the routes of orders and appeals."""

from __future__ import annotations

from typing import get_args

import pytest
from fastapi.testclient import TestClient

from moderation.access.bodies import MOST_HANDLES
from moderation.domain.orders.handles import UnresolvedHandle
from moderation.http import order_intake
from moderation.http.order_bodies import DeclineGround
from streams.orders.records import GROUNDS
from streams.orders.states import GROUNDS_OF
from tests.support.api_calls import (
    ORDER_BODY,
    Calls,
    appealed_against_an_order,
    block,
    kind_of,
    moved,
)
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld


def test_order_from_intake_to_notice(client: TestClient) -> None:
    calls = Calls(client, "legal")
    taken = calls.post("/v1/orders", **ORDER_BODY)
    assert taken.status_code == 201, taken.text
    [plan] = taken.json()["orders"]
    assert (plan["fate"], plan["added"]) == ("new", 2)
    order = plan["order"]
    assert calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["fate"] == "known"
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    stale = calls.post(f"/v1/orders/{order}/steps", to="acknowledged", if_version="")
    assert stale.status_code == 409, stale.text
    for to in ("acknowledged", "under_review"):
        version = calls.post(f"/v1/orders/{order}/steps", to=to, if_version=version).json()["version"]
    path = f"/v1/orders/{order}/rulings"
    dry = calls.post(path, outcome="withheld", kinds=["account"], dry_run=True, if_version=version).json()
    assert (dry["decides"], dry["version"]) == (1, version)
    for outcome, kind in (("withheld", "account"), ("reduced", "hashtag")):
        version = calls.post(path, outcome=outcome, kinds=[kind], if_version=version).json()["version"]
    final = calls.post(f"/v1/orders/{order}/steps", to="final", if_version=version)
    assert final.json()["in_force"] is True, final.text
    rows = calls.get(f"/v1/orders/{order}/targets", limit=1).json()
    assert rows["items"][0]["outcome"] == "withheld" and rows["next"]
    answer = calls.get(f"/v1/orders/{order}/notice", recipient="Example", site="https://example.org").json()["notice"]
    assert answer["action_taken"] == "Yes"
    assert [row["order"] for row in calls.get("/v1/orders", state="final").json()["items"]] == [order]
    assert calls.post(path, outcome="declined", if_version=version).status_code == 422  # no filter


def test_order_with_many_handles_is_refused_before_any_is_resolved(client: TestClient, log: InMemoryLog) -> None:
    """A call waits for its resolver: thousands of handles would block its caller for minutes."""
    targets = [{"kind": "account", "target": f"@name{number}"} for number in range(MOST_HANDLES + 1)]
    refused = Calls(client, "legal").post("/v1/orders", **ORDER_BODY | {"targets": targets})
    assert (refused.status_code, kind_of(refused)) == (422, "mistake"), refused.text
    assert "101 handles" in refused.json()["detail"] and "hushtag orders intake FILE" in refused.json()["fix"]
    assert refused.json()["errors"][0]["pointer"] == "#/targets" and not log.records


def test_silent_resolver_is_no_mistake_of_the_caller(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(handles: list[str], settings: object) -> dict[str, UnresolvedHandle]:
        return {handle: UnresolvedHandle("no answer", "later", away=True) for handle in handles}

    monkeypatch.setattr(order_intake, "resolve_handles", silent)
    target = {"kind": "account", "target": "@ann"}
    answer = Calls(client, "legal").post("/v1/orders", **ORDER_BODY | {"targets": [target]})
    assert answer.status_code == 503 and "HUSHTAG_HANDLE_RESOLVER does not answer" in answer.json()["detail"]


def test_interim_step_needs_an_end(client: TestClient, log: InMemoryLog) -> None:
    """Without the check the order would seem to be in force without being so."""
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    path = f"/v1/orders/{order}/steps"
    for to in ("acknowledged", "under_review"):
        version = calls.post(path, to=to, if_version=version).json()["version"]
    lines = len(log.records)
    for until in ({}, {"until": None}, {"until": ""}):
        refused = calls.post(path, to="interim", if_version=version, **until)
        assert refused.status_code == 422, refused.text
        assert kind_of(refused) == "mistake" and refused.json()["fix"]
    assert len(log.records) == lines
    done = calls.post(path, to="interim", until="2999-01-01", if_version=version)
    assert (done.status_code, done.json()["in_force"]) == (201, True)


def test_order_is_declined_only_on_listed_grounds(client: TestClient, log: InMemoryLog) -> None:
    assert get_args(DeclineGround) == GROUNDS_OF["declined"]
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    version, lines = calls.get(f"/v1/orders/{order}").json()["version"], len(log.records)
    for ground in set(GROUNDS) - set(GROUNDS_OF["declined"]):
        refused = calls.post(f"/v1/orders/{order}/steps", to="declined", ground=ground, if_version=version)
        assert (refused.status_code, kind_of(refused)) == (422, "mistake")
        assert "#/ground" in refused.json()["detail"] and "overbroad" in refused.json()["detail"]
    assert len(log.records) == lines
    done = calls.post(f"/v1/orders/{order}/steps", to="declined", ground="overbroad", if_version=version)
    assert (done.status_code, done.json()["outcomes"]["declined"]) == (201, 2)


def test_later_author_of_a_tweet_is_a_conflict(client: TestClient) -> None:
    calls = Calls(client, "legal")
    tweet = {"kind": "tweet", "target": "77"}
    assert calls.post("/v1/orders", **ORDER_BODY | {"targets": [tweet]}).json()["orders"][0]["fate"] == "new"
    again = calls.post("/v1/orders", **ORDER_BODY | {"targets": [tweet | {"author": "5"}]}).json()["orders"][0]
    assert (again["fate"], again["added"]) == ("conflict", 0)
    assert "tweet 77 is known as target 1, without an author" in again["why"]


def test_bad_targets_are_reported_and_strict_imports_nothing(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client, "legal")
    targets = [*ORDER_BODY["targets"], {"kind": "account", "target": "@handle"}]  # type: ignore[misc]
    strict = calls.post("/v1/orders", **ORDER_BODY | {"targets": targets, "strict": True})
    assert strict.status_code == 422 and not log.records
    loose = calls.post("/v1/orders", **ORDER_BODY | {"targets": targets}).json()
    assert (loose["orders"][0]["added"], len(loose["problems"])) == (2, 1)


def test_every_fault_of_an_order_is_reported(client: TestClient, log: InMemoryLog) -> None:
    body = ORDER_BODY | {"issued": "yesterday", "deadline": "soon", "targets": [{"kind": "account", "target": "@a b"}]}
    refused = Calls(client, "legal").post("/v1/orders", **body, strict=True)
    assert refused.status_code == 422 and not log.records
    assert {one["pointer"] for one in refused.json()["errors"]} == {"#/issued", "#/deadline"}
    body = ORDER_BODY | {"targets": [{"kind": "hashtag", "target": "#t"}, {"kind": "tweet", "target": "x"}]}
    refused = Calls(client, "legal").post("/v1/orders", **body, strict=True)
    assert [one["pointer"] for one in refused.json()["errors"]] == ["#/targets/1/target"]


def test_orders_are_filtered_sorted_and_paged(client: TestClient) -> None:
    calls = Calls(client, "legal")
    for number, due in ((1, "2999-01-03"), (2, "2999-01-01"), (3, "2999-01-02")):
        body = ORDER_BODY | {"reference": f"No. {number}", "deadline": f"{due}T00:00:00Z"}
        assert calls.post("/v1/orders", **body).status_code == 201
    first = calls.get("/v1/orders", limit=2).json()
    second = calls.get("/v1/orders", limit=2, cursor=first["next"]).json()
    assert [one["reference"] for one in [*first["items"], *second["items"]]] == ["No. 2", "No. 3", "No. 1"]
    assert second["next"] is None
    assert calls.get("/v1/orders", country="DE").json()["items"] == []
    assert calls.get("/v1/orders", authority="minis", overdue=False).json()["items"]
    assert calls.get("/v1/orders", overdue=True).json()["items"] == []
    other = calls.get("/v1/orders", sort="received", cursor=first["next"])
    assert (other.status_code, other.json()["errors"][0]["parameter"]) == (422, "cursor")


def test_targets_are_paged_and_filtered(client: TestClient) -> None:
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    first = calls.get(f"/v1/orders/{order}/targets", limit=1).json()
    second = calls.get(f"/v1/orders/{order}/targets", limit=1, cursor=first["next"]).json()
    assert [one["kind"] for one in [*first["items"], *second["items"]]] == ["account", "hashtag"]
    assert second["next"] is None
    [tag] = calls.get(f"/v1/orders/{order}/targets", kind="hashtag", outcome="undecided").json()["items"]
    assert tag["target"] == "#rumour"


def test_appeals_are_filtered_and_paged(client: TestClient) -> None:
    legal, admin = Calls(client, "legal"), Calls(client, "admin")
    appealed_against_an_order(legal)
    [automated] = admin.get("/v1/hashtags/held/statements").json()["items"]
    assert admin.post("/v1/appeals", reference=automated["reference"]).status_code == 201
    first = admin.get("/v1/appeals", limit=1).json()
    second = admin.get("/v1/appeals", limit=1, cursor=first["next"]).json()
    assert [one["against_order"] for one in [*first["items"], *second["items"]]] == [True, False]
    latest = admin.get("/v1/appeals", sort="-at").json()["items"]
    assert [one["against_order"] for one in latest] == [False, True]
    assert len(admin.get("/v1/appeals", against="order").json()["items"]) == 1
    assert admin.get("/v1/appeals", state="decided").json()["items"] == []
    assert [one["against_order"] for one in Calls(client).get("/v1/appeals").json()["items"]] == [False]


def test_appeal_is_judged_by_another_person_and_reversed(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    block(ann)
    [statement] = [
        one
        for one in ann.get("/v1/hashtags/rumour/statements").json()["items"]
        if one["restriction"]["source"] == "human"
    ]
    filed = ann.post("/v1/appeals", reference=statement["reference"], reason="it is a film")
    assert filed.status_code == 201, filed.text
    path = f"/v1/appeals/{filed.json()['id']}/outcome"
    assert ann.post(path, verdict="overturn").status_code == 422  # the same person took the decision
    ended = ben.post(path, verdict="overturn").json()
    assert ended["effect"]["action"] == "undo"
    assert ben.post(path, verdict="uphold").status_code == 409
    assert ann.get("/v1/appeals").json()["items"] == []
    [known] = ann.get("/v1/appeals", state="all").json()["items"]
    assert known["outcome"]["actor"] == "admin"


@pytest.mark.parametrize("word", ["uphold", "overturn"])
def test_appeal_ends_after_its_order_is_revoked(client: TestClient, word: str) -> None:
    legal, admin = Calls(client, "legal"), Calls(client, "admin")
    order, appeal = appealed_against_an_order(legal)
    moved(legal, order, "steps", to="revoked")
    path = f"/v1/appeals/{appeal}/outcome"
    assert "took the decision" in legal.post(path, verdict=word).text
    ended = admin.post(path, verdict=word)
    assert ended.status_code == 201, ended.text
    assert (ended.json()["effect"], ended.json()["ended"]) == (None, "the order is revoked")
    assert admin.get("/v1/appeals").json()["items"] == []


def test_appeal_reverses_present_restriction_of_its_target(client: TestClient) -> None:
    legal, admin = Calls(client, "legal"), Calls(client, "admin")
    order, appeal = appealed_against_an_order(legal)
    moved(legal, order, "rulings", outcome="reduced", kinds=["hashtag"], reason="better words")
    ended = admin.post(f"/v1/appeals/{appeal}/outcome", verdict="overturn")
    assert ended.status_code == 201, ended.text
    assert (ended.json()["effect"]["action"], ended.json()["ended"]) == ("declined", "")
    kept_back = admin.get("/v1/hashtags/rumour/statements").json()["items"]
    assert {one["restriction"]["source"] for one in kept_back} == {"automated"}


@pytest.mark.parametrize("word", ["uphold", "overturn"])
def test_appeal_ends_after_its_decision_left_the_topic(client: TestClient, log: InMemoryLog, word: str) -> None:
    calls = Calls(client)
    [statement] = calls.get("/v1/hashtags/rumour/statements").json()["items"]
    appeal = calls.post("/v1/appeals", reference=statement["reference"]).json()["id"]
    ApiWorld(log=log).serve(client)  # restarted; the topic no longer holds it
    ended = calls.post(f"/v1/appeals/{appeal}/outcome", verdict=word)
    assert ended.status_code == 201, ended.text
    assert (ended.json()["effect"], ended.json()["also_lifts"]) == (None, [])
    assert ended.json()["ended"] == "the decision has ended, or is no longer kept"
    assert calls.get("/v1/appeals").json()["items"] == []


def test_amendment_is_proposed_previewed_and_approved_by_another_person(client: TestClient) -> None:
    legal, admin = Calls(client, "legal"), Calls(client, "admin")
    order = legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    path = f"/v1/orders/{order}/amendments"
    version = legal.get(f"/v1/orders/{order}").json()["version"]
    dropped = legal.get(f"/v1/orders/{order}/targets").json()["items"][0]["target"]
    body = {"add": "5500000077\n", "drop": f"{dropped}\n", "reason": "corrigendum", "if_version": version}
    tried = legal.post(path, **body, dry_run=True).json()
    assert (tried["added"], tried["dropped"], tried["amendment"], tried["version"]) == (1, 1, "", version)
    proposed = legal.post(path, **body)
    assert proposed.status_code == 201, proposed.text
    waiting = admin.get(f"/v1/orders/{order}").json()
    assert (
        waiting["amendment"]["amendment"] == proposed.json()["amendment"] and waiting["amendment"]["actor"] == "legal"
    )
    assert waiting["amendment"]["added_targets"] == ["account 5500000077"]
    verdict = f"{path}/{waiting['amendment']['amendment']}/verdict"
    own = legal.post(verdict, verdict="approve", if_version=waiting["version"])
    assert own.status_code == 422 and "a second person must approve it" in own.text
    stale = admin.post(verdict, verdict="approve", if_version=version)
    assert stale.status_code == 409, stale.text
    done = admin.post(verdict, verdict="approve", if_version=waiting["version"]).json()
    assert (done["targets"], done["outcomes"]["dropped"], done["amendment"]) == (3, 1, None)
    gone = admin.get(f"/v1/orders/{order}/targets", outcome="dropped").json()["items"]
    assert [(target["target"], target["by"], target["second"], target["reason"]) for target in gone] == [
        (dropped, "legal", "admin", "corrigendum")
    ]


@pytest.mark.parametrize(
    ("member", "text", "words"),
    [("add", "nonsense", "of unknown kind"), ("add", "target,reference\n7,EX/9\n", "whose fields are known"),
     ("drop", "5500000099", "is not a target")],
)  # fmt: skip
def test_amendment_with_bad_rows_is_refused(client: TestClient, member: str, text: str, words: str) -> None:
    legal = Calls(client, "legal")
    order = legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    version = legal.get(f"/v1/orders/{order}").json()["version"]
    body = {member: text, "reason": "corrigendum", "if_version": version}
    refused = legal.post(f"/v1/orders/{order}/amendments", **body)
    assert refused.status_code == 422 and words in refused.text
    assert legal.get(f"/v1/orders/{order}").json()["amendment"] is None
