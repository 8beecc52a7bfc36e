"""Tests of the intake of a text, its dry run, notes and the publication of an order."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from moderation.access.problems import MOST_FAULTS
from moderation.domain.orders.handles import ResolvedHandle
from moderation.http import order_intake
from tests.support.api_calls import ORDER_BODY, Calls, Configure, calls_of, kind_of, limited, moved
from tests.support.in_memory_log import InMemoryLog

HEAD: dict[str, Any] = {name: value for name, value in ORDER_BODY.items() if name != "targets"}


def test_dry_run_reports_each_row_and_writes_nothing(client: TestClient, log: InMemoryLog) -> None:
    calls = Calls(client, "legal")
    text = "1001\n\n#Rumour\nhttps://x.com/i/status/77\n???\n" + "x" * 200
    dry = calls.post("/v1/orders/text", **HEAD, text=text, dry_run=True).json()
    assert [(plan["fate"], plan["added"]) for plan in dry["orders"]] == [("new", 3)] and not log.records
    assert [one["where"] for one in dry["problems"]] == ["line 5", "line 6"]
    assert len(dry["problems"][1]["value"]) == 60 and dry["problems"][1]["fix"]
    taken = calls.post("/v1/orders/text", **HEAD, text=text).json()
    assert (taken["orders"][0]["added"], taken["unusable"], taken["dry_run"]) == (3, 2, False)
    again = calls.post("/v1/orders/text", **HEAD, text=text).json()
    assert again["orders"][0]["fate"] == "known"


def test_strict_text_with_bad_row_writes_nothing(client: TestClient, log: InMemoryLog) -> None:
    refused = Calls(client, "legal").post("/v1/orders/text", **HEAD, text="1001\n???", strict=True)
    assert (refused.status_code, kind_of(refused)) == (422, "mistake") and not log.records
    assert "line 2" in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize("text", ["1001\n1002", "target;kind\n1001;account", '{"targets": ["1001"]}'])
def test_fault_of_the_head_is_reported_once(client: TestClient, log: InMemoryLog, text: str) -> None:
    head = HEAD | {"issued": "yesterday", "authority": "", "country": "Atlantis"}
    refused = Calls(client, "legal").post("/v1/orders/text", **head, text=text, dry_run=True)
    assert refused.status_code == 422 and not log.records
    assert {one["pointer"] for one in refused.json()["errors"]} == {"#/issued", "#/authority", "#/country"}


def test_columns_of_the_text_win_over_the_form(client: TestClient) -> None:
    text = "authority,reference,target\nCourt,A/1,1001\nCourt,A/2,1002\n"
    found = Calls(client, "legal").post("/v1/orders/text", **HEAD, text=text, dry_run=True).json()["orders"]
    assert [one["reference"] for one in found] == ["A/1", "A/2"]


def test_long_list_of_bad_rows_is_cut_and_counted(client: TestClient) -> None:
    text = "\n".join("?" for _ in range(MOST_FAULTS + 7)) + "\n1001"
    found = Calls(client, "legal").post("/v1/orders/text", **HEAD, text=text, dry_run=True).json()
    assert (len(found["problems"]), found["unusable"]) == (MOST_FAULTS, MOST_FAULTS + 7)


def test_handles_of_the_text_are_resolved(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(handles: list[str], settings: object) -> dict[str, ResolvedHandle]:
        return {handle.lower(): ResolvedHandle("55", 5) for handle in handles}

    monkeypatch.setattr(order_intake, "resolve_handles", resolved)
    order = Calls(client, "legal").post("/v1/orders/text", **HEAD, text="@Ann").json()["orders"][0]["order"]
    [target] = Calls(client, "legal").get(f"/v1/orders/{order}/targets").json()["items"]
    assert (target["target"], target["handle"]) == ("55", "Ann")


def test_text_for_another_country_is_beyond_the_rights(configure: Configure, log: InMemoryLog) -> None:
    calls = calls_of(configure, limited("legal", countries=("DE",)))
    refused = calls.post("/v1/orders/text", **HEAD, text="1001", dry_run=True)
    assert (refused.status_code, kind_of(refused)) == (403, "beyond_rights") and not log.records


def test_ruling_names_the_targets_that_it_left_out(client: TestClient) -> None:
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    moved(calls, order, "steps", to="acknowledged")
    moved(calls, order, "steps", to="under_review")
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    ruled = calls.post(f"/v1/orders/{order}/rulings", outcome="withheld", everything=True, if_version=version).json()
    assert ruled["left_out"] == [{"number": 2, "why": "a target of this kind cannot be withheld"}]


def test_note_and_assignment_of_an_order(client: TestClient) -> None:
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    noted = calls.post(f"/v1/orders/{order}/notes", reason="asked the court", assignee="lee").json()
    assert (noted["assignee"], [one["text"] for one in noted["notes"]]) == ("lee", ["asked the court"])
    assert calls.post(f"/v1/orders/{order}/notes", reason="", assignee="").json()["assignee"] == ""
    assert calls.post(f"/v1/orders/{order}/notes", reason=" ").status_code == 422
    assert Calls(client, "moderator").post(f"/v1/orders/{order}/notes").status_code == 403


def test_publication_of_step_without_effect_is_not_awaited(client: TestClient) -> None:
    calls = Calls(client, "legal")
    order = calls.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    found = calls.get(f"/v1/orders/{order}/published").json()
    assert (found["published"], found["on_surfaces_ms"]) == (None, None) and found["recorded_ms"] > 0
