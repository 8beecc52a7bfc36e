"""Tests of the words of an impact report."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from streams.backtest.comparison import Kind, PolicyChange, compare
from streams.backtest.impact import UncoveredScope
from streams.backtest.spells import Spell
from streams.backtest.text import margin_in_words, side_in_words, summary, tags
from streams.counting.keys import Tags
from streams.log.decisions import DecisionReason
from tests.support.explanations import EVIDENCE, scope

TAGS = Tags()
KEY = TAGS.key("tag", "*")


@dataclass
class StubReport:
    """Report with given changes."""

    changes: list[PolicyChange]
    tag_panes: int = 1
    needs_replay: tuple[UncoveredScope, ...] = ()
    answered: int = 1
    unseen: tuple[str, ...] = ()


def change(hashtag: str, country: str, surface: str = "trends", kind: Kind = "cleared") -> PolicyChange:
    return PolicyChange(
        kind=kind, hashtag=hashtag, country=country, category="abuse", surfaces=(surface,), effect="hidden"
    )


CHANGES = [
    change("a", "IN"), change("a", "*"), change("a", "IN", "search"), change("b", "IN"),
    change("a", "US", kind="newly"),
]  # fmt: skip


def test_review_of_unread_tag_claims_no_bound() -> None:
    reasons = (DecisionReason("scored_share", 0.1875, 0.5), DecisionReason("copies", 0.5, 0.3))
    evidence = replace(EVIDENCE, scored=12, unread={"ta": 52})
    begun = replace(scope(action="review"), since_ms=60_000, valve="not_assessed", reasons=reasons, evidence=evidence)
    new = {(KEY, ("hateful_conduct", "trends")): [Spell(60_000, 360_000, begun)]}
    live = {at: [Spell(60_000, 360_000, scope(action="review"))] for at in new}
    [found] = compare({}, new, TAGS)
    assert (found.kind, found.effect) == ("newly", "flagged")
    assert side_in_words(found.new) == "not assessed, queued for review 01-01 00:01:00, 5.0 min"
    assert margin_in_words(found.side) == "read 19%, min_scored 50%"
    assert [one.kind for one in compare(live, new, TAGS)] == ["action"]


def test_summary_counts_each_hashtag_once_for_all_scopes() -> None:
    found = StubReport(CHANGES)
    assert summary(found) == "2 no longer suppressed; 1 newly suppressed."  # type: ignore[arg-type]


UNCOVERED = UncoveredScope("new", "abuse", "trends", ("window 5m was not counted",))
UNKNOWN = "Not known without a replay: abuse on trends."


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (StubReport([]), "Nothing would change."),
        (StubReport([], needs_replay=(UNCOVERED,), answered=0), UNKNOWN),
        (StubReport([], needs_replay=(UNCOVERED,)), f"{UNKNOWN} Nothing else would change."),
        (StubReport(CHANGES[:3], needs_replay=(UNCOVERED,)), f"{UNKNOWN} Elsewhere 1 no longer suppressed."),
        (StubReport([], unseen=("early_confidence 0.99 → 0.9",)), "Nothing else would change."),
    ],
)
def test_summary_begins_with_what_is_not_known(report: StubReport, words: str) -> None:
    assert summary(report) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(("changes", "words"), [(CHANGES, "2 hashtags"), (CHANGES[:3], "1 hashtag")])
def test_tags_counts_each_hashtag_once(changes: list[PolicyChange], words: str) -> None:
    assert tags(changes) == words
