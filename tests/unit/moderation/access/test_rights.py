"""Tests of rights by country, category and longest duration, on every kind of write."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.api_calls import ORDER_BODY, Calls, Configure, calls_of, kind_of, limited
from tests.support.in_memory_log import InMemoryLog


def block(calls: Calls, tag: str = "t", **more: Any) -> Any:
    return calls.post("/v1/overrides", **{"hashtag": tag, "action": "block", "if_version": "", "country": "IN"} | more)


def test_write_beyond_the_countries_is_refused(configure: Configure, log: InMemoryLog) -> None:
    calls = calls_of(configure, limited("moderator", countries=("IN", "DE")))
    for country in ("*", "FR"):
        refused = block(calls, country=country)
        assert (refused.status_code, kind_of(refused)) == (403, "beyond_rights"), refused.text
        assert "only in IN, DE" in refused.json()["detail"]
        for path in ("/v1/pause", "/v1/resume", "/v1/overrides/undo"):
            more = {"hashtag": "t"} if path.endswith("undo") else {}
            assert kind_of(calls.post(path, country=country, if_version="", **more)) == "beyond_rights"
    assert not log.records
    assert block(calls).status_code == 201


def test_order_of_another_country_is_refused(configure: Configure, log: InMemoryLog) -> None:
    calls = calls_of(configure, limited("legal", countries=("DE",)))
    assert kind_of(calls.post("/v1/orders", **ORDER_BODY)) == "beyond_rights"
    for path, body in (("steps", {"to": "acknowledged"}), ("rulings", {"outcome": "declined", "everything": True})):
        assert kind_of(calls.post(f"/v1/orders/IN-0123456789/{path}", if_version="", **body)) == "beyond_rights"
    assert not log.records
    order = Calls(calls._client, "legal").post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    refused = calls.post(f"/v1/orders/{order}/steps", to="acknowledged", if_version="")
    assert kind_of(refused) == "beyond_rights"


def test_write_longer_than_allowed_is_refused(configure: Configure) -> None:
    calls = calls_of(configure, limited("moderator", longest="2d"))
    refused = block(calls, lasts="3d")
    assert kind_of(refused) == "beyond_rights" and "at most 2 days" in refused.json()["detail"]
    assert kind_of(block(calls)) == "beyond_rights", "the default of 7 days is longer, too"
    assert kind_of(calls.post("/v1/pause", lasts="3d", if_version="")) == "beyond_rights"
    assert block(calls, lasts="2d").status_code == 201


def test_write_on_another_category_is_refused(configure: Configure) -> None:
    calls = calls_of(configure, limited("moderator", categories=("spam",)))
    assert kind_of(block(calls, "rumour")) == "beyond_rights", "the pipeline hides it for abuse"
    assert kind_of(calls.post("/v1/pause", category="abuse", if_version="")) == "beyond_rights"
    assert kind_of(calls.post("/v1/pause", if_version="")) == "beyond_rights", "it pauses every category"
    assert block(calls, "unknown").status_code == 201


def test_appeal_beyond_the_countries_is_not_decided(configure: Configure) -> None:
    calls = calls_of(configure, limited("moderator", countries=("DE",)))
    admin = Calls(calls._client, "admin")
    [statement] = admin.get("/v1/hashtags/rumour/statements").json()["items"]
    appeal = admin.post("/v1/appeals", reference=statement["reference"]).json()["id"]
    path = f"/v1/appeals/{appeal}/outcome"
    assert kind_of(calls.post(path, verdict="overturn")) == "beyond_rights"
    assert admin.post(path, verdict="overturn").status_code == 201


def test_bulk_write_applies_rights_row_by_row(configure: Configure) -> None:
    calls = calls_of(configure, limited("moderator", countries=("IN",)))
    rows = [{"hashtag": tag, "action": "block", "country": country, "if_version": ""}
            for tag, country in (("one", "IN"), ("two", "FR"), ("three", "IN"))]  # fmt: skip
    answer = calls.post("/v1/overrides/bulk", items=rows)
    assert answer.status_code == 200, answer.text
    assert [one["status"] for one in answer.json()["items"]] == [201, 403, 201]
    assert (answer.json()["written"], answer.json()["refused"]) == (2, 1)


@pytest.mark.parametrize("wrong", [{"countries": ("india",)}, {"longest": "soon"}, {"more": 1}])
def test_unusable_rights_of_a_key_file_are_refused(wrong: dict[str, Any]) -> None:
    import json

    from moderation.access.keys import parse_keys
    from streams.errors import CallerMistake

    key = {"name": "a", "role": "moderator", "sha256": "0" * 64, "rights": wrong}
    with pytest.raises(CallerMistake, match="rights"):
        parse_keys(json.dumps({"keys": [key]}).encode(), "keys.json")


def test_me_names_grants_and_permissions(client: TestClient) -> None:
    me = Calls(client, "legal").get("/v1/me").json()
    assert (me["writes_as"], me["how"], me["csrf"]) == ("legal", "key", None)
    assert me["grants"] == [{"role": "legal", "countries": None, "categories": None, "longest": None}]
    assert "orders" in me["may"] and "decide" not in me["may"]
