"""Statements of reasons: restrictions from records, and their renderings for users, the EU and Lumen."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from babel.messages.extract import extract
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typer.testing import CliRunner

from moderation.orders.public_outcomes import PublicOutcome
from moderation.statements import cli
from moderation.statements.collect import (
    active_restrictions,
    all_restrictions,
    decision_restrictions,
    order_restrictions,
    override_restriction,
)
from moderation.statements.dsa import EEA, DsaBatch, DsaStatement, dsa_batches, dsa_statement
from moderation.statements.lumen import OrderRequest, RequestedTarget, action_taken, lumen_notice, order_request
from moderation.statements.masking import MASK, cut, masked
from moderation.statements.restriction import LegalOrder, Restriction
from moderation.statements.text import LANGUAGES, catalogue, statement_as_dict, user_text
from streams.countries import COUNTRIES
from streams.errors import CallerMistake
from streams.explain import gather
from streams.explain.hashtag_report import HashtagReport
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, ScopeDecision, version_of
from streams.log.moderation import Override, Undo, encode_moderation
from streams.orders.records import (
    OrderReceived,
    OrderRecord,
    OrderRuling,
    OrderState,
    OrderStep,
    OrderTargets,
    Outcome,
    Target,
    encode_case,
)
from streams.orders.states import GROUNDS_OF
from streams.settings import Settings
from streams.signals import registry

NOW_MS = 1_764_000_000_000
HOUR_MS = 3_600_000
ORDER = "IN-0123456789"
RULES = "Terms of service, section 4.2 (platform manipulation)"
EVIDENCE = Evidence(
    window_ms=600_000, tweets=900, authors=400, scored=60, share=0.6, lower=0.5, upper=0.7, sampled=("17",),
    established=136, established_lower=0.0, established_upper=0.08,
)  # fmt: skip
SIGNALS = (DecisionReason("harmful_share_lower", 0.5, 0.45), DecisionReason("burst", 6.2, 4.0))


def ruling(surface: str = "trends", action: Action = "suppress", **changes: Any) -> ScopeDecision:
    fields: dict[str, Any] = {
        "category": "hateful_conduct", "surface": surface, "action": action, "since_ms": NOW_MS - 60_000,
        "expires_at_ms": NOW_MS + HOUR_MS, "reasons": SIGNALS, "evidence": EVIDENCE,
    }  # fmt: skip
    return ScopeDecision(**fields | changes)


def decision(*rulings: ScopeDecision, country: str = "*", number: int = 1) -> Decision:
    return Decision(
        hashtag="rumour", display="Rumour", country=country, rulings=rulings, version=version_of(number, number),
        tick_ms=1, settled_ms=1, decided_at_ms=NOW_MS, policy_revision="p1", model_revision="m1",
    )  # fmt: skip


def override(ident: str = "a", **changes: Any) -> Override:
    fields: dict[str, Any] = {
        "id": ident, "hashtag": "rumour", "display": "Rumour", "country": "*", "surfaces": ("search", "trends"),
        "actor": "ann", "reason": "false bomb threat", "at_ms": NOW_MS, "action": "block",
        "expires_at_ms": NOW_MS + HOUR_MS,
    }  # fmt: skip
    return Override(**fields | changes)


def account(decisions: list[Decision], *records: Override | Undo) -> HashtagReport:
    view = OverrideHistory()
    for offset, record in enumerate(records):
        value, key = encode_moderation(record)
        view.apply(offset, key, value)
    return HashtagReport("rumour", decisions, view, None, NOW_MS)


# --- from records to restrictions --------------------------------------------------------------------------------


def test_surfaces_with_the_same_ruling_are_one_restriction() -> None:
    rulings = (ruling(), ruling("search"), ruling(category="abuse"), ruling("search", "hold"), ruling("x", "review"))
    found = decision_restrictions(decision(*rulings))
    assert [(one.category, one.measure, one.surfaces) for one in found] == [
        ("hateful_conduct", "reduced", ("search", "trends")),
        ("abuse", "reduced", ("trends",)),
        ("hateful_conduct", "held", ("search",)),
    ]
    assert len({one.reference for one in found}) == 3


def test_discount_is_a_restriction_with_its_weight() -> None:
    contested = decision(ruling(action="discount", weight=0.34), ruling("search", "discount", weight=0.34))
    [one] = decision_restrictions(contested)
    assert (one.measure, one.weight, one.surfaces) == ("discounted", 0.34, ("search", "trends"))
    assert active_restrictions(account([contested])) == [one]
    assert active_restrictions(account([contested], override(action="allow"))) == []
    [hidden] = decision_restrictions(decision(ruling()))
    assert (hidden.weight, one.reference != hidden.reference) == (1.0, True)
    assert one.as_dict()["evidence"]["established"] == 136


def test_renewal_keeps_reference_and_new_beginning_changes_it() -> None:
    [first] = decision_restrictions(decision(ruling()))
    [renewed] = decision_restrictions(decision(ruling(expires_at_ms=NOW_MS + 2 * HOUR_MS), number=9))
    [again] = decision_restrictions(decision(ruling(since_ms=NOW_MS)))
    assert first.reference == renewed.reference != again.reference
    assert re.fullmatch(r"hushtag-[0-9a-f]{24}", first.reference)


def test_overruled_restriction_is_not_active() -> None:
    suppressed = decision(ruling(), ruling("search"))
    assert [one.source for one in active_restrictions(account([suppressed]))] == ["automated"]
    both = account([suppressed], override(surfaces=("trends",)))
    assert [one.source for one in active_restrictions(both)] == [
        "automated",
        "human",
    ]  # search is still suppressed by the pipeline
    assert [one.source for one in active_restrictions(account([suppressed], override()))] == ["human"]
    assert active_restrictions(account([suppressed], override(action="allow"))) == []
    assert active_restrictions(account([decision(ruling(expires_at_ms=NOW_MS))])) == []


def test_active_restrictions_follow_logs_when_redis_lags() -> None:
    one = account([], override())
    behind = HashtagReport("rumour", [], one.people, [], NOW_MS)
    assert all(place.shown for place in behind.states())
    assert [found.source for found in active_restrictions(behind)] == ["human"]


def test_all_restrictions_include_ended_ones() -> None:
    undone = Undo(
        id="u", hashtag="rumour", display="Rumour", country="*", surfaces=("search", "trends"), actor="ben",
        reason="mistake", at_ms=NOW_MS + 1, edits=version_of(0, 0), undoes=("a",),
    )  # fmt: skip
    past = account([decision(ruling(expires_at_ms=NOW_MS - 1)), decision(number=2)], override(), undone)
    assert active_restrictions(past) == []
    assert [one.source for one in all_restrictions(past)] == ["automated", "human"]


def test_allow_is_no_restriction() -> None:
    assert override_restriction(override(action="allow")) is None


def test_statement_omits_sampled_tweets() -> None:
    [one] = decision_restrictions(decision(ruling()))
    assert "sampled" not in json.dumps(statement_as_dict(one))


# --- legal orders ------------------------------------------------------------------------------------------------


def ordered(*steps: OrderRecord, confidential: bool = False, accounts: int = 2) -> OverrideHistory:
    named = (Target("account", str(1001 + number)) for number in range(accounts))
    targets = (Target("hashtag", "rumour", "Rumour"), *named)
    received = OrderReceived(
        order=ORDER, intake="i", parts=1, added=len(targets), authority="Ministry of Examples", country="IN",
        legal_basis="IT Act 69A", reference="No. 7", issued_ms=NOW_MS - HOUR_MS, received_ms=NOW_MS - HOUR_MS,
        deadline_ms=NOW_MS, confidential=confidential, actor="lee", at_ms=NOW_MS - HOUR_MS,
    )  # fmt: skip
    view = OverrideHistory()
    for offset, record in enumerate([OrderTargets(order=ORDER, intake="i", part=0, targets=targets), received, *steps]):
        value, key = encode_case(record)
        view.apply(offset, key, value)
    assert not view.bad and not view.fold.orders.refused
    return view


def order_step(to: OrderState, after: int, expires_at_ms: int = 0) -> OrderStep:
    return OrderStep(
        id=f"s{after}", order=ORDER, to=to, expires_at_ms=expires_at_ms, actor="lee", reason=f"now {to}",
        at_ms=NOW_MS, edits=version_of(after, 0),
    )  # fmt: skip


def order_ruling(outcome: Outcome, first: int, last: int, after: int) -> OrderRuling:
    return OrderRuling(
        id=f"r{after}", order=ORDER, targets=((first, last),), outcome=outcome, ground=GROUNDS_OF[outcome][0],
        surfaces=("trends",) if outcome == "reduced" else (), actor="lee", reason="within the law", at_ms=NOW_MS,
        edits=version_of(after, 0),
    )  # fmt: skip


def decided(confidential: bool) -> OverrideHistory:
    return ordered(
        order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("reduced", 0, 0, 3),
        order_ruling("withheld", 1, 1, 4), order_ruling("declined", 2, 2, 5), order_step("final", 6),
        confidential=confidential,
    )  # fmt: skip


def test_order_in_force_restricts_its_targets() -> None:
    view = decided(confidential=False)
    case = view.fold.orders.cases[ORDER]
    tag, withheld = order_restrictions(case, NOW_MS)
    assert (tag.kind, tag.measure, tag.surfaces, tag.country, tag.source) == (
        "hashtag", "reduced", ("trends",), "IN", "legal",
    )  # fmt: skip
    assert (withheld.kind, withheld.target, withheld.measure) == ("account", "1001", "withheld")
    assert "Ministry of Examples (IT Act 69A, No. 7)" in user_text(withheld, "en")
    assert active_restrictions(HashtagReport("rumour", [], view, None, NOW_MS)) == [tag]
    demands = order_request(case, NOW_MS).targets
    assert [(one.kind, one.outcome) for one in demands] == [
        ("hashtag", "reduced"), ("account", "withheld"), ("account", "declined"),
    ]  # fmt: skip


def test_statement_of_confidential_order_names_nothing() -> None:
    for one in order_restrictions(decided(confidential=True).fold.orders.cases[ORDER], NOW_MS):
        plain = json.dumps(statement_as_dict(one))
        assert not any(word in plain for word in ("Ministry", "69A", "No. 7", "within the law", "lee", ORDER))


def test_order_not_in_force_restricts_nothing() -> None:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3)]
    waiting = ordered(*steps).fold.orders.cases[ORDER]
    assert order_restrictions(waiting, NOW_MS) == []
    interim = ordered(*steps, order_step("interim", 4, NOW_MS + 10)).fold.orders.cases[ORDER]
    assert [one.ends_ms for one in order_restrictions(interim, NOW_MS + 9)] == [NOW_MS + 10]
    assert order_restrictions(interim, NOW_MS + 10) == []
    assert {one.outcome for one in order_request(waiting, NOW_MS).targets} == {"undecided"}
    assert [one.outcome for one in order_request(interim, NOW_MS + 9).targets] == ["undecided", "withheld", "undecided"]
    assert [one.outcome for one in order_request(interim, NOW_MS + 10).targets] == ["undecided", "ended", "undecided"]


def notice_of(view: OverrideHistory, now_ms: int = NOW_MS) -> tuple[str, str, list[str]]:
    """Return action taken, text and URLs of the order's notice."""
    asked = order_request(view.fold.orders.cases[ORDER], now_ms)
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
    assert "2 accounts not acted on before the order was revoked" in body
    action, body, urls = notice_of(ordered(*steps, order_step("final", 5), order_step("revoked", 6)))
    assert (action, len(urls)) == ("Yes", 3)
    assert "withheld" not in body and "2 accounts held back in the country of the order only, until" in body
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


