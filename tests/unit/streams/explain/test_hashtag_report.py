"""What `explain` puts together: who wins where and why, what is not published yet, and what happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
import typer
from hushtag_client.registers import Register
from typer.testing import CliRunner

from streams.cli import explain
from streams.explain import reading
from streams.explain.hashtag_report import Account, account_as_dict
from streams.explain.reading import Why
from streams.flags.decision_fold import DecisionFold
from streams.flags.overrides import PeopleView
from streams.log.decisions import Action, Decision, Evidence, Reason, Ruling, version_of
from streams.log.moderation import Override, Undo, encode_moderation
from streams.settings import Settings

NOW_MS = 1_000_000
EVIDENCE = Evidence(
    window_ms=600_000, tweets=90, authors=40, scored=38, share=0.6, lower=0.5, upper=0.7, looked=20, stage_2="s2"
)  # fmt: skip


def ruling(surface: str = "trends", action: Action = "suppress", expires_at_ms: int = 2 * NOW_MS) -> Ruling:
    return Ruling(
        category="hateful_conduct",
        surface=surface,
        action=action,
        since_ms=1,
        expires_at_ms=0 if action == "clear" else expires_at_ms,
        reasons=(Reason("harmful_share_lower", 0.5, 0.35),),
        evidence=EVIDENCE,
    )


def decision(
    number: int, *rulings: Ruling, country: str = "*", provisional: bool = False, tag: str = "tag"
) -> Decision:
    return Decision(
        hashtag=tag, display="Tag", country=country, rulings=rulings, version=version_of(number, number * 10),
        tick_ms=number * 10, settled_ms=number * 10, decided_at_ms=number * 10, provisional=provisional,
        policy_revision="p1", model_revision="m1",
    )  # fmt: skip


def override(ident: str, action: str, **changes: object) -> Override:
    fields: dict[str, object] = {
        "id": ident, "hashtag": "tag", "display": "Tag", "country": "*", "surfaces": ("trends",),
        "actor": "ann", "reason": "news", "at_ms": 500, "action": action, "expires_at_ms": 2 * NOW_MS,
    }  # fmt: skip
    return Override(**(fields | changes))  # type: ignore[arg-type]


def people(*records: Override | Undo) -> PeopleView:
    view = PeopleView()
    for offset, record in enumerate(records):
        value, key = encode_moderation(record)
        view.hear(offset, key, value)
    return view


def registers_of(decisions: Sequence[Decision], view: PeopleView) -> list[Register]:
    fold = DecisionFold(longest_expiry_ms=1, max_broker_skew_ms=0)
    for said in decisions:
        fold.apply(said)
    return [*fold.registers(), *view.fold.registers()]


def test_it_tells_who_wins_on_each_surface_and_why() -> None:
    decisions = [decision(1, ruling(), ruling("search"), ruling("search", "review"))]
    view = people(override("a", "allow"), override("old", "block", country="IN", expires_at_ms=600))
    account = Account("tag", decisions, view, registers_of(decisions, view), NOW_MS)
    told = {(place.surface, place.country): place for place in account.places()}
    assert {where: place.shown for where, place in told.items()} == {
        ("search", "*"): False,
        ("search", "IN"): False,
        ("trends", "*"): True,
        ("trends", "IN"): True,
    }
    heard = [(r.source, r.country, outcome) for r, outcome in told["trends", "IN"].heard]
    assert heard == [("human", "IN", "expired"), ("human", "*", "wins"), ("automated", "*", "overruled")]
    plain = account_as_dict(account)
    json.dumps(plain)
    [search] = [place for place in plain["places"] if (place["surface"], place["country"]) == ("search", "*")]
    assert search["decided_by"] == "search|*|automated|tag"
    [why] = search["registers"][0]["reasons"]
    assert (why["signal"], why["value"], why["threshold"]) == ("harmful_share_lower", 0.5, 0.35)
    assert why["margin"] == pytest.approx(0.15)
    assert (search["registers"][0]["policy_revision"], search["registers"][0]["model_revision"]) == ("p1", "m1")
    assert plain["people"][0]["state"] == "expired"
    assert plain["unpublished"] == []


def test_one_country_is_told_with_what_holds_everywhere() -> None:
    decisions = [decision(1, ruling()), decision(2, ruling(), country="IN"), decision(3, ruling(), country="US")]
    view = people(override("a", "allow", country="US"))
    account = Account("tag", decisions, view, registers_of(decisions, view), NOW_MS, "IN")
    [place] = account.places()
    assert [(r.country, outcome) for r, outcome in place.heard] == [("IN", "wins"), ("*", "overruled")]
    assert [said.country for said in account.latest()] == ["*", "IN"]
    assert account.standings == []


def test_the_greatest_version_counts_and_renewals_are_counted() -> None:
    decisions = [
        decision(1, ruling(), provisional=True),
        decision(5, ruling("trends", "clear")),
        decision(2, ruling()),
        decision(3, ruling()),
        decision(4, ruling()),
        decision(3, ruling()),
        decision(9, ruling(), tag="other"),
    ]
    account = Account("tag", decisions, people(), None, NOW_MS)
    assert [(event.what, event.repeats) for event in account.timeline()] == [
        ("early: suppress on trends for hateful_conduct", 0),
        ("suppress on trends for hateful_conduct", 2),
        ("clear on trends for hateful_conduct", 0),
    ]
    [place] = account.places()
    assert place.shown
    assert [outcome for _, outcome in place.heard] == ["cleared"]
    assert account_as_dict(account)["redis"] is False


def test_what_redis_does_not_have_yet_is_said() -> None:
    decisions, view = [decision(1, ruling()), decision(2, ruling("trends", "clear"))], people()
    older = registers_of(decisions[:1], view)
    account = Account("tag", decisions, view, older, NOW_MS)
    assert [place.shown for place in account.places()] == [False]
    assert [(register.action, register.version) for register in account.unpublished()] == [("clear", version_of(2, 20))]
    nothing = Account("tag", decisions, view, [], NOW_MS)
    assert nothing.unpublished() == [], "a clear that was never a flag changes nothing"


def test_the_stop_button_is_named_as_what_lifts_a_flag() -> None:
    decisions, view = [decision(1, ruling())], people()
    [flag] = registers_of(decisions, view)
    stop = Register(version="1", action="allow", hashtag="*", surface="trends", source="human", actor="eve")
    [place] = Account("tag", decisions, view, [flag, stop], NOW_MS).places()
    assert place.shown
    assert [(register.hashtag, outcome) for register, outcome in place.heard] == [("*", "wins"), ("tag", "lifted")]
    [place] = Account("tag", decisions, view, [replace(flag, version=version_of(0, 0))], NOW_MS).places()
    assert not place.shown


def test_people_s_history_is_part_of_it() -> None:
    undo = Undo(
        id="u", hashtag="tag", display="Tag", country="*", surfaces=("trends",), actor="ben", reason="appeal",
        at_ms=700, undoes=("a",), edits=version_of(0, 0),
    )  # fmt: skip
    view = people(override("a", "block"), undo, override("late", "hold", at_ms=800))
    account = Account("tag", [], view, None, NOW_MS)
    assert [(event.what, event.actor, event.reason) for event in account.timeline()] == [
        ("block on trends", "ann", "news"),
        ("undo on trends", "ben", "appeal"),
        ("hold on trends (refused: somebody else was quicker)", "ann", "news"),
    ]


def test_only_what_was_said_of_the_tag_itself_makes_it_known() -> None:
    stop = Register(version="1", action="allow", hashtag="*", surface="trends", source="human")
    other = people(override("a", "block", hashtag="other", display="other"))
    assert not Account("tag", [decision(1, ruling(), tag="other")], other, [stop], NOW_MS).known
    assert Account("tag", [decision(1)], people(), [], NOW_MS).known


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_tells_all_of_it(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def account_of(
        settings: Settings, hashtag: str, country: str | None, at_ms: int | None
    ) -> tuple[Account, str]:
        decisions = [decision(1, ruling(), ruling("search", "review")), decision(2, ruling(), country="IN")]
        view = people(override("a", "allow", reason="a protest\nin the news"))
        return Account(hashtag, decisions, view, registers_of(decisions, view)[:1], NOW_MS, country), ""

    async def why_of(*_: object) -> Why:
        return Why()

    monkeypatch.setattr(explain, "account_of", account_of)
    monkeypatch.setattr(reading, "why_of", why_of)
    app = typer.Typer()
    explain.register(app)
    result = CliRunner().invoke(app, ["#TAG", *(["--json"] if as_json else [])])
    assert result.exit_code == 0, result.output
    if as_json:
        [line] = result.stdout.splitlines()
        assert json.loads(line)["known"] is True
        return
    for told in (
        "trends, everywhere: hidden",
        "automated, everywhere: suppress for hateful conduct, until 1970-01-01 00:33:20 UTC (for 17 min): decides",
        "harmful share lower 0.5, threshold 0.35, margin +0.15",
        "90 tweets, 40 authors, 38 scored; policy p1, model m1",
        "corrected by stage 2 s2, which read the texts of 20 of them",
        "not published yet: allow on trends, everywhere",
        "review for hateful conduct on search, everywhere: hides nothing",
        "allow everywhere on trends by ann: in force (a protest in the news)",
    ):
        assert told in result.stdout, result.stdout
    assert CliRunner().invoke(app, ["unheard-of"]).exit_code == 3


def test_a_word_that_is_no_hashtag_is_refused() -> None:
    app = typer.Typer()
    explain.register(app)
    assert getattr(CliRunner().invoke(app, ["a b"]).exception, "exit_code", None) == 2
