"""Tests of first answers: what is refused and said before it, and that no write shows a number of the machine."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from moderation.access.numbers import without_numbers
from streams.clock import now_ms
from streams.constants import HOUR_MS, MINUTE_MS
from streams.log.decisions import Decision, DecisionReason, Evidence, SampledAt, ScopeDecision, version_of
from tests.support.api_calls import RING, SERVICE, Calls, Configure, kind_of
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld, World

NUMBER, OTHER = 0.61803, 0.27182


def ruling(action: Any, number: float = NUMBER, **more: Any) -> ScopeDecision:
    evidence = Evidence(
        window_ms=600_000, tweets=4321, authors=321, scored=int(number * 1e5), share=number, lower=number, upper=number,
        established=12, established_lower=number, established_upper=number, sampled=("1",), highest=("2",),
        highest_at=(SampledAt(-1, 0, "und"),),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "category": "abuse", "surface": "trends", "action": action, "since_ms": now_ms() - 1_000,
        "expires_at_ms": now_ms() + HOUR_MS, "evidence": evidence,
        "reasons": (DecisionReason("harmful_share_lower", number, number),
                    DecisionReason("suppressed_share_of_top", number, number)),
    }  # fmt: skip
    return ScopeDecision(**fields | more)


def decision_on(tag: str, *rulings: ScopeDecision) -> Decision:
    return Decision(
        hashtag=tag, display=tag, country="IN", rulings=rulings, version=version_of(1, 1), tick_ms=1, settled_ms=1,
        decided_at_ms=now_ms(), policy_revision="p", model_revision="m",
    )  # fmt: skip


DISCOUNT = {"weight": NUMBER, "surface": "search"}


@pytest.fixture
def client(configure: Configure, log: InMemoryLog) -> TestClient:
    """Serve a case that has every kind of item, and one that lapses soon."""
    decisions = [
        decision_on(
            "held",
            ruling("hold"),
            ruling("discount", **DISCOUNT),
            ruling("review", category="spam", valve="suppressed_share_of_top"),
        ),
        decision_on("soon", ruling("hold", OTHER, expires_at_ms=now_ms() + 9 * MINUTE_MS)),
    ]
    world = ApiWorld(*decisions, log=log)
    return world.serve(configure(KeyRing.of([*RING, SERVICE]), RateLimit(1e6, 1_000_000)))


def case_of(calls: Calls, hashtag: str) -> str:
    [case] = calls.get("/v1/cases", hashtag=hashtag).json()["items"]
    return f"/v1/cases/{case['id']}"


def has_number(text: str) -> bool:
    return any(one in text for one in ("61803", "0.618", "61.8", "62 %", "62%"))


def test_answers_say_why_numbers_are_missing(client: TestClient) -> None:
    calls = Calls(client)
    paths = (case_of(calls, "held"), "/v1/hashtags/held", "/v1/hashtags/held/statements", "/v1/decisions")
    assert [calls.get(path).json()["numbers"] for path in paths] == ["after_first_answer"] * 4
    case = calls.get(paths[0]).json()
    highest = calls.get(f"{paths[0]}/texts", highest="true")
    assert (highest.status_code, kind_of(highest)) == (403, "first_answer_due")
    assert case["id"] in highest.json()["fix"]
    assert {tuple(one["evidence"]) for one in case["items"]} == {("tweets", "authors", "unread")}
    assert (case["reach"], case["first_answer"]) == (4321, None)
    assert {one["cause"] for one in case["items"]} == {"", "contested", "suppressed share of top"}
    statements = calls.get(paths[2]).json()["items"]
    assert statements and all((one["dsa"], one["text"]) == (None, {}) and one["reference"] for one in statements)
    answered = calls.post(f"{paths[0]}/answer", answer="hide").json()
    assert (answered["numbers"], answered["first_answer"]) == ("shown", "hide")
    assert calls.get(paths[1]).json()["numbers"] == "shown"
    assert calls.get(paths[3]).json()["numbers"] == "shown", "the hold that lapses soon needs no first answer"


def test_service_reads_for_each_person_by_name(client: TestClient) -> None:
    path = case_of(Calls(client), "held")
    Calls(client, "console", "zoe").post(f"{path}/answer", answer="show")
    for name, word in (("zoe", "shown"), ("Zoe", "shown"), ("yan", "after_first_answer")):
        headers = {"Authorization": "Bearer hush_console", "Hushtag-Actor": name}
        assert client.get("/v1/hashtags/held", headers=headers).json()["numbers"] == word


def test_decision_before_the_first_answer_is_refused_and_both_are_kept(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client)
    path = case_of(calls, "held")
    refused = calls.post(f"{path}/decision", verdict="hide")
    assert (refused.status_code, kind_of(refused)) == (403, "first_answer_due")
    rows = calls.post("/v1/cases/bulk", cases=[{"case": path.rpartition("/")[2]}], verdict="hide").json()["items"]
    assert rows[0]["problem"]["type"].endswith("/first_answer_due")
    assert not log.records
    calls.post(f"{path}/answer", answer="show")
    done = calls.post(f"{path}/decision", verdict="hide").json()
    assert (done["first_answer"], done["verdict"]) == ("show", "hide")
    assert [(one["kind"], one.get("answer"), one.get("verdict")) for one in calls.get(path).json()["history"]] == [
        ("answer", "show", None), ("decision", None, "hide"),
    ]  # fmt: skip


def test_writes_without_a_decision_need_no_first_answer_and_show_no_number(client: TestClient) -> None:
    calls = Calls(client)
    path = case_of(calls, "held")
    for write, body in (
        ("claim", {}), ("notes", {"reason": "film"}), ("escalation", {"team": "legal"}), ("skip", {"why": "context"}),
    ):  # fmt: skip
        done = calls.post(f"{path}/{write}", **body)
        assert done.status_code == 201 and not has_number(done.text), write
        assert done.json()["numbers"] == "after_first_answer"


def test_hold_that_lapses_soon_is_decided_without_a_first_answer(client: TestClient) -> None:
    calls = Calls(client)
    path = case_of(calls, "soon")
    assert str(OTHER) in calls.get(path).text
    done = calls.post(f"{path}/decision", verdict="show").json()
    assert (done["first_answer"], done["verdict"]) == (None, "show")


def test_first_answer_is_given_once_and_on_an_open_case(client: TestClient) -> None:
    ann, ben = Calls(client), Calls(client, "admin")
    path = case_of(ann, "held")
    assert ann.post(f"{path}/answer", answer="show").status_code == 201
    again = ann.post(f"{path}/answer", answer="hide")
    assert (again.status_code, again.json()["changed"]) == (409, ["moderator has already given a first answer"])
    assert ann.post(f"{path}/decision", verdict="hide").status_code == 201
    assert ben.post(f"{path}/answer", answer="hide").status_code == 409


async def test_commands_owe_no_first_answer() -> None:
    world = World(decision_on("held", ruling("hold")), clock=now_ms)
    await world.cases.decide("held", "hide", actor="ann", reason="seen")
    assert not (await world.case("held")).is_open


def test_outcomes_of_policies_lose_their_numbers() -> None:
    numbers = dict.fromkeys(("lower", "upper", "threshold", "weight"), NUMBER)
    row = {"hashtag": "held", "new": {"action": "hold", "authors": 8} | numbers}
    assert without_numbers(row)["new"] == {"action": "hold", "authors": 8} | dict.fromkeys(numbers)
