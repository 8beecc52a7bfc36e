"""Page of the audit log: state, search, an entry, and the download of its proof."""

from __future__ import annotations

from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.console.audit_search import PAGE, AuditSearch
from moderation.publiclog.proofs.verify_proof import read_keys, verify_statement
from streams.errors import TopicsError
from tests.support.api_calls import Calls, block
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.in_memory_public_log import LOG_KEY, WITNESS_KEY, InMemoryPublicLog

DAY = 1_612_742_400_000


@pytest.fixture
def client() -> TestClient:
    found = console_client()
    assert block(Calls(found), "film", country="IN", reason="<b>spoilers</b>").status_code == 201
    assert block(Calls(found), "song", country="IN", key="k-song").status_code == 201
    return found


def log_of(client: TestClient) -> InMemoryPublicLog:
    return cast(InMemoryPublicLog, cast(FastAPI, client.app).state.services.public_log)


def number_of(client: TestClient, hashtag: str) -> int:
    [row] = Calls(client, "legal").get("/v1/audit", hashtag=hashtag).json()["items"]
    return int(row["seq"])


def test_only_those_with_the_audit_right_open_the_page(client: TestClient) -> None:
    for role, status in (("reader", 403), ("moderator", 403), ("legal", 200), ("admin", 200)):
        assert read_page(client, "/console/audit", role).status_code == status
    assert "/console/audit" not in read_page(client, "/console/queue").text


def test_page_has_state_witnesses_and_newest_entries_first(client: TestClient) -> None:
    page = read_page(client, "/console/audit", "legal")
    words = words_of_page(page)
    assert "cosigned witness.example/w1" in words
    assert "missing witness.example/w2" in words
    assert "Not under a checkpoint yet none" in words
    assert words.index("song") < words.index("film")
    assert "<b>spoilers</b>" not in page.text


def test_entries_above_the_checkpoint_are_counted(client: TestClient) -> None:
    log_of(client).uncovered = 1
    assert "Not under a checkpoint yet 1 entry" in words_of_page(read_page(client, "/console/audit", "legal"))


def test_search_finds_by_target_and_links_on(client: TestClient) -> None:
    words = words_of_page(read_page(client, "/console/audit?target=%23Film", "legal"))
    assert "Found, the oldest first" in words
    assert "film" in words and "song" not in words
    assert "No entry matches." in words_of_page(read_page(client, "/console/audit?actor=nobody", "legal"))


def test_list_pages_back_from_the_newest_entries(client: TestClient) -> None:
    for number in range(PAGE):
        assert block(Calls(client), f"tag{number}", key=f"k-{number}").status_code == 201
    page = read_page(client, "/console/audit", "legal").text
    total = number_of(client, f"tag{PAGE - 1}") + 1
    assert f'href="/console/audit?first={total - 2 * PAGE if total > 2 * PAGE else 0}"' in page
    assert f'href="/console/audit?first={PAGE}"' in read_page(client, "/console/audit?first=0", "legal").text


def test_entry_offers_the_fields_of_a_statement(client: TestClient) -> None:
    page = read_page(client, f"/console/audit/{number_of(client, 'film')}", "legal")
    assert page.text.count(" checked>") == 7
    assert "in the published log" in words_of_page(page)
    assert read_page(client, "/console/audit/999", "legal").status_code == 404


def test_downloaded_proof_verifies(client: TestClient) -> None:
    path = f"/console/audit/{number_of(client, 'film')}/proof.json?fields=hashtag&fields=action"
    answer = read_page(client, path, "legal")
    assert "attachment" in answer.headers["content-disposition"]
    keys = read_keys(str(LOG_KEY.public_key), [str(WITNESS_KEY.public_key)])
    assert verify_statement(answer.content, keys)["opened"] == {"hashtag": "film", "action": "block"}


def test_erased_entry_has_no_proof(client: TestClient) -> None:
    number = number_of(client, "film")
    log_of(client).erased.add(number)
    words = words_of_page(read_page(client, f"/console/audit/{number}", "legal"))
    assert "The record was erased." in words and "Download the proof" not in words


def test_page_without_a_log_says_what_to_do(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def state() -> None:
        raise TopicsError("the topic audit does not exist")

    monkeypatch.setattr(log_of(client), "state", state)
    assert "hushtag topics create" in words_of_page(read_page(client, "/console/audit", "legal"))


def test_search_filters_whole_days_in_utc() -> None:
    found = AuditSearch(since="2021-02-08", until="2021-02-08").filter()
    assert (found.from_ms, found.to_ms) == (DAY, DAY + 86_400_000)
    assert AuditSearch(since="yesterday", until="9999-12-31").filter() == AuditSearch().filter()


@pytest.mark.parametrize("target", ["IN-0123456789", "4711", "case-09e700db"])
def test_search_keeps_targets_that_are_no_hashtags(target: str) -> None:
    assert AuditSearch(target=target).filter().target == target
    assert AuditSearch(target="#Rumour").filter().target == "rumour"
