"""Outcomes of hashtags: when they are suppressed, for how long, and who is silenced."""

from __future__ import annotations

import pytest

from benchmarks.scenarios.verdicts import HashtagOutcome, judge
from streams.log.decisions import Decision
from tests.support.scenario_outcomes import END_MS, RUN, START_MS, decision, truth_tag

ATTACKED = {"attacked_from_ms": START_MS - 30_000}


def judged(decisions: list[Decision], kind: str = "campaign", **more: object) -> HashtagOutcome:
    (found,) = judge([truth_tag("tag", kind, **more)], decisions, END_MS, RUN).tags
    return found


def test_campaign_is_found_by_its_first_settled_suppression() -> None:
    found = judged([decision("tag", "suppress", 12, early=True), decision("tag", "suppress", 20)])
    assert (found.early_seconds, found.settled_seconds, found.seconds, found.found) == (12.0, 20.0, 12.0, True)
    assert (found.source, found.preset, found.seed) == ("dev", "hard", 3)


@pytest.mark.parametrize(
    ("decisions", "is_found"),
    [
        ([], False),
        ([decision("tag", "suppress", 9, early=True)], False),
        ([decision("tag", "hold", 9), decision("tag", "review", 9)], False),
        ([decision("tag", "suppress", 9, country="US")], False),
        ([decision("tag", "suppress", 9, country="*")], True),
        ([decision("tag", "discount", 9, weight=0.1)], True),
        ([decision("tag", "discount", 9, weight=0.11)], False),
    ],
)
def test_campaign_is_found_only_by_settled_decision_where_it_is(decisions: list[Decision], is_found: bool) -> None:
    found = judged(decisions)
    assert found.found is is_found
    assert not found.silenced


@pytest.mark.parametrize(
    ("decisions", "hidden"),
    [
        ([decision("tag", "suppress", 100)], 600.0),
        ([decision("tag", "suppress", 700)], 200.0),
        ([decision("tag", "suppress", 100), decision("tag", "clear", 130)], 30.0),
        ([decision("tag", "hold", 100, country="US"), decision("tag", "clear", 130, country="US")], 30.0),
        ([decision("tag", "suppress", 100, early=True)], 0.0),
        ([decision("tag", "review", 100)], 0.0),
        ([decision("tag", "discount", 100, weight=0.3)], 0.0),
    ],
)
def test_hidden_time_counts_settled_decisions_until_they_end(decisions: list[Decision], hidden: float) -> None:
    found = judged(decisions, "protest")
    assert (found.hidden_seconds, found.silenced) == (hidden, hidden > 0)


@pytest.mark.parametrize(("end", "hidden"), [(119, 0.0), (120, 0.0), (150, 30.0)])
def test_attacked_tag_may_be_hidden_for_two_minutes(end: int, hidden: float) -> None:
    decisions = [decision("tag", "suppress", -20), decision("tag", "clear", end)]
    assert judged(decisions, "protest", **ATTACKED).hidden_seconds == hidden


def test_review_for_unread_texts_is_told_apart() -> None:
    unread = judged([decision("tag", "review", 60, valve="not_assessed")], "unread")
    capped = judged([decision("tag", "review", 60, valve="innocent_past")], "unread")
    assert (unread.reviewed, unread.not_assessed) == (True, True)
    assert (capped.reviewed, capped.not_assessed) == (True, False)


def test_unlisted_and_organic_tags_count_where_decided() -> None:
    truth = [truth_tag("quiet", "organic"), truth_tag("monday", "organic")]
    verdict = judge(truth, [decision("monday", "suppress", 9), decision("riya", "suppress", 9)], END_MS, RUN)
    assert [(one.hashtag, one.kind, one.silenced) for one in verdict.tags] == [
        ("monday", "organic", True),
        ("riya", "one_use", True),
    ]


def test_early_flags_are_counted_with_their_withdrawals() -> None:
    flags = [decision("tag", "suppress", second, early=True) for second in (5, 5, 9)]
    verdict = judge([], [*flags, decision("tag", "clear", 9, early=True)], END_MS, RUN)
    assert (verdict.early_flags, verdict.withdrawn) == (2, 1)
