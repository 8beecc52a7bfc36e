"""Statements of reasons for the DSA Transparency Database."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from moderation.domain.restrictions.answers import restriction_answer
from moderation.domain.restrictions.collection import (
    active_restrictions,
    decision_restrictions,
    order_restrictions,
    override_restriction,
)
from moderation.domain.restrictions.restriction import LegalOrder, Restriction
from moderation.outward.statements.dsa import EEA, DsaBatch, DsaStatement, dsa_batches, dsa_statement
from moderation.outward.statements.text import LANGUAGES, user_text
from streams.countries import COUNTRIES
from streams.explain.hashtag_report import HashtagReport
from streams.log.decisions import version_of
from tests.support.statement_builders import (
    EVIDENCE,
    NOW_MS,
    ORDER,
    RULES,
    SIGNALS,
    account,
    decision,
    long_text,
    order_ruling,
    order_step,
    ordered,
    orders,
    override,
    ruling,
    suspended,
)


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    kind = draw(st.sampled_from(["hashtag", "account", "tweet"]))
    measures = {
        "hashtag": ["reduced", "held", "discounted"],
        "account": ["withheld", "suspended"],
        "tweet": ["withheld"],
    }
    measure = draw(st.sampled_from(measures[kind]))
    sources = {"withheld": ["legal"], "suspended": ["human"], "reduced": ["automated", "human", "legal"]}
    source = draw(st.sampled_from(sources.get(measure, ["automated", "human"])))
    began_ms = draw(st.integers(1_600_000_000_000, 2_000_000_000_000))
    automated = source == "automated"
    return Restriction(
        kind=kind,
        target="17",
        display=draw(st.text(min_size=1, max_size=280)),
        measure=measure,
        weight=draw(st.floats(0, 1)),
        surfaces=("search", "trends"),
        country=draw(st.sampled_from(["*", *sorted(COUNTRIES)])),
        source=source,
        actor="ann",
        began_ms=began_ms,
        ends_ms=draw(st.sampled_from([0, began_ms + 1, began_ms + 10**12])),
        decision="d",
        identity=draw(st.text(max_size=20)),
        category=draw(st.sampled_from(["hateful_conduct", "abuse", "gendered_abuse", "new_" * 20]))
        if automated
        else "",
        reason="" if automated else draw(long_text),
        signals=SIGNALS * draw(st.integers(0, 40)) if automated else (),
        evidence=draw(st.sampled_from([None, EVIDENCE])) if automated else None,
        order=draw(st.none() | orders) if source == "legal" else None,
    )


@given(restrictions())
def test_every_restriction_gives_a_valid_dsa_statement(restriction: Restriction) -> None:
    """Build a `DsaStatement`, which checks the database's rules."""
    statement = dsa_statement(restriction, account_rules=RULES)
    in_force_in_eu = restriction.country == "*" or restriction.country in EEA
    reported = in_force_in_eu and restriction.source != "legal"
    assert (statement is not None) is reported
    if statement is not None:
        assert statement.territorial_scope == (list(EEA) if restriction.country == "*" else [restriction.country])
        again = json.loads(json.dumps(statement.submission()))
        assert DsaStatement(**again) == statement


@given(restrictions(), st.sampled_from(LANGUAGES))
def test_every_restriction_has_a_user_text(restriction: Restriction, language: str) -> None:
    text = user_text(restriction, language)
    assert restriction.reference in text
    if restriction.order is not None and restriction.order.confidential:
        named = dataclasses.replace(restriction.order, authority="the authority with a unique name")
        assert named.authority not in user_text(dataclasses.replace(restriction, order=named), language)


