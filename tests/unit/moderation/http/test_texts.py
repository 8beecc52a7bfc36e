"""Tests of the route of texts."""

from __future__ import annotations

from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from msgspec.structs import replace as with_fields

from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit
from streams.log.decisions import Decision, SampledAt
from tests.support.api_calls import RING, Calls, Configure, decision, kind_of
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_texts import InMemoryTexts, native_tweet
from tests.support.moderation_world import ApiWorld


def with_positions(given: Decision) -> Decision:
    """Name two sampled tweets and one with a high score."""
    (ruling,) = given.rulings
    assert ruling.evidence is not None
    evidence = with_fields(
        ruling.evidence,
        sampled=("17", "18"), sampled_at=(SampledAt(0, 4, "en"), SampledAt(1, 5, "hi")), sampled_from=9,
        highest=("19",), highest_at=(SampledAt(1, 6, "en"),),
    )  # fmt: skip
    return with_fields(given, rulings=(with_fields(ruling, evidence=evidence),))


@pytest.fixture
def client(configure: Configure, log: InMemoryLog) -> TestClient:
    """Serve a held hashtag and a second look, whose tweets are in the source topic."""
    running = configure(KeyRing.of(RING), RateLimit(1e6, 1_000_000))
    decisions = [with_positions(decision("held", "hold")), with_positions(decision("down"))]
    records = {(0, 4): native_tweet(17, "ask @ann"), (1, 5): native_tweet(18, "b"), (1, 6): native_tweet(19, "worst")}
    return ApiWorld(*decisions, log=log, share=1.0, tweets=InMemoryTexts(dict(records))).serve(running)


def case_id(calls: Calls, hashtag: str) -> str:
    (case,) = calls.get("/v1/cases", state="open", hashtag=hashtag).json()["items"]
    return str(case["id"])


def test_texts_say_what_the_sample_is(client: TestClient) -> None:
    calls = Calls(client)
    answer = calls.get(f"/v1/cases/{case_id(calls, 'held')}/texts").json()
    assert answer["sample"] == "2 of 9 sampled authors, at random, one tweet each"
    assert [(one["id"], one["text"], one["lang"]) for one in answer["items"]] == [
        ("17", "ask @ann", "en"), ("18", "b", "hi"),
    ]  # fmt: skip
    assert answer["items"][0]["masked"] == "ask [REDACTED]"
    assert answer["items"][0]["url"] == "https://example.org/t/17"
    assert answer["url"] == "https://example.org/tags/held"


def give_first_answer(calls: Calls, texts: str) -> None:
    assert calls.post(texts.replace("/texts", "/answer"), answer="unsure").status_code == 201


def test_highest_texts_stay_closed_until_requested(client: TestClient) -> None:
    calls = Calls(client)
    path = f"/v1/cases/{case_id(calls, 'held')}/texts"
    closed = calls.get(path).json()["highest"]
    assert (closed["count"], closed["items"]) == (0, None)
    give_first_answer(calls, path)
    assert calls.get(path).json()["highest"] == closed | {"count": 1}
    opened = calls.get(path, highest=True).json()["highest"]
    assert [one["text"] for one in opened["items"]] == ["worst"]


def test_blind_reviewer_reads_the_random_sample_alone(client: TestClient) -> None:
    calls = Calls(client)
    answer = calls.get(f"/v1/cases/{case_id(calls, 'down')}/texts", highest=True).json()
    assert answer["blinded"] is True and answer["item"] == "" and len(answer["items"]) == 2
    assert (answer["highest"]["count"], answer["highest"]["items"]) == (0, None)


def test_reading_is_in_the_audit_log_with_actor_and_purpose(client: TestClient) -> None:
    calls = Calls(client)
    calls.get(f"/v1/cases/{case_id(calls, 'held')}/texts", purpose="an appeal")
    rows = Calls(client, "legal").get("/v1/audit", kind="text_reading").json()["items"]
    assert [(row["actor"], row["target"], row["reason"]) for row in rows] == [("moderator", "held", "an appeal")]


def test_unknown_item_and_role_without_decisions_are_refused(client: TestClient) -> None:
    calls = Calls(client)
    path = f"/v1/cases/{case_id(calls, 'held')}/texts"
    assert kind_of(calls.get(path, item="hushtag-0")) == "mistake"
    assert Calls(client, "reader").get(path).status_code == 403
    assert calls.get("/v1/cases/case-0000000000000000/texts").status_code == 404


def test_named_tweets_alone_are_opened(client: TestClient) -> None:
    calls = Calls(client)
    path = f"/v1/cases/{case_id(calls, 'held')}/texts"
    opened = calls.get(path, tweet=["18"]).json()
    assert [one["id"] for one in opened["items"]] == ["18"] and opened["highest"]["items"] is None
    assert kind_of(calls.get(path, tweet=["19"])) == "mistake", "its scores are not asked for"
    give_first_answer(calls, path)
    opened = calls.get(path, tweet=["19"], highest=True).json()
    assert (opened["items"], [one["text"] for one in opened["highest"]["items"]]) == ([], ["worst"])
    blind = f"/v1/cases/{case_id(calls, 'down')}/texts"
    assert kind_of(calls.get(blind, tweet=["19"], highest=True)) == "mistake"


def test_opening_beyond_the_limit_is_a_problem_of_its_own(client: TestClient) -> None:
    calls, services = Calls(client), cast(FastAPI, client.app).state.services
    services.texts.settings = services.texts.settings.model_copy(update={"texts_per_shift": 2})
    path = f"/v1/cases/{case_id(calls, 'held')}/texts"
    assert calls.get(path).status_code == 200
    give_first_answer(calls, path)
    refused = calls.get(path, highest=True)
    assert (refused.status_code, kind_of(refused)) == (429, "exposure_limit")
    assert (refused.json()["opened"], refused.json()["limit"]) == (2, 2)
    assert 8 * 3_600 - 60 < int(refused.headers["Retry-After"]) <= 8 * 3_600 + 1
    assert refused.json()["next_at_ms"] == calls.get("/v1/exposure").json()["next_at_ms"]
    assert calls.get(path).status_code == 200, "texts of this shift can be read again"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_link_on_another_site_opens_no_text(client: TestClient, log: InMemoryLog, site: str) -> None:
    path = f"/v1/cases/{case_id(Calls(client), 'held')}/texts"
    headers = {"Authorization": "Bearer hush_moderator", "Sec-Fetch-Site": site}
    refused = client.get(path, headers=headers)
    assert (refused.status_code, kind_of(refused)) == (403, "csrf")
    assert not log.records
    assert client.get(path, headers=headers | {"Sec-Fetch-Site": "same-origin"}).status_code == 200
