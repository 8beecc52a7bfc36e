"""Explanations on a terminal and as JSON."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from streams.explain.answers import explanation_json
from streams.explain.evidence_report import EvidenceReport, PolicyFiles
from streams.explain.explanation import Explanation
from streams.explain.printer import ExplanationPrinter
from streams.explain.word_report import WordReport
from streams.log.policies import PolicyRecord
from tests.support.explanations import (
    IN_LANGUAGES,
    OVER,
    POLICY,
    POLICY_TEXT,
    SHORT,
    UNREAD_TAG,
    EvidenceTopics,
    decision,
    report,
    scope,
    signal_report,
    tag_records,
    tick,
)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> EvidenceTopics:
    return EvidenceTopics(monkeypatch)


def printed(explanation: Explanation, *, words: bool = False, in_full: bool = False) -> str:
    out = Console(record=True, width=200, file=io.StringIO(), soft_wrap=True, highlight=False, markup=False)
    printer = ExplanationPrinter(explanation, out)
    if words:
        printer.print_words(in_full=in_full)
    else:
        printer.print()
    return out.export_text()


async def test_signals_come_with_policy_line(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": {"tweets": 20, "share": 0.9}}}))
    topics.write(*tick(20_000, {SHORT: {"tag": {"tweets": 40, "share": 0.9}}}))
    evidence = await topics.read(60_000)
    record = PolicyRecord(
        revision=POLICY.revision, serial=1, policy=POLICY.canonical, model_revision="m", from_tick_ms=0,
        proposed_at_ms=0, proposed_by="w", text=POLICY_TEXT,
    )  # fmt: skip
    evidence.policies = PolicyFiles({POLICY.revision: record}, Path("policy.yaml"), POLICY_TEXT)
    first = next(one for one in evidence.reports if one.surface == "trends")
    unknown = tuple(
        msgspec.structs.replace(one, value=None, passed=False) if one.signal == "burst" else one
        for one in first.signals
    )
    evidence.reports = [first, msgspec.structs.replace(first, category="abuse", predecessor="oldtag", signals=unknown)]
    text = printed(Explanation(report(), evidence))
    assert "margin +0.3864  policy.yaml:8: suppress_at: 0.4   # ours" in text
    assert "burst not known, threshold 2" in text
    assert text.count("its authors come from #oldtag, which was hidden") == 1
    assert "hateful conduct on trends, everywhere: over; harmful share 0.79 to 0.96" in text
    assert "▄█  40 of 50 authors" in text
    assert "by stage 1 alone: stage 2 had not read this hashtag, or was away" in text


async def test_established_authors_and_past_are_printed(topics):
    topics.write(*tag_records({"authors": 120, "scored": 64, "share": 0.6, "established": 41, "established_share": 0}))
    text = printed(Explanation(report(), await topics.read(60_000)))
    assert "hateful conduct on trends, everywhere: contested; harmful share" in text
    assert "Established: 41 of 120 authors, harmful share 0.00-0.15; the others 0.79-0.97." in text
    assert "Contested: its tweets count 34%." in text
    assert "coordinated share lower" in text and "Innocent past" not in text
    evidence = EvidenceReport(reports=[signal_report(past=340)])
    text = printed(Explanation(report(), evidence))
    assert "Innocent past: 340 established authors used it before without harm; people decide." in text
    assert "Established:" not in text, "all authors are"


def test_unassessed_hashtag_has_languages_and_no_share() -> None:
    one = signal_report(scale=IN_LANGUAGES, **UNREAD_TAG)
    explanation = Explanation(report(), EvidenceReport(reports=[one]))
    text = printed(explanation)
    assert "hateful conduct on trends, everywhere: not assessed; 2 min up to" in text
    assert "read 19% of 64 sampled authors (Tamil 52 not read), min_scored 50%: no automated decision" in text
    assert "scored share 0.1875, threshold 0.5" in text
    assert "harmful" not in text and "Established:" not in text
    (plain,) = explanation_json(explanation, in_full=False)["standings"]
    assert [*plain["unread"]] == [{"language": "ta", "authors": 52}]
    assert (plain["lower"], plain["upper"], plain["established_upper"], plain["coordinated_lower"]) == (0, 1, 1, 0)


@pytest.mark.parametrize(("between", "shown"), [(0.0, False), (0.01, True)])
def test_interval_of_mixed_sources_is_named(between: float, shown: bool) -> None:
    scale = dataclasses.replace(IN_LANGUAGES, between=np.full(3, between))
    one = signal_report(scale=scale, unread=10, **OVER)
    text = printed(Explanation(report(), EvidenceReport(reports=[one])))
    assert (
        "measured on mixed sources, not on this platform: docs/policy.md#calibrate-to-your-platform" in text
    ) is shown
    assert "read 83% of 60 sampled authors (Tamil 10 not read), min_scored 50%" in text
    assert one.is_calibrated is not shown and "no automated decision" not in text


async def test_discounted_hashtag_is_shown_with_its_weight(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}))
    weighed = msgspec.structs.replace(scope(action="discount"), weight=0.34)
    explanation = Explanation(report(decision(1, weighed, policy_revision=POLICY.revision)), await topics.read(60_000))
    text = printed(explanation)
    assert "trends, everywhere: shown, its tweets count 34% in rankings" in text
    assert "automated, everywhere: discount for hateful conduct" in text
    (place,) = explanation_json(explanation, in_full=False)["places"]
    assert (place["shown"], place["weight"]) == (True, 0.34)
    assert place["registers"][0]["ends_when"][1].startswith("that and the upper bound of all are below 0.3")


async def test_equal_surfaces_share_an_entry(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}))
    evidence = await topics.read(60_000)
    first = evidence.reports[0]
    evidence.reports = [first, msgspec.structs.replace(first, surface="search")]
    assert f"on {first.surface} and search, everywhere: " in printed(Explanation(report(), evidence))


async def test_window_below_floor_is_printed(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}), *tick(20_000, {SHORT: {"other": OVER}}))
    text = printed(Explanation(report(), await topics.read(60_000)))
    assert f"below the evidence floor in 2 min, everywhere: fewer than {POLICY.evidence_floor} tweets" in text


async def test_protection_is_printed_and_in_json(topics):
    policy = topics.activate(POLICY_TEXT.replace("serial: 1", "serial: 2") + "never_suppress: [TAG]\n")
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}, policy))
    explanation = Explanation(report(), await topics.read(60_000))
    text = printed(explanation)
    assert f"protected: in never_suppress of policy {policy.revision}, no rule acts on it" in text
    assert "missing: " in text and "never_suppress" in text.partition("missing: ")[2]
    assert json.loads(json.dumps(explanation_json(explanation, in_full=False)))["protected"] is True


async def test_untrusted_scorer_is_printed(topics):
    text = POLICY_TEXT.replace("serial: 1", "serial: 2").replace("hour: 16", "hour: 16, least_scored: 0.5")
    policy = topics.activate(text)
    blind = {"tweets": 60, "scored": 2, "share": 0.1}
    topics.write(*tick(10_000, {SHORT: {"tag": OVER} | {f"t{n}": blind for n in range(9)}}, policy))
    text = printed(Explanation(report(), await topics.read(60_000)))
    assert "the scorer is not trusted: nothing begins, is renewed or cleared" in text
    assert "least scored 0.136, threshold 0.5, margin -0.364" in text and "least_scored: 0.5}" in text


async def test_end_of_flag_follows_live_policy(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}))
    flagged = report(decision(1, scope(), policy_revision=POLICY.revision))
    for text, share, hours in (
        (POLICY_TEXT, "0.3", "24"),
        (POLICY_TEXT.replace("serial: 1", "serial: 2").replace("clear_at: 0.3", "clear_at: 0.2").replace(
            "hour: 16", "hour: 16, max_automated_hours: 3"), "0.2", "3"),
    ):  # fmt: skip
        topics.activate(text, from_tick_ms=20_000)
        explanation = Explanation(flagged, await topics.read(60_000))
        (ends,) = [
            one["ends_when"]
            for place in explanation_json(explanation, in_full=False)["places"]
            for one in place["registers"]
        ]
        assert share in ends[0] and hours in ends[-1]
    topics.activate(POLICY_TEXT.replace("serial: 1", "serial: 3\nsurfaces: [search]"), from_tick_ms=30_000)
    assert "ends when the next tick settles" in printed(Explanation(flagged, await topics.read(60_000)))


async def test_lapsed_decision_bars_its_surface_only(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}))
    lapsed = msgspec.structs.replace(scope(action="clear"), lapsed=True)
    flagged = report(decision(1, lapsed, policy_revision=POLICY.revision))
    text = printed(Explanation(flagged, await topics.read(60_000)))
    assert "hateful conduct on trends, everywhere: over" in text and "on search, everywhere: over" in text
    assert text.count("missing: ") == 1


def test_words_are_masked_unless_in_full():
    words = WordReport(2, 0.5, [("vermin", 0.7)], "a model", "")
    explanation = Explanation(report(), EvidenceReport(), words)
    assert "v****n" in printed(explanation, words=True) and "vermin" not in printed(explanation, words=True)
    assert "vermin" in printed(explanation, words=True, in_full=True)
    assert "moved the model a model, over" in printed(explanation, words=True)
    assert explanation_json(explanation, in_full=False)["terms"]["terms"] == [["v****n", 0.7]]
    other = Explanation(report(), EvidenceReport(), WordReport(2, 0.5, [], "b", "model a is not in models"))
    assert "model a is not in models; another model is shown" in printed(other, words=True)
    assert "no longer has its tweets" in printed(Explanation(report(), EvidenceReport()), words=True)
