"""Statements of reasons: every rendering says what the record says, and what the public database would take."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from babel.messages.extract import extract
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError
from typer.testing import CliRunner

from moderation.published import PublicOutcome as Done
from moderation.statements import cli
from moderation.statements.dsa import EEA, DsaStatement, dsa_statement
from moderation.statements.hashtag import ever, in_force
from moderation.statements.lumen import Demand, Request, action_taken, lumen_notice
from moderation.statements.masking import MASK, cut, masked
from moderation.statements.orders import request_of, restrictions_of
from moderation.statements.render import statement_as_dict
from moderation.statements.restriction import Order, Restriction, of_decision, of_override
from moderation.statements.text import LANGUAGES, catalogue, user_text
from streams.errors import CallerMistake
from streams.explain import gather
from streams.explain.hashtag_report import Account
from streams.flags.overrides import PeopleView
from streams.log.decisions import Action, Decision, Evidence, Reason, Ruling, version_of
from streams.log.moderation import Override, Undo, encode_moderation
from streams.orders.records import (
    OrderReceived,
    OrderRecord,
    OrderRuling,
    OrderStep,
    OrderTargets,
    Outcome,
    State,
    Target,
    encode_case,
)
from streams.orders.states import GROUNDS_OF
from streams.policy.countries import COUNTRIES
from streams.settings import Settings

NOW_MS = 1_764_000_000_000
HOUR_MS = 3_600_000
ORDER = "IN-0123456789"
EVIDENCE = Evidence(
    window_ms=600_000, tweets=900, authors=400, scored=60, share=0.6, lower=0.5, upper=0.7, sampled=("17",)
)
SIGNALS = (Reason("harmful_share_lower", 0.5, 0.45), Reason("burst", 6.2, 4.0))


def ruling(surface: str = "trends", action: Action = "suppress", **changes: Any) -> Ruling:
    fields: dict[str, Any] = {
        "category": "hateful_conduct", "surface": surface, "action": action, "since_ms": NOW_MS - 60_000,
        "expires_at_ms": NOW_MS + HOUR_MS, "reasons": SIGNALS, "evidence": EVIDENCE,
    }  # fmt: skip
    return Ruling(**fields | changes)


def decision(*rulings: Ruling, country: str = "*", number: int = 1) -> Decision:
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


def account(decisions: list[Decision], *records: Override | Undo) -> Account:
    view = PeopleView()
    for offset, record in enumerate(records):
        value, key = encode_moderation(record)
        view.hear(offset, key, value)
    return Account("rumour", decisions, view, None, NOW_MS)


# --- from records to restrictions --------------------------------------------------------------------------------


def test_surfaces_that_were_ruled_alike_are_one_restriction() -> None:
    rulings = (ruling(), ruling("search"), ruling(category="abuse"), ruling("search", "hold"), ruling("x", "review"))
    found = of_decision(decision(*rulings))
    assert [(one.category, one.measure, one.surfaces) for one in found] == [
        ("hateful_conduct", "reduced", ("search", "trends")),
        ("abuse", "reduced", ("trends",)),
        ("hateful_conduct", "held", ("search",)),
    ]
    assert len({one.reference for one in found}) == 3


def test_a_renewal_keeps_the_reference_and_another_beginning_has_another() -> None:
    [first] = of_decision(decision(ruling()))
    [renewed] = of_decision(decision(ruling(expires_at_ms=NOW_MS + 2 * HOUR_MS), number=9))
    [again] = of_decision(decision(ruling(since_ms=NOW_MS)))
    assert first.reference == renewed.reference != again.reference
    assert re.fullmatch(r"hushtag-[0-9a-f]{24}", first.reference)


def test_only_what_decides_somewhere_is_in_force() -> None:
    suppressed = decision(ruling(), ruling("search"))
    assert [one.source for one in in_force(account([suppressed]))] == ["automated"]
    both = account([suppressed], override(surfaces=("trends",)))
    assert [one.source for one in in_force(both)] == ["automated", "human"]  # search is still the pipeline's
    assert [one.source for one in in_force(account([suppressed], override()))] == ["human"]
    assert in_force(account([suppressed], override(action="allow"))) == []
    assert in_force(account([decision(ruling(expires_at_ms=NOW_MS))])) == []


def test_what_redis_does_not_have_yet_is_in_force_all_the_same() -> None:
    one = account([], override())
    behind = Account("rumour", [], one.people, [], NOW_MS)
    assert all(place.shown for place in behind.places())
    assert [found.source for found in in_force(behind)] == ["human"]


def test_the_history_has_what_ended_too() -> None:
    undone = Undo(
        id="u", hashtag="rumour", display="Rumour", country="*", surfaces=("search", "trends"), actor="ben",
        reason="mistake", at_ms=NOW_MS + 1, edits=version_of(0, 0), undoes=("a",),
    )  # fmt: skip
    past = account([decision(ruling(expires_at_ms=NOW_MS - 1)), decision(number=2)], override(), undone)
    assert in_force(past) == []
    assert [one.source for one in ever(past)] == ["automated", "human"]


def test_an_allow_restricts_nothing() -> None:
    assert of_override(override(action="allow")) is None


def test_sampled_tweets_stay_out_of_every_statement() -> None:
    [one] = of_decision(decision(ruling()))
    assert "sampled" not in json.dumps(statement_as_dict(one))


# --- legal orders ------------------------------------------------------------------------------------------------


def ordered(*steps: OrderRecord, confidential: bool = False) -> PeopleView:
    targets = (Target("hashtag", "rumour", "Rumour"), Target("account", "1001"), Target("account", "1002"))
    received = OrderReceived(
        order=ORDER, intake="i", parts=1, added=3, authority="Ministry of Examples", country="IN",
        legal_basis="IT Act 69A", reference="No. 7", issued_ms=NOW_MS - HOUR_MS, received_ms=NOW_MS - HOUR_MS,
        deadline_ms=NOW_MS, confidential=confidential, actor="lee", at_ms=NOW_MS - HOUR_MS,
    )  # fmt: skip
    view = PeopleView()
    for offset, record in enumerate([OrderTargets(order=ORDER, intake="i", part=0, targets=targets), received, *steps]):
        value, key = encode_case(record)
        view.hear(offset, key, value)
    assert not view.bad and not view.fold.cases.refused
    return view


def order_step(to: State, after: int, expires_at_ms: int = 0) -> OrderStep:
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


def decided(confidential: bool) -> PeopleView:
    return ordered(
        order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("reduced", 0, 0, 3),
        order_ruling("withheld", 1, 1, 4), order_ruling("declined", 2, 2, 5), order_step("final", 6),
        confidential=confidential,
    )  # fmt: skip


def test_what_an_order_holds_back_has_its_statements() -> None:
    view = decided(confidential=False)
    case = view.fold.cases.cases[ORDER]
    tag, withheld = restrictions_of(case, NOW_MS)
    assert (tag.kind, tag.measure, tag.surfaces, tag.country, tag.source) == (
        "hashtag", "reduced", ("trends",), "IN", "legal",
    )  # fmt: skip
    assert (withheld.kind, withheld.target, withheld.measure) == ("account", "1001", "withheld")
    assert "Ministry of Examples (IT Act 69A, No. 7)" in user_text(withheld, "en")
    assert in_force(Account("rumour", [], view, None, NOW_MS)) == [tag]
    demands = request_of(case).demands
    assert [(one.kind, one.outcome) for one in demands] == [
        ("hashtag", "reduced"), ("account", "withheld"), ("account", "declined"),
    ]  # fmt: skip


def test_of_a_confidential_order_no_statement_says_more_than_that_it_is_one() -> None:
    for one in restrictions_of(decided(confidential=True).fold.cases.cases[ORDER], NOW_MS):
        plain = json.dumps(statement_as_dict(one))
        assert not any(word in plain for word in ("Ministry", "69A", "No. 7", "within the law", "lee", ORDER))


def test_an_order_that_is_not_in_force_holds_nothing_back() -> None:
    steps = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3)]
    waiting = ordered(*steps).fold.cases.cases[ORDER]
    assert restrictions_of(waiting, NOW_MS) == []
    interim = ordered(*steps, order_step("interim", 4, NOW_MS + 10)).fold.cases.cases[ORDER]
    assert [one.ends_ms for one in restrictions_of(interim, NOW_MS + 9)] == [NOW_MS + 10]
    assert restrictions_of(interim, NOW_MS + 10) == []
    assert {one.outcome for one in request_of(waiting).demands} == {"undecided"}
    assert [one.outcome for one in request_of(interim, NOW_MS + 9).demands] == ["undecided", "withheld", "undecided"]
    assert [one.outcome for one in request_of(interim, NOW_MS + 10).demands] == ["undecided", "ended", "undecided"]


def notice_of(view: PeopleView, now_ms: int = NOW_MS) -> tuple[str, str, list[str]]:
    """Action taken, text and URLs of the order's notice."""
    request_told = request_of(view.fold.cases.cases[ORDER], now_ms)
    told = lumen_notice(request_told, recipient="Example", site="https://example.org")["notice"]
    urls = [url["url"] for work in told["works_attributes"] for url in work["infringing_urls_attributes"]]
    return told["action_taken"], told["body"], urls


