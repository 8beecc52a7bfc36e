"""Goals of the scenarios: each outcome that misses one is named."""

from __future__ import annotations

import pytest

from benchmarks.scenarios.goals import goals, precision
from benchmarks.scenarios.verdicts import HashtagOutcome, Verdict
from tests.support.scenario_outcomes import outcome

GOOD = [
    *(outcome(share=share, settled_seconds=20.0) for share in (0.8, 1.0)),
    outcome(share=0.4),
    outcome(share=0.6),
    outcome(variant="disguised"),
    outcome("protest", "among", weight=0.3),
    outcome("reclaimed", "", hidden_seconds=30.0),
    outcome("unread", "", not_assessed=True),
]


def missed(tags: list[HashtagOutcome], **more: int) -> list[str]:
    return [goal.text for goal in goals([Verdict(tags, **more)]) if not goal.met]


def test_goals_are_met_by_good_outcomes() -> None:
    assert missed(GOOD, early_flags=20, withdrawn=1) == []


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (outcome("unread", "", not_assessed=True, early_seconds=9.0), "no unread hashtag is suppressed"),
        (outcome("unread", ""), "each unread hashtag has a case"),
        (outcome("protest", "", hidden_seconds=10.0), "no settled suppression"),
        (outcome("counter_speech", "after", hidden_seconds=10.0), "no settled suppression"),
        (outcome("news", "", hidden_seconds=10.0), "no settled suppression"),
        (outcome("sports", "before", hidden_seconds=10.0), "no settled suppression"),
        (outcome(share=1.0), "90% of open campaigns with 100%"),
        (outcome(share=0.8), "70% of open campaigns with 80%"),
    ],
)
def test_outcome_that_misses_goal_is_named(bad: HashtagOutcome, text: str) -> None:
    found = [goal for goal in goals([Verdict([*GOOD, bad], early_flags=1)]) if not goal.met]
    assert len(found) == 1
    assert found[0].text.startswith(text)
    assert any(bad.hashtag in reason and "dev hard seed 3, 0 labels" in reason for reason in found[0].reasons)


def test_recall_is_a_goal_on_known_annotators_alone() -> None:
    missed_ones = [outcome(share=1.0, source="uli_en"), outcome(share=0.8, source="uli_en")]
    assert missed([*GOOD, *missed_ones]) == []
    assert len(goals([Verdict([*missed_ones, *GOOD])])) == 6
    assert len(goals([Verdict(missed_ones)])) == 4


def test_withdrawals_above_five_percent_miss_goal() -> None:
    (goal,) = (one for one in goals([Verdict(GOOD, early_flags=20, withdrawn=2)]) if not one.met)
    assert goal.text == "at most 5% of early flags are withdrawn"
    assert goal.reasons == ("dev hard seed 3, 0 labels: 2 of 20",)


def test_goals_without_outcomes_are_missed() -> None:
    assert len(missed([])) == 3


def test_precision_counts_found_campaigns_and_silenced_tags() -> None:
    assert precision(GOOD) == 2 / 3
    assert precision([outcome()]) is None
