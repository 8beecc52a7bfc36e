"""Report on a hashtag: the deciding registers, unpublished registers and the timeline."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hushtag_client.registers import Register
from msgspec import structs

from streams.explain.answers import report_answer
from streams.explain.hashtag_report import HashtagReport
from streams.log.decisions import HARM_FIELDS, version_of
from streams.log.moderation import Undo
from tests.support.explanations import EVIDENCE, NOW_MS, decision, history, override, registers_of, scope


def test_states_name_deciding_register_per_surface() -> None:
    decisions = [decision(1, scope(), scope("search"), scope("search", "review"))]
    people = history(override("a", "allow"), override("old", "block", country="IN", expires_at_ms=600))
    report = HashtagReport("tag", decisions, people, registers_of(decisions, people), NOW_MS)
    states = {(state.surface, state.country): state for state in report.states()}
    assert {where: state.shown for where, state in states.items()} == {
        ("search", "*"): False,
        ("search", "IN"): False,
        ("trends", "*"): True,
        ("trends", "IN"): True,
    }
    outcomes = [(r.source, r.country, outcome) for r, outcome in states["trends", "IN"].registers]
    assert outcomes == [("human", "IN", "expired"), ("human", "*", "wins"), ("automated", "*", "overruled")]
    plain = report_answer(report).members()
    json.dumps(plain)
    [search] = [place for place in plain["places"] if (place["surface"], place["country"]) == ("search", "*")]
    assert search["decided_by"] == "search|*|automated|tag"
    [reason] = search["registers"][0]["reasons"]
    assert (reason["signal"], reason["value"], reason["threshold"]) == ("harmful_share_lower", 0.5, 0.35)
    assert reason["margin"] == pytest.approx(0.15)
    assert (search["registers"][0]["policy_revision"], search["registers"][0]["model_revision"]) == ("p1", "m1")
    assert plain["people"][0]["state"] == "expired"
    assert plain["unpublished"] == []


def test_report_of_country_includes_world() -> None:
    decisions = [decision(1, scope()), decision(2, scope(), country="IN"), decision(3, scope(), country="US")]
    people = history(override("a", "allow", country="US"))
    report = HashtagReport("tag", decisions, people, registers_of(decisions, people), NOW_MS, "IN")
    [state] = report.states()
    assert [(r.country, outcome) for r, outcome in state.registers] == [("IN", "wins"), ("*", "overruled")]
    assert [one.country for one in report.latest()] == ["*", "IN"]
    assert report.overrides == []


def test_timeline_counts_renewals_by_version() -> None:
    decisions = [
        decision(1, scope(), provisional=True),
        decision(5, scope("trends", "clear")),
        decision(2, scope()),
        decision(3, scope()),
        decision(4, scope()),
        decision(3, scope()),
        decision(9, scope(), tag="other"),
    ]
    report = HashtagReport("tag", decisions, history(), None, NOW_MS)
    assert [(event.what, event.repeats) for event in report.timeline()] == [
        ("early: suppress on trends for hateful_conduct", 0),
        ("suppress on trends for hateful_conduct", 2),
        ("clear on trends for hateful_conduct", 0),
    ]
    [state] = report.states()
    assert state.shown
    assert [outcome for _, outcome in state.registers] == ["cleared"]
    assert report_answer(report).members()["redis"] is False


def test_unpublished_lists_registers_missing_in_redis() -> None:
    decisions, people = [decision(1, scope()), decision(2, scope("trends", "clear"))], history()
    older = registers_of(decisions[:1], people)
    report = HashtagReport("tag", decisions, people, older, NOW_MS)
    assert [state.shown for state in report.states()] == [False]
    assert [(register.action, register.version) for register in report.unpublished()] == [("clear", version_of(2, 20))]
    nothing = HashtagReport("tag", decisions, people, [], NOW_MS)
    assert nothing.unpublished() == [], "a clear that was never a flag changes nothing"


def test_pause_lifts_automated_flag() -> None:
    decisions, people = [decision(1, scope())], history()
    [flag] = registers_of(decisions, people)
    stop = Register(version="1", action="allow", hashtag="*", surface="trends", source="human", actor="eve")
    [state] = HashtagReport("tag", decisions, people, [flag, stop], NOW_MS).states()
    assert state.shown
    assert [(register.hashtag, outcome) for register, outcome in state.registers] == [("*", "wins"), ("tag", "lifted")]
    [state] = HashtagReport("tag", decisions, people, [replace(flag, version=version_of(0, 0))], NOW_MS).states()
    assert not state.shown


def test_timeline_includes_refused_overrides() -> None:
    undo = Undo(
        id="u", hashtag="tag", display="Tag", country="*", surfaces=("trends",), actor="ben", reason="appeal",
        at_ms=700, undoes=("a",), edits=version_of(0, 0),
    )  # fmt: skip
    people = history(override("a", "block"), undo, override("late", "hold", at_ms=800))
    report = HashtagReport("tag", [], people, None, NOW_MS)
    assert [(event.what, event.actor, event.reason) for event in report.timeline()] == [
        ("block on trends", "ann", "news"),
        ("undo on trends", "ben", "appeal"),
        ("hold on trends (refused: another change came first)", "ann", "news"),
    ]


def test_only_own_records_make_hashtag_known() -> None:
    stop = Register(version="1", action="allow", hashtag="*", surface="trends", source="human")
    other = history(override("a", "block", hashtag="other", display="other"))
    assert not HashtagReport("tag", [decision(1, scope(), tag="other")], other, [stop], NOW_MS).known
    assert HashtagReport("tag", [decision(1)], history(), [], NOW_MS).known


def test_json_of_unassessed_review_has_no_share_of_harm() -> None:
    evidence = structs.replace(EVIDENCE, scored=12, unread={"ta": 52})
    unread = structs.replace(scope(action="review"), valve="not_assessed", evidence=evidence)
    [plain] = report_answer(
        HashtagReport("tag", [decision(1, unread, scope("search"))], history(), None, NOW_MS)
    ).members()["decisions"]
    hidden, read = plain["rulings"][0]["evidence"], plain["rulings"][1]["evidence"]
    assert hidden["unread"] == {"ta": 52} and not HARM_FIELDS & hidden.keys()
    assert read.keys() > HARM_FIELDS and "unread" not in read