# --- the database ------------------------------------------------------------------------------------------------

long_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=2_000)
orders = st.builds(
    LegalOrder, authority=long_text, legal_basis=long_text, reference=long_text, confidential=st.booleans()
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
        again = json.loads(json.dumps(statement.as_dict()))
        assert DsaStatement(**again) == statement


@given(restrictions(), st.sampled_from(LANGUAGES))
def test_every_restriction_has_a_user_text(restriction: Restriction, language: str) -> None:
    text = user_text(restriction, language)
    assert restriction.reference in text
    if restriction.order is not None and restriction.order.confidential:
        named = dataclasses.replace(restriction.order, authority="the authority with a unique name")
        assert named.authority not in user_text(dataclasses.replace(restriction, order=named), language)


GOOD = dsa_statement(decision_restrictions(decision(ruling()))[0]).as_dict()  # type: ignore[union-attr]


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
    assert statement.as_dict() | {"decision_facts": "", "incompatible_content_explanation": "", "puid": ""} == {
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
    assert "Rumour" not in json.dumps(statement.as_dict())


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
    plain = json.dumps(dsa_statement(one).as_dict())  # type: ignore[union-attr]
    assert not any(word in plain for word in ("Jane", "a_person", "kill them", "Rumour", "rumour", "ann"))
    assert "@a_person" in user_text(one, "en")


def suspended(first: int = 1, last: int = 1, count: int = 2) -> OverrideHistory:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("suspended", first, last, 3)]
    return ordered(*steps, accounts=count)


def test_suspension_names_decision_clause_and_kind() -> None:
    [one] = order_restrictions(suspended().fold.orders.cases[ORDER], NOW_MS)
    statement = dsa_statement(one, account_rules=RULES)
    assert statement is not None
    plain = statement.as_dict()
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
    case = suspended(1, 250, count=250).fold.orders.cases[ORDER]
    made = [dsa_statement(one, account_rules=RULES) for one in order_restrictions(case, NOW_MS)]
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
    [one] = order_restrictions(view.fold.orders.cases[ORDER], NOW_MS + DAY_MS)
    assert day_of(one) == "2025-11-24"


def test_order_restriction_begins_when_first_withheld() -> None:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3),
             order_step("interim", 4, NOW_MS + 10)]  # fmt: skip
    longer = replace(order_step("interim", 5, NOW_MS + 50), at_ms=NOW_MS + 5)
    [one] = order_restrictions(ordered(*steps, longer).fold.orders.cases[ORDER], NOW_MS + 20)
    assert one.began_ms == NOW_MS
    lapsed = replace(order_step("interim", 5, NOW_MS + 50), at_ms=NOW_MS + 30)
    [one] = order_restrictions(ordered(*steps, lapsed).fold.orders.cases[ORDER], NOW_MS + 40)
    assert one.began_ms == NOW_MS + 30


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask @ann", f"ask {MASK}"), ("mail a.b+c@d.example", f"mail {MASK}"),
        ("see http://x.y/z now", f"see {MASK} now"),
        ("call +91 98765 43210", f"call {MASK}"), ("account 1234567890123", f"account {MASK}"),
        ("50% of 400 authors on 2026", "50% of 400 authors on 2026"), ("a@b", "a@b"),
        ("ｆｏｏ ＠bar", f"ｆｏｏ {MASK}"),
    ],
)  # fmt: skip
def test_masked_replaces_personal_data(text: str, left: str) -> None:
    assert masked(text) == left