def test_the_archive_is_told_of_what_was_in_force_and_of_nothing_else() -> None:
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


def test_a_ruling_that_came_when_the_interim_decision_was_over_names_nobody() -> None:
    late = replace(order_ruling("withheld", 2, 2, 5), at_ms=NOW_MS + 20)
    over = [order_step("acknowledged", 1), order_step("under_review", 2), order_ruling("withheld", 1, 1, 3),
            order_step("interim", 4, NOW_MS + 10), late]  # fmt: skip
    assert notice_of(ordered(*over), NOW_MS + 30)[2] == ["https://example.org/i/user/1001"]
    again = ordered(*over, order_step("interim", 6, NOW_MS + 50))
    assert len(notice_of(again, NOW_MS + 60)[2]) == 2


# --- the database ------------------------------------------------------------------------------------------------

long_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=2_000)
orders = st.builds(Order, authority=long_text, legal_basis=long_text, reference=long_text, confidential=st.booleans())


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    kind = draw(st.sampled_from(["hashtag", "account", "tweet"]))
    measures = {"hashtag": ["reduced", "held"], "account": ["withheld", "suspended"], "tweet": ["withheld"]}
    source = draw(st.sampled_from(["automated", "human", "legal"])) if kind == "hashtag" else "legal"
    began_ms = draw(st.integers(1_600_000_000_000, 2_000_000_000_000))
    automated = source == "automated"
    return Restriction(
        kind=kind,
        target="17",
        display=draw(st.text(min_size=1, max_size=280)),
        measure=draw(st.sampled_from(measures[kind])),
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
def test_whatever_is_decided_the_database_would_take_it(restriction: Restriction) -> None:
    """`DsaStatement` checks the database's rules; making one is the test."""
    statement = dsa_statement(restriction)
    reported = restriction.country == "*" or restriction.country in EEA
    assert (statement is not None) is reported
    if statement is not None:
        assert statement.territorial_scope == (list(EEA) if restriction.country == "*" else [restriction.country])
        again = json.loads(json.dumps(statement.as_dict()))
        assert DsaStatement(**again) == statement


@given(restrictions(), st.sampled_from(LANGUAGES))
def test_whatever_is_decided_the_user_can_be_told(restriction: Restriction, language: str) -> None:
    text = user_text(restriction, language)
    assert restriction.reference in text
    if restriction.order is not None and restriction.order.confidential:
        named = dataclasses.replace(restriction.order, authority="the authority that nobody else is called")
        assert named.authority not in user_text(dataclasses.replace(restriction, order=named), language)


GOOD = dsa_statement(of_decision(decision(ruling()))[0]).as_dict()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "changes",
    [
        {"decision_visibility": None}, {"decision_visibility": []}, {"decision_visibility": ["HIDDEN"]},
        {"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}, {"decision_visibility_other": "something"},
        {"decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT"}, {"incompatible_content_ground": None},
        {"incompatible_content_explanation": None}, {"incompatible_content_ground": "x" * 501},
        {"incompatible_content_explanation": "x" * 2001}, {"illegal_content_legal_ground": "law"},
        {"content_type": []}, {"content_type": ["CONTENT_TYPE_OTHER"]}, {"content_type_other": "x"},
        {"category": "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE"}, {"territorial_scope": ["IN"]},
        {"content_date": "1999-12-31"}, {"application_date": "2019-12-31"}, {"application_date": "2025-1-1"},
        {"end_date_visibility_restriction": "2038-01-02"}, {"decision_facts": ""}, {"decision_facts": "x" * 5001},
        {"source_type": "SOURCE_POLICE"}, {"automated_detection": "Maybe"}, {"automated_decision": "Yes"},
        {"puid": "a.b"}, {"puid": ""}, {"hashtag": "rumour"}, {"decision_ground_reference_url": "no url"},
    ],
)  # fmt: skip
def test_what_the_database_would_refuse_is_refused(changes: dict[str, Any]) -> None:
    DsaStatement(**GOOD)
    with pytest.raises(ValidationError):
        DsaStatement(**GOOD | changes)


def test_an_automated_suppression_for_the_database() -> None:
    [one] = of_decision(decision(ruling(), ruling("search"), country="FR"))
    statement = dsa_statement(one)
    assert statement is not None
    assert statement.as_dict() | {"decision_facts": "", "incompatible_content_explanation": "", "puid": ""} == {
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DEMOTED"],
        "end_date_visibility_restriction": "2025-11-24",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": "Rules on hateful conduct",
        "incompatible_content_explanation": "",
        "content_type": ["CONTENT_TYPE_TEXT"],
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
    for told in ("900 posts by about 400 authors", "60%", "between 50% and 70%", "burst 6.2 (threshold 4)", "p1", "m1"):
        assert told in statement.decision_facts
    assert "Rumour" not in json.dumps(statement.as_dict())


def test_a_person_s_words_are_masked_for_the_database_and_whole_for_the_user() -> None:
    one = of_override(override(reason="reported by @somebody"))
    assert one is not None
    statement = dsa_statement(one)
    assert statement is not None and statement.incompatible_content_explanation == f"reported by {MASK}"
    assert "@somebody" in user_text(one, "en")


def test_a_legal_order_for_the_database() -> None:
    fields: dict[str, Any] = {
        "target": "17", "display": "17", "kind": "account", "measure": "withheld", "surfaces": (), "country": "DE",
        "source": "legal", "actor": "ann", "began_ms": NOW_MS, "ends_ms": 0, "decision": "d", "identity": "i",
        "reason": "within the law",
    }  # fmt: skip
    order = Order("Ministry", "IT Act 69A", "No. 7", confidential=False)
    statement = dsa_statement(Restriction(**fields, order=order))
    assert statement is not None
    assert statement.decision_visibility == ["DECISION_VISIBILITY_CONTENT_DISABLED"]
    assert statement.illegal_content_legal_ground == "IT Act 69A (order No. 7)"
    assert (statement.source_type, statement.source_identity) == ("SOURCE_TYPE_OTHER_NOTIFICATION", "Ministry")
    hidden = dsa_statement(Restriction(**fields, order=Order("Ministry", "IT Act 69A", "No. 7", confidential=True)))
    assert not any(word in json.dumps(hidden.as_dict()) for word in ("Ministry", "69A", "No. 7"))  # type: ignore[union-attr]


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
def test_masking(text: str, left: str) -> None:
    assert masked(text) == left


def test_cut() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")


# --- the user ----------------------------------------------------------------------------------------------------


def test_every_message_has_a_translation_with_the_same_values() -> None:
    source = Path("moderation/statements/text.py").read_bytes()
    messages = {text for _, text, _, _ in extract("python", io.BytesIO(source), keywords={"say": None})}
    assert len(messages) > 20
    for language in set(LANGUAGES) - {"en"}:
        known = catalogue(language)
        assert {str(message.id) for message in known if message.id} == messages
        for message in messages:
            translation = known.get(message)
            assert translation is not None and translation.string and not translation.fuzzy
            assert sorted(re.findall(r"{\w+}", str(translation.string))) == sorted(re.findall(r"{\w+}", message))


def test_a_suppression_told_to_its_users() -> None:
    [one] = of_decision(decision(ruling(), ruling("search"), country="IN"))
    assert user_text(one, "en").splitlines() == [
        "#Rumour is not shown in search suggestions and the list of trends to viewers in India.",
        "This began on 24 November 2025, 15:59 UTC and ends on 24 November 2025, 17:00 UTC, unless it is renewed.",
        "An automated system decided this under our rules on attacks on people for who they are.",
        "It looked at tweets by 60 people who used the hashtag, and estimates that 50% to 70% of them break these "
        "rules.",
        "Beside the texts, this spoke for it: a sudden rise in its use.",
        "Tweets with it are not deleted, and whoever types it still finds them.",
        f"If you think this is wrong, you can appeal. Give the reference {one.reference}.",
    ]
    hindi = user_text(one, "hi")
    assert "भारत" in hindi and "24 नवंबर 2025" in hindi
    assert not re.search(r"[A-Za-z]", re.sub(r"#Rumour|UTC|" + one.reference, "", hindi))


# --- the archive of orders ---------------------------------------------------------------------------------------


def request(confidential: bool, *outcomes: Done) -> Request:
    order = Order("Ministry of Examples", "IT Act 69A", "No. 7", confidential)
    kinds: list[Any] = ["account", "hashtag", "tweet"]
    demands = tuple(Demand(kinds[n % 3], f"t{n}", outcome, "asked @x") for n, outcome in enumerate(outcomes))
    return Request(order, "IN", NOW_MS, NOW_MS, demands)


def test_an_order_for_the_archive() -> None:
    told = lumen_notice(
        request(False, "withheld", "reduced", "declined"), recipient="Example", site="https://example.org"
    )["notice"]
    assert (told["type"], told["action_taken"], told["jurisdiction_list"]) == ("GovernmentRequest", "Partial", "IN")
    assert told["subject"] == "IT Act 69A, No. 7"
    urls = [url["url"] for work in told["works_attributes"] for url in work["infringing_urls_attributes"]]
    assert sorted(urls) == [
        "https://example.org/hashtag/t1", "https://example.org/i/user/t0",
    ]  # fmt: skip
    assert "1 account withheld in the country of the order only" in told["body"]
    assert f"Declined because: asked {MASK}" in told["body"]


def test_of_a_confidential_order_only_the_numbers_are_told() -> None:
    told = lumen_notice(request(True, "withheld", "declined"), recipient="Example", site="https://example.org")
    plain = json.dumps(told)
    assert not any(word in plain for word in ("Ministry", "69A", "No. 7", "t0", "t1", "asked"))
    assert "The order names 2 targets" in plain and MASK in plain


@pytest.mark.parametrize(
    ("outcomes", "word"),
    [
        (["withheld"], "Yes"), (["declined"], "No"), (["declined", "suspended"], "Partial"),
        (["undecided", "withheld"], "Unspecified"), (["ended"], "Yes"), (["dropped"], "No"),
    ],
)  # fmt: skip
def test_the_action_taken(outcomes: list[Done], word: str) -> None:
    assert action_taken(request(False, *outcomes).demands) == word


# --- the command -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--lang", "hi"], ["--json"]])
def test_the_command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def account_of(settings: Settings, hashtag: str, country: str | None) -> tuple[Account, str]:
        return (account([decision(ruling())]) if hashtag == "rumour" else account([])), "Redis does not answer"

    monkeypatch.setattr(gather, "account_of", account_of)
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["statement", "#RUMOUR", *arguments])
    assert result.exit_code == 0, result.output
    assert "Redis does not answer" in result.stderr
    if arguments == ["--json"]:
        told = json.loads(result.stdout)
        assert (told["dsa"]["puid"], set(told["text"])) == (told["reference"], {"en", "hi"})
    else:
        assert ("अपील" in result.stdout) is bool(arguments)
    assert CliRunner().invoke(app, ["statement", "nothing"]).exit_code == 3


def test_the_notice_of_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async def people_view(settings: Settings) -> PeopleView:
        return decided(confidential=False)

    monkeypatch.setattr(gather, "people_view", people_view)
    app = typer.Typer()
    cli.register(app)
    asked = ["--recipient", "Example", "--site", "https://example.org/"]
    told = json.loads(CliRunner().invoke(app, ["notice", ORDER, *asked]).stdout)["notice"]
    assert told["title"] == "Legal order from Ministry of Examples to Example"
    urls = [url["url"] for work in told["works_attributes"] for url in work["infringing_urls_attributes"]]
    assert "https://example.org/i/user/1001" in urls
    lines = CliRunner().invoke(app, ["notice", ORDER, *asked, "--statements"]).stdout.splitlines()
    assert [json.loads(line)["restriction"]["kind"] for line in lines] == ["account", "hashtag"][::-1]
    assert isinstance(CliRunner().invoke(app, ["notice", "IN-ffffffffff", *asked]).exception, CallerMistake)
