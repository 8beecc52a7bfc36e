"""Lumen notices of legal orders."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from moderation.domain.orders.public_outcomes import PublicOutcome
from moderation.domain.restrictions.restriction import LegalOrder
from moderation.domain.texts.masking import MASK
from moderation.outward.statements.lumen import OrderRequest, RequestedTarget, action_taken, lumen_notice, order_request
from streams.flags.overrides import OverrideHistory
from tests.support.statement_builders import (
    NOW_MS,
    ORDER,
    order_ruling,
    order_step,
    ordered,
)


def notice_of(view: OverrideHistory, now_ms: int = NOW_MS) -> tuple[str, str, list[str]]:
    """Return action taken, text and URLs of the order's notice."""
    asked = order_request(view.fold.orders.by_id[ORDER], now_ms)
    notice = lumen_notice(asked, recipient="Example", site="https://example.org")["notice"]
    urls = [url["url"] for work in notice["works_attributes"] for url in work["infringing_urls_attributes"]]
    return notice["action_taken"], notice["body"], urls


def test_lumen_notice_names_only_targets_once_in_force() -> None:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("reduced", 0, 0, 3),
             order_ruling("withheld", 1, 2, 4)]  # fmt: skip
    action, body, urls = notice_of(ordered(*steps))
    assert (action, urls) == ("Unspecified", [])
    assert "withheld" not in body and "2 accounts not decided yet" in body
    action, body, urls = notice_of(ordered(*steps, order_step("revoked", 5)))
    assert (action, urls) == ("No", [])
    assert "2 accounts not acted on before the order on them ended" in body
    action, body, urls = notice_of(ordered(*steps, order_step("final", 5), order_step("revoked", 6)))
    assert (action, len(urls)) == ("Yes", 3)
    assert "withheld" not in body and "2 accounts held back in the country of the order, until" in body
    suspended = order_ruling("suspended", 1, 1, 5)
    action, body, urls = notice_of(ordered(*steps, suspended, order_step("revoked", 6)))
    assert (action, urls) == ("Partial", ["https://example.org/i/user/1001"])


def test_lumen_notice_omits_ruling_after_interim_decision_ended() -> None:
    late = replace(order_ruling("withheld", 2, 2, 5), at_ms=NOW_MS + 20)
    over = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3),
            order_step("interim", 4, NOW_MS + 10), late]  # fmt: skip
    assert notice_of(ordered(*over), NOW_MS + 30)[2] == ["https://example.org/i/user/1001"]
    again = ordered(*over, order_step("interim", 6, NOW_MS + 50))
    assert len(notice_of(again, NOW_MS + 60)[2]) == 2


def request(confidential: bool, *outcomes: PublicOutcome) -> OrderRequest:
    order = LegalOrder("Ministry of Examples", "IT Act 69A; Penal Code, s. 153A", "No. 7", confidential)
    kinds: list[Any] = ["account", "hashtag", "tweet"]
    demands = tuple(RequestedTarget(kinds[n % 3], f"t{n}", outcome, "asked @x") for n, outcome in enumerate(outcomes))
    return OrderRequest(order, "IN", NOW_MS, NOW_MS, demands)


class LumenEntity(BaseModel):
    """Entity of a notice, as Lumen's API describes it."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1)]
    kind: Literal["individual", "organization"]
    country_code: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = None


class LumenRole(BaseModel):
    """Role of an entity; the names are those of a court order and of a government request."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["sender", "recipient", "principal", "issuing_court"]
    entity_attributes: LumenEntity


class LumenWork(BaseModel):
    """Work of a notice."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    description: str
    infringing_urls_attributes: list[dict[Literal["url"], str]]


class LumenNotice(BaseModel):
    """Fields of Lumen's `POST /notices` that hushtag fills in."""

    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=1, max_length=255)]
    type: Literal["CourtOrder", "GovernmentRequest"]
    request_type: Literal["Agency"] | None = None
    subject: str
    case_id_number: Annotated[str, Field(min_length=1)]
    regulation_list: Annotated[str, Field(min_length=1)]
    jurisdiction_list: Annotated[str, Field(min_length=1)]
    body: str
    language: Literal["en"]
    date_sent: date
    date_received: date
    action_taken: Literal["Yes", "No", "Partial", "Unspecified"]
    works_attributes: Annotated[list[LumenWork], Field(min_length=1)]
    entity_notice_roles_attributes: Annotated[list[LumenRole], Field(min_length=3)]


def test_lumen_notice_of_order() -> None:
    notice = lumen_notice(
        request(False, "withheld", "reduced", "declined"), recipient="Example", site="https://example.org"
    )["notice"]
    LumenNotice.model_validate(notice)
    kind, action, where = notice["type"], notice["action_taken"], notice["jurisdiction_list"]
    assert (kind, action, where) == ("GovernmentRequest", "Partial", "IN")
    assert notice["subject"] == "IT Act 69A; Penal Code, s. 153A, No. 7"
    assert (notice["case_id_number"], notice["regulation_list"]) == ("No. 7", "IT Act 69A, Penal Code s. 153A")
    urls = [url["url"] for work in notice["works_attributes"] for url in work["infringing_urls_attributes"]]
    assert sorted(urls) == [
        "https://example.org/hashtag/t1", "https://example.org/i/user/t0",
    ]  # fmt: skip
    assert "1 account withheld in the country of the order" in notice["body"]
    assert f"Declined because: asked {MASK}" in notice["body"]


def test_lumen_notice_of_court_names_court_and_principal() -> None:
    asked, where = request(False, "withheld"), {"recipient": "Example", "site": "https://example.org"}
    notice = lumen_notice(asked, **where, notice_type="CourtOrder", principal="State of Examples")["notice"]
    LumenNotice.model_validate(notice)
    roles = {role["name"]: role["entity_attributes"]["name"] for role in notice["entity_notice_roles_attributes"]}
    court = "Ministry of Examples"
    assert roles == {
        "sender": court, "principal": "State of Examples", "issuing_court": court, "recipient": "Example",
    }  # fmt: skip
    assert notice["type"] == "CourtOrder" and "request_type" not in notice


def test_lumen_notice_of_confidential_order_has_only_numbers() -> None:
    notice = lumen_notice(request(True, "withheld", "declined"), recipient="Example", site="https://example.org")
    LumenNotice.model_validate(notice["notice"])
    plain = json.dumps(notice)
    assert not any(word in plain for word in ("Ministry", "69A", "153A", "No. 7", "t0", "t1", "asked"))
    assert "The order names 2 targets" in plain and MASK in plain


@pytest.mark.parametrize(
    ("outcomes", "word"),
    [
        (["withheld"], "Yes"), (["declined"], "No"), (["declined", "suspended"], "Partial"),
        (["undecided", "withheld"], "Unspecified"), (["ended"], "Yes"), (["dropped"], "No"),
    ],
)  # fmt: skip
def test_action_taken_summarises_outcomes(outcomes: list[PublicOutcome], word: str) -> None:
    assert action_taken(request(False, *outcomes).targets) == word
