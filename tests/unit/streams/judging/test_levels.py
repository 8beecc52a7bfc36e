"""Levels where established authors have a verdict of their own: over, contested, and over without them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from streams.judging.author_group import AuthorGroup
from streams.judging.levels import (
    BETWEEN,
    CONTESTED,
    LOW,
    NOTHING,
    OVER,
    OVER_ALONE,
    OVER_WITHOUT,
    UNDER,
    UNREAD,
    EstablishedVoice,
    RuleLevels,
    RuleResult,
    combine,
    levels,
)
from streams.policy.rules import NO_CORROBORATION, Corroboration, Rule
from tests.support.evidence import evidence_table

NAN = float("nan")
RULE = Rule(
    "suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 60_000, 600_000, NO_CORROBORATION,
    min_established=10, innocent_past=100,
)  # fmt: skip
ASKS = replace(RULE, corroboration=Corroboration(1, (("burst", 3.0),)))


def group(authors: int, share: float, scored: int | None = None) -> AuthorGroup:
    """Make the authors of one tag, 64 of them sampled at most; all their columns have one share."""
    n = min(authors, 64) if scored is None else scored
    return AuthorGroup(np.array([authors]), np.array([n]), np.array([[share if n else NAN] * 2]))


def judged(
    own: tuple[int, float],
    others: tuple[int, float],
    rule: Rule = RULE,
    *,
    past: tuple[int, float] | None = None,
    confidence: float = 0.95,
    **given: object,
) -> RuleLevels:
    """Judge a tag of (number, harmful share) established authors, and of others; all of them are sampled."""
    n = own[0] + others[0]
    harmful = own[0] * own[1] + others[0] * others[1]
    table = evidence_table(
        **{
            "tweets": np.array([max(n, 10)]), "authors": np.array([n]), "scored": np.array([n]),
            "share": np.array([[harmful / n if n else NAN] * 2]), "established": group(*own, scored=own[0]),
            "past": None if past is None else group(*past), **given,
        }
    )  # fmt: skip
    return levels(table, rule, 1, np.zeros(1, bool), confidence)


def level(own: tuple[int, float], others: tuple[int, float], rule: Rule = RULE, **given: object) -> int:
    return int(judged(own, others, rule, **given).level[0])


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ((40, 0.9), (0, 0.0), OVER),
        ((40, 0.9), (40, 0.9), OVER),
        ((40, 0.9), (200, 0.0), OVER),
        ((40, 0.0), (40, 0.9), CONTESTED),
        ((40, 0.0), (400, 0.9), CONTESTED),
        ((40, 0.3), (40, 0.9), CONTESTED),
        ((10, 0.0), (400, 0.9), CONTESTED),
        ((9, 0.0), (400, 0.9), OVER_WITHOUT),
        ((0, 0.0), (40, 0.9), OVER_WITHOUT),
        ((9, 0.9), (0, 0.0), OVER_WITHOUT),
        ((9, 0.9), (40, 0.2), BETWEEN),
        ((40, 0.3), (0, 0.0), BETWEEN),
        ((40, 0.4), (40, 0.3), BETWEEN),
        ((60, 0.0), (60, 0.1), UNDER),
        ((60, 0.0), (0, 0.0), UNDER),
        ((9, 0.0), (60, 0.0), UNDER),
    ],
)
def test_level_follows_verdict_of_established_authors(own, others, expected):
    assert level(own, others) == expected


@pytest.mark.parametrize("established", [9, 10])
def test_floor_of_the_rule_separates_enough_from_too_few(established):
    """With one more established author their own share decides instead of the share of all."""
    assert level((established, 0.9), (90, 0.9)) == (OVER if established == 10 else OVER_WITHOUT)
    assert level((established, 0.0), (90, 0.9)) == (CONTESTED if established == 10 else OVER_WITHOUT)
    assert level((established, 0.0), (90, 0.9), replace(RULE, min_established=established + 1)) == OVER_WITHOUT


def test_harm_of_all_authors_alone_never_hides_with_enough_established():
    """The lower bound among all authors is over; neither part reaches it alone."""
    found = judged((11, 0.65), (9, 1.0), replace(RULE, min_established=10))
    assert found.everyone.lower[0] > RULE.suppress_at > found.own.lower[0]
    assert found.level[0] == BETWEEN


@pytest.mark.parametrize(
    ("own", "others", "expected"), [(40, 9, BETWEEN), (40, 10, CONTESTED), (200, 19, UNDER), (200, 23, CONTESTED)]
)
def test_contested_tag_has_least_part_of_other_authors(own, others, expected):
    """At least `min_established` of them, and a tenth of all."""
    assert level((own, 0.0), (others, 1.0)) == expected


def test_tenth_of_the_authors_is_the_least_part_that_contests():
    for authors, expected in ((199, CONTESTED), (201, BETWEEN)):
        table = {"authors": np.array([authors]), "established": group(authors - 20, 0.0, scored=44)}
        assert level((44, 0.0), (20, 1.0), **table) == expected


def test_contested_tag_needs_no_corroboration():
    assert level((40, 0.0), (40, 0.9), ASKS) == CONTESTED
    assert level((40, 0.0), (40, 0.9), ASKS, burst=np.array([NAN])) == CONTESTED


@pytest.mark.parametrize("own", [(40, 0.9), (0, 0.0)])
def test_over_needs_corroboration_with_and_without_established(own):
    assert level(own, (40, 0.0 if own[0] else 0.9), ASKS) == OVER_ALONE
    assert level(own, (40, 0.0 if own[0] else 0.9), ASKS, burst=np.array([3.0])) == (OVER if own[0] else OVER_WITHOUT)


@pytest.mark.parametrize(
    ("own", "others", "signal"),
    [((40, 0.9), (40, 0.0), "established_share_lower"), ((0, 0.0), (40, 0.9), "harmful_share_lower")],
)
def test_uncorroborated_tag_names_the_bound_that_is_over(own, others, signal):
    """What is in force calls it between, and keeps its own reasons."""
    found = judged(own, others, ASKS).result(0)
    (reason,) = found.reasons
    assert (reason.signal, reason.value >= ASKS.suppress_at) == (signal, True)
    assert found._replace(level=BETWEEN).reasons[0].signal == "harmful_share_lower"


def test_unread_or_small_uncorroborated_tag_asks_nobody():
    assert level((0, 0.0), (40, 0.9), replace(ASKS, min_authors=41)) == LOW
    assert level((40, 0.3), (9, 0.3), ASKS) == BETWEEN


def test_harmful_established_and_others_without_corroboration_are_contested():
    assert level((40, 0.9), (40, 0.9), ASKS) == CONTESTED


@pytest.mark.parametrize(
    ("own", "others"), [((40, 0.9), (0, 0.0)), ((40, 0.0), (40, 0.9)), ((0, 0.0), (40, 0.9)), ((40, 0.0), (40, 0.0))]
)
def test_tag_below_a_floor_is_low_at_any_share(own, others):
    assert level(own, others, tweets=np.array([9])) == LOW
    assert level(own, others, replace(RULE, min_authors=81)) == LOW


# ---- the verdict of a result ----


def voice(*, enough: bool = True, weight: float = 1.0, disputed: bool = False) -> EstablishedVoice:
    return EstablishedVoice(enough=enough, weight=weight, disputed=disputed, innocent_past=0)


@pytest.mark.parametrize(("tweets", "weight"), [(40, 0.25), (120, 0.25), (200, 0.15), (3_000, 0.01)])
def test_weight_allows_for_three_tweets_of_each_established_author(tweets, weight):
    assert judged((10, 0.0), (30, 0.9), tweets=np.array([tweets])).voice(0).weight == weight


def test_voice_is_the_established_part():
    assert judged((10, 0.0), (30, 0.9)).voice(0) == voice(weight=0.25, disputed=True)
    assert judged((9, 0.0), (31, 0.9)).voice(0).enough is False
    assert judged((40, 0.0), (0, 0.0)).voice(0).weight == 1.0
    assert NOTHING.voice == voice(enough=False)


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ((40, 0.0), (40, 0.9), True),
        ((40, 0.0), (40, 0.2), True),
        ((40, 0.0), (40, 0.0), False),
        ((40, 0.0), (9, 0.9), False),
        ((9, 0.0), (40, 0.9), False),
    ],
)
def test_disputed_tag_has_others_that_may_write_harm(own, others, expected):
    assert judged(own, others).voice(0).disputed is expected


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (None, 0),
        ((99, 0.0), 0),
        ((100, 0.0), 100),
        ((5_000, 0.0), 5_000),
        ((5_000, 0.04), 5_000),
        ((5_000, 0.15), 0),
        ((5_000, 0.9), 0),
    ],
)
def test_innocent_past_is_large_and_its_upper_bound_clears(past, expected):
    assert judged((0, 0.0), (40, 0.9), past=past).voice(0).innocent_past == expected


def test_innocent_past_uses_confidence_of_the_rule():
    """An early decision asks for more confidence, which would widen the bounds of the past."""
    given = {"past": (5_000, 0.1)}
    assert judged((0, 0.0), (40, 0.9), **given).voice(0).innocent_past == 5_000
    assert judged((0, 0.0), (40, 0.9), confidence=0.9999, **given).voice(0).innocent_past == 5_000


@pytest.mark.parametrize(
    ("own", "others", "name", "share"),
    [
        ((40, 0.9), (40, 0.1), "established_share_lower", 0.9),
        ((40, 0.0), (40, 0.9), "coordinated_share_lower", 0.9),
        ((8, 0.0), (72, 0.9), "harmful_share_lower", 0.81),
    ],
)
def test_first_reason_is_the_bound_that_decided(own, others, name, share):
    found = judged(own, others)
    reason = found.reasons(0)[0]
    assert (reason.signal, reason.threshold) == (name, RULE.suppress_at)
    assert RULE.suppress_at <= reason.value < share
    of_group = {"established": found.own, "coordinated": found.others, "harmful": found.everyone}[name.split("_")[0]]
    assert reason.value == round(float(of_group.lower[0]), 6)


def test_evidence_has_established_authors_and_their_bounds():
    found = judged((40, 0.1), (60, 0.9))
    shown = found.evidence(0)
    assert (shown.authors, shown.established) == (100, 40)
    assert (shown.established_lower, shown.established_upper) == (
        round(float(found.own.lower[0]), 6), round(float(found.own.upper[0]), 6)
    )  # fmt: skip
    assert shown.established_upper < shown.lower


# ---- windows of a key ----


@dataclass(frozen=True)
class Window:
    """The rows of one window."""

    is_shortest: bool


def in_windows(*found: int) -> RuleResult:
    """Combine the levels of some windows, the shortest first."""
    results = [RuleResult(level, Window(is_shortest=not at), at) for at, level in enumerate(found)]
    one, other = combine(results), combine(reversed(results))
    assert (one.level, one.row) == (other.level, other.row), "in any order"
    return one


@pytest.mark.parametrize(
    ("levels_of_windows", "expected", "row"),
    [
        ((CONTESTED, OVER_WITHOUT), CONTESTED, 0),
        ((CONTESTED, OVER), OVER, 1),
        ((OVER, CONTESTED), OVER, 0),
        ((OVER_WITHOUT, OVER), OVER, 1),
        ((CONTESTED, UNDER), CONTESTED, 0),
        ((BETWEEN, OVER_WITHOUT), OVER_WITHOUT, 1),
        ((CONTESTED, LOW), CONTESTED, 0),
        ((LOW, UNDER), UNDER, 1),
        ((LOW, OVER), OVER, 1),
        ((OVER_ALONE, UNDER), OVER_ALONE, 0),
        ((OVER_ALONE, OVER_WITHOUT), OVER_WITHOUT, 1),
    ],
)
def test_combine_orders_levels_of_windows(levels_of_windows, expected, row):
    found = in_windows(*levels_of_windows)
    assert (found.level, found.row) == (expected, row)


@pytest.mark.parametrize(
    ("levels_of_windows", "expected", "row"),
    [
        ((OVER_WITHOUT, CONTESTED), CONTESTED, 0),
        ((BETWEEN, CONTESTED), BETWEEN, 0),
        ((UNDER, CONTESTED), BETWEEN, 0),
        ((LOW, CONTESTED), BETWEEN, 1),
        ((UNDER, OVER_WITHOUT, CONTESTED), BETWEEN, 0),
        ((UNREAD, CONTESTED), UNREAD, 0),
        ((BETWEEN, UNREAD, CONTESTED), UNREAD, 1),
        ((OVER_WITHOUT, UNREAD, CONTESTED), CONTESTED, 0),
        ((OVER_ALONE, CONTESTED), OVER_ALONE, 0),
        ((OVER_ALONE, UNREAD, CONTESTED), UNREAD, 1),
    ],
)
def test_only_shortest_window_contests_a_tag(levels_of_windows, expected, row):
    """Established authors of a longer window keep a tag from being hidden in their absence."""
    found = in_windows(*levels_of_windows)
    assert (found.level, found.row) == (expected, row)