GOOD = dsa_statement(decision_restrictions(decision(ruling()))[0]).submission()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "changes",
    [
        {"decision_visibility": None}, {"decision_visibility": []}, {"decision_visibility": ["HIDDEN"]},
        {"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}, {"decision_visibility_other": "something"},
        {"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"}, {"incompatible_content_ground": None},
        {"decision_account": "DECISION_ACCOUNT_CLOSED"}, {"end_date_account_restriction": "2025-11-25"},
        {"end_date_visibility_restriction": "2025-11-23"}, {"puid": "x" * 501}, {"puid": "hushtag-1\n"},
        {"incompatible_content_explanation": None}, {"incompatible_content_ground": "x" * 501},
        {"incompatible_content_explanation": "x" * 2001}, {"illegal_content_legal_ground": "law"},
        {"content_type": []}, {"content_type": ["CONTENT_TYPE_TAG"]}, {"content_type_other": ""},
        {"content_type_other": "x" * 501}, {"content_type_other": None},
        {"category": "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE"}, {"territorial_scope": ["IN"]},
        {"content_date": "1999-12-31"}, {"application_date": "2019-12-31"}, {"application_date": "2025-1-1"},
        {"end_date_visibility_restriction": "2038-01-02"}, {"decision_facts": ""}, {"decision_facts": "x" * 5001},
        {"source_type": "SOURCE_POLICE"}, {"automated_detection": "Maybe"}, {"automated_decision": "Yes"},
        {"puid": "a.b"}, {"puid": ""}, {"hashtag": "rumour"}, {"decision_ground_reference_url": "no url"},
    ],
)  # fmt: skip
def test_invalid_dsa_statement_is_refused(changes: dict[str, Any]) -> None:
    DsaStatement(**GOOD)
    with pytest.raises(ValidationError):
        DsaStatement(**GOOD | changes)


def test_dsa_statement_of_automated_suppression() -> None:
    [one] = decision_restrictions(decision(ruling(), ruling("search"), country="FR"))
    statement = dsa_statement(one)
    assert statement is not None
    assert statement.submission() | {"decision_facts": "", "incompatible_content_explanation": "", "puid": ""} == {
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DEMOTED"],
        "end_date_visibility_restriction": "2025-11-24",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": "Rules on hateful conduct",
        "incompatible_content_explanation": "",
        "content_type": ["CONTENT_TYPE_OTHER"],
        "content_type_other": "Hashtag",
        "category": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
        "category_specification": ["KEYWORD_HATE_SPEECH"],
        "territorial_scope": ["FR"],
        "content_date": "2025-11-24",
        "application_date": "2025-11-24",
        "decision_facts": "",
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_FULLY",
        "puid": "",
    }
    for fact in ("900 posts by about 400 authors", "60%", "between 50% and 70%", "burst 6.2 (threshold 4)", "p1", "m1"):
        assert fact in statement.decision_facts
    assert "About 136 of the authors have established accounts" in statement.decision_facts
    assert "of these, between 0% and 8% wrote harmful text" in statement.decision_facts
    assert "Rumour" not in json.dumps(statement.submission())


def test_dsa_statement_counts_authors_that_were_not_assessed() -> None:
    [one] = decision_restrictions(decision(ruling(evidence=replace(EVIDENCE, unread={"bn": 3, "ta": 20}))))
    statement = dsa_statement(one)
    assert statement is not None
    assert (
        "The classifier does not read the languages of 23 more sampled authors (Tamil 20, Bengali 3), and did not "
        "assess their texts." in statement.decision_facts
    )
    assert restriction_answer(one).evidence["unread"] == {"bn": 3, "ta": 20}


def test_dsa_statement_of_discount_demotes() -> None:
    [one] = decision_restrictions(decision(ruling(action="discount", weight=0.34), country="FR"))
    statement = dsa_statement(one)
    assert statement is not None
    assert statement.decision_visibility == ["DECISION_VISIBILITY_CONTENT_DEMOTED"]
    assert (
        "stays visible on trends for viewers in FR. It is ranked there by the posts of established accounts: its posts "
        "count 34%." in statement.decision_facts
    )


def test_reason_in_words_goes_to_user_alone() -> None:
    one = override_restriction(override(reason="Jane Roe reported it: @a_person wrote 'kill them'"))
    assert one is not None
    plain = json.dumps(dsa_statement(one).submission())  # type: ignore[union-attr]
    assert not any(word in plain for word in ("Jane", "a_person", "kill them", "Rumour", "rumour", "ann"))
    assert "@a_person" in user_text(one, "en")