def test_cut_ends_with_ellipsis() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")


# --- the user ----------------------------------------------------------------------------------------------------


def test_every_message_is_translated_with_same_placeholders() -> None:
    source = Path("moderation/statements/text.py").read_bytes()
    messages = {text for _, text, _, _ in extract("python", io.BytesIO(source), keywords={"text": None})}
    messages |= {one.statement for one in registry.SIGNALS}
    assert len(messages) > 20
    for language in set(LANGUAGES) - {"en"}:
        known = catalogue(language)
        assert {str(message.id) for message in known if message.id} == messages
        for message in messages:
            translation = known.get(message)
            assert translation is not None and translation.string and not translation.fuzzy
            assert sorted(re.findall(r"{\w+}", str(translation.string))) == sorted(re.findall(r"{\w+}", message))


def test_user_text_of_suppression_in_english_and_hindi() -> None:
    [one] = decision_restrictions(decision(ruling(), ruling("search"), country="IN"))
    assert user_text(one, "en").splitlines() == [
        "#Rumour is not shown in search suggestions and the list of trends to viewers in India.",
        "This began on 24 November 2025, 15:59 UTC and ends on 24 November 2025, 17:00 UTC, unless it is renewed.",
        "An automated system decided this under our rules on attacks on people for who they are.",
        "It looked at tweets by 60 people who used the hashtag, and estimates that 50% to 70% of them break these "
        "rules.",
        "Besides the texts, these signals supported it: a sudden rise in its use.",
        "Tweets with it are not deleted, and people who type it still find them.",
        f"If you think this is wrong, you can appeal. Give the reference {one.reference}.",
    ]
    hindi = user_text(one, "hi")
    assert "भारत" in hindi and "24 नवंबर 2025" in hindi
    assert not re.search(r"[A-Za-z]", re.sub(r"#Rumour|UTC|" + one.reference, "", hindi))


def test_user_text_of_discount_in_english_and_hindi() -> None:
    [one] = decision_restrictions(decision(ruling(action="discount", weight=0.34)))
    lines = user_text(one, "en").splitlines()
    assert lines[0] == (
        "#Rumour is shown in the list of trends, but only tweets of established accounts count for its rank there."
    )
    assert lines[4] == (
        "Of the people who used it, 34% have established accounts. It found that the others break these rules; it did "
        "not find that of the established accounts."
    )
    assert "to viewers in India, but only" in user_text(dataclasses.replace(one, country="IN"), "en")
    hindi = user_text(one, "hi")
    assert "34%" in hindi and not re.search(r"[A-Za-z]", re.sub(r"#Rumour|UTC|" + one.reference, "", hindi))


# --- the archive of orders ---------------------------------------------------------------------------------------


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
    assert "1 account withheld in the country of the order only" in notice["body"]
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


# --- the command -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--lang", "hi"], ["--json"]])
def test_statement_command_prints_text_or_json(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def gather_report(settings: Settings, hashtag: str, country: str | None) -> tuple[HashtagReport, str]:
        return (account([decision(ruling())]) if hashtag == "rumour" else account([])), "Redis does not answer"

    monkeypatch.setattr(gather, "gather_report", gather_report)
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["statement", "#RUMOUR", *arguments])
    assert result.exit_code == 0, result.output
    assert "Redis does not answer" in result.stderr
    if arguments == ["--json"]:
        notice = json.loads(result.stdout)
        assert (notice["dsa"]["puid"], set(notice["text"])) == (notice["reference"], {"en", "hi"})
    else:
        assert ("अपील" in result.stdout) is bool(arguments)
    assert CliRunner().invoke(app, ["statement", "nothing"]).exit_code == 3