def test_suspension_names_decision_clause_and_kind() -> None:
    [one] = order_restrictions(suspended().fold.orders.by_id[ORDER], NOW_MS)
    statement = dsa_statement(one, account_rules=RULES)
    assert statement is not None
    plain = statement.submission()
    assert plain["decision_account"] == "DECISION_ACCOUNT_SUSPENDED" and "decision_visibility" not in plain
    assert plain["incompatible_content_ground"] == RULES
    assert (plain["content_type"], plain["content_type_other"]) == (["CONTENT_TYPE_OTHER"], "Account")
    text = json.dumps(plain)
    assert not any(word in text for word in ("what may be recommended", "1001", "within the law", "lee", ORDER))
    assert dsa_statement(one) is None


@pytest.mark.parametrize("confidential", [False, True])
@pytest.mark.parametrize("kind", ["account", "hashtag", "tweet"])
def test_legal_order_has_no_statement(kind: Any, confidential: bool) -> None:
    fields: dict[str, Any] = {
        "target": "17", "display": "17", "kind": kind, "measure": "withheld", "surfaces": (), "country": "DE",
        "source": "legal", "actor": "ann", "began_ms": NOW_MS, "ends_ms": 0, "decision": "d", "identity": "i",
    }  # fmt: skip
    order = LegalOrder("Ministry", "IT Act 69A", "No. 7", confidential)
    assert dsa_statement(Restriction(**fields, order=order), account_rules=RULES) is None


def test_batches_have_at_most_100_statements() -> None:
    order = suspended(1, 250, count=250).fold.orders.by_id[ORDER]
    made = [dsa_statement(one, account_rules=RULES) for one in order_restrictions(order, NOW_MS)]
    statements = [one for one in made if one is not None]
    batches = list(dsa_batches([*statements, *statements]))
    assert [len(batch.statements) for batch in batches] == [100, 100, 50]
    assert len({one.puid for batch in batches for one in batch.statements}) == 250
    with pytest.raises(ValidationError):
        DsaBatch(statements=statements[:101])
    with pytest.raises(ValidationError, match="same puid"):
        DsaBatch(statements=statements[:1] * 2)


def day_of(one: Restriction) -> str:
    statement = dsa_statement(one, account_rules=RULES)
    assert statement is not None
    return statement.application_date


DAY_MS = 86_400_000


def test_application_date_stays_when_moderator_renews() -> None:
    renewed = override("b", at_ms=NOW_MS + DAY_MS, expires_at_ms=NOW_MS + 5 * DAY_MS, edits=version_of(0, 0))
    report = account([], override(expires_at_ms=NOW_MS + 2 * DAY_MS), renewed)
    [one] = active_restrictions(HashtagReport("rumour", [], report.people, None, NOW_MS + DAY_MS))
    assert (one.decision, day_of(one)) == ("b", "2025-11-24")
    after_gap = account([], override(), renewed)
    [one] = active_restrictions(HashtagReport("rumour", [], after_gap.people, None, NOW_MS + DAY_MS))
    assert day_of(one) == "2025-11-25"


def test_application_date_stays_when_suspension_is_ruled_again() -> None:
    again = replace(order_ruling("suspended", 1, 1, 4), at_ms=NOW_MS + DAY_MS, reason="another reason")
    view = ordered(
        order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("suspended", 1, 1, 3), again
    )
    [one] = order_restrictions(view.fold.orders.by_id[ORDER], NOW_MS + DAY_MS)
    assert day_of(one) == "2025-11-24"


def test_order_restriction_begins_when_first_withheld() -> None:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3),
             order_step("interim", 4, NOW_MS + 10)]  # fmt: skip
    longer = replace(order_step("interim", 5, NOW_MS + 50), at_ms=NOW_MS + 5)
    [one] = order_restrictions(ordered(*steps, longer).fold.orders.by_id[ORDER], NOW_MS + 20)
    assert one.began_ms == NOW_MS
    lapsed = replace(order_step("interim", 5, NOW_MS + 50), at_ms=NOW_MS + 30)
    [one] = order_restrictions(ordered(*steps, lapsed).fold.orders.by_id[ORDER], NOW_MS + 40)
    assert one.began_ms == NOW_MS + 30