def test_notice_command_prints_notice_or_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_overrides(settings: Settings) -> OverrideHistory:
        return decided(confidential=False)

    monkeypatch.setattr(gather, "read_overrides", read_overrides)
    app = typer.Typer()
    cli.register(app)
    asked = ["--recipient", "Example", "--site", "https://example.org/"]
    notice = json.loads(CliRunner().invoke(app, ["notice", ORDER, *asked]).stdout)["notice"]
    assert notice["title"] == "Legal order from Ministry of Examples to Example"
    urls = [url["url"] for work in notice["works_attributes"] for url in work["infringing_urls_attributes"]]
    assert "https://example.org/i/user/1001" in urls
    lines = CliRunner().invoke(app, ["notice", ORDER, *asked, "--statements"]).stdout.splitlines()
    assert [json.loads(line)["restriction"]["kind"] for line in lines] == ["account", "hashtag"][::-1]
    assert isinstance(CliRunner().invoke(app, ["notice", "IN-ffffffffff", *asked]).exception, CallerMistake)


def test_submit_prints_batches_and_needs_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    views = [suspended(1, 101, count=120), suspended(1, 1), *[decided(confidential=False)] * 2]

    async def read_overrides(settings: Settings) -> OverrideHistory:
        return views.pop(0)

    monkeypatch.setattr(gather, "read_overrides", read_overrides)
    app = typer.Typer()
    cli.register(app)
    asked = ["notice", ORDER, "--recipient", "Example", "--site", "https://example.org", "--submit"]
    monkeypatch.setenv("HUSHTAG_ACCOUNT_RULES", RULES)
    lines = CliRunner().invoke(app, asked).stdout.splitlines()
    assert [len(json.loads(line)["statements"]) for line in lines] == [100, 1]
    monkeypatch.delenv("HUSHTAG_ACCOUNT_RULES")
    assert "HUSHTAG_ACCOUNT_RULES" in str(CliRunner().invoke(app, asked).exception)
    refused = CliRunner().invoke(app, asked)
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "2 without a statement: restricted by a legal order" in refused.stderr
    monkeypatch.setattr("moderation.statements.collect.order_restrictions", lambda case, at_ms: [])
    idle = CliRunner().invoke(app, asked)
    assert (idle.exit_code, idle.stdout) == (3, "") and "nothing is restricted now" in idle.stderr
