"""Evidence tables from author samples, and levels from evidence tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.share import Scale
from streams.constants import UNKNOWN_AGE
from streams.counting.block_counts import GROUP_SHIFT, LINKED, RETWEET
from streams.counting.origins import LANGUAGES, origins_of
from streams.judging.author_group import AuthorGroup, ShareBounds
from streams.judging.evidence import EvidenceTable, tabulate
from streams.judging.levels import BETWEEN, LOW, NOTHING, OVER, OVER_ALONE, UNDER, RuleResult, combine, levels
from streams.judging.shown_tweets import MOST_RANDOM
from streams.judging.standing import StandingKeys
from streams.judging.two_stage_share import ShareCorrection
from streams.log.decisions import SampledAt
from streams.policy.rules import NO_CORROBORATION, Corroboration, Rule
from streams.windows.window import AuthorSample
from tests.support.evidence import evidence_table
from tests.support.sampled_authors import earlier_rows

NAN = float("nan")
RULE = Rule("suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 60_000, 600_000, NO_CORROBORATION)


def sample(rows: list[tuple[int, int, int, int, float | None]]) -> AuthorSample:
    """Rows of (group, age in days, flags, copy, score), ascending by group."""
    n = len(rows)
    column = list(zip(*rows, strict=True)) if rows else [()] * 5
    score = [NAN if one is None else one for one in column[4]]
    return AuthorSample(
        np.array(column[0], np.int64),
        np.arange(n, dtype=np.uint64),
        np.arange(100, 100 + n, dtype=np.int64),
        origins_of(1, np.arange(n), np.ones(n, np.uint8)),
        np.array(column[1], np.int32),
        np.array(column[2], np.uint8),
        np.array(column[3], np.uint32),
        np.array([score, score], np.float32).T.reshape(n, 2),
        np.ones(n),
        np.zeros(n, bool),
    )


def table(
    rows: list[tuple[int, int, int, int, float | None]],
    groups: int = 2,
    young_days: int = 30,
    scale: Scale | None = None,
) -> EvidenceTable:
    keys, tweets, standing = np.arange(1, groups + 1), np.full(groups, 100), StandingKeys(young_days, 0.25)
    of = sample(rows)
    return tabulate(
        600_000, keys, tweets, of, 2, standing=standing, earlier=earlier_rows(of), burst_min_past=1, scale=scale
    )


def test_share_is_mean_over_scored_authors():
    found = table([(0, 1, 0, 1, 0.25), (0, 1, 0, 2, None), (0, 1, 0, 3, 0.75), (1, 1, 0, 4, None)])
    assert found.everyone.share[0].tolist() == [0.5, 0.5]
    assert np.isnan(found.everyone.share[1]).all()
    assert found.everyone.scored.tolist() == [2, 0]
    assert found.everyone.authors.tolist() == [3, 1]


def test_signals_and_shown_texts_pass_over_further_authors():
    smallest = [(0, 400, 0, 1, 0.5), (0, 1, RETWEET, 1, 0.5), (0, 400, LINKED, 2, None)]
    whole, part = sample([*smallest, *[(0, 1, 0, 1, 0.5)] * 9]), sample(smallest)
    whole.is_further[3:] = True
    keys, tweets, standing = np.array([1]), np.array([100]), StandingKeys(30, 0.25)
    found, expected = (
        tabulate(600_000, keys, tweets, one, 2, standing=standing, earlier=earlier_rows(one), burst_min_past=1)
        for one in (whole, part)
    )
    np.testing.assert_equal(found.signals, expected.signals)
    assert found.shown is not None and expected.shown is not None
    assert found.shown.tweets.tolist() == expected.shown.tweets.tolist()
    assert found.everyone.scored.tolist() == [11], "their texts count in the share"


def test_authors_count_by_weight():
    of = sample([(0, 400, 0, 1, 1.0), (0, 400, 0, 2, 0.0), (0, 1, 0, 3, 0.0)])
    of.weight[:] = [0.5, 0.5, 1.0]
    standing = StandingKeys(30, 0.25)
    found = tabulate(
        600_000, np.array([1]), np.array([9]), of, 2, standing=standing, earlier=earlier_rows(of), burst_min_past=1
    )
    assert found.everyone.share[0].tolist() == [1 / 4] * 2
    assert (found.everyone.scored.tolist(), found.established.scored.tolist()) == ([2], [1])
    assert found.established.authors.tolist() == [2], "half of three, rounded to the even number"


def test_parts_of_authors_in_two_languages_add_up():
    of = sample([(0, 400, language(group), text, 0.5) for text, group in enumerate([0, 0, 0, 1, 1, 1], 1)])
    of.weight[:] = 0.45
    whole = tabulate(
        600_000, np.array([6]), np.array([6]), of, 2,
        standing=StandingKeys(30, 0.25), earlier=earlier_rows(of), burst_min_past=1, scale=SCALE,
    )  # fmt: skip
    assert whole.everyone.groups is not None and whole.everyone.groups.tolist() == [[1, 2]]
    assert whole.everyone.scored.tolist() == [3], "2.7 authors, 1.35 in each language"


SCALE = Scale(
    np.array([[[0.2, 0.8, 0.02, 0.02]] * 2, [[0.4, 0.5, 0.01, 0.01]] * 2]), np.array([[[1e-4, 0.0, 1e-4]] * 2] * 2)
)


def language(group: int | None, flags: int = 0) -> int:
    return flags | (0 if group is None else group + 1) << GROUP_SHIFT


def test_bounds_follow_scale_of_sampled_languages():
    rows = [(0, 1, language(0, RETWEET), 1, 0.5), (0, 1, language(0), 2, 0.5), (0, 1, language(1, LINKED), 3, 0.5)]
    rows += [(1, 1, language(1), 4, 0.44)] * 64 + [(2, 1, language(0), 4, 0.44)] * 64
    found = table(rows, groups=3, scale=SCALE)
    assert found.everyone.groups is not None and found.everyone.groups.tolist() == [[2, 1], [0, 64], [64, 0]]
    assert found.signals["links"][0] == pytest.approx(1 / 3), "flags and group do not mix"
    mixed = (0.5 - (2 * 0.2 + 0.4) / 3) / ((2 * 0.6 + 0.1) / 3)
    assert found.everyone.estimates()[:, 1] == pytest.approx([mixed, 0.4, 0.4])
    share, lower, upper = found.everyone.bounds(1, 0.95)
    assert share == pytest.approx([mixed, 0.4, 0.4])
    assert (lower <= share).all() and (share <= upper).all()
    assert upper[1] - lower[1] > 2 * (upper[2] - lower[2]), "scores that say less give wider bounds"


@pytest.mark.parametrize("group", [None, 2])
def test_text_without_language_group_counts_as_not_scored(group):
    rows = [(0, 1, language(group), 1, 0.9), (0, 1, language(0), 2, 0.5)]
    found = table(rows, scale=SCALE)
    assert found.everyone.scored.tolist() == [1, 0] and found.everyone.share[0].tolist() == [0.5, 0.5]
    assert table(rows).everyone.scored.tolist() == [2, 0], "with one group the language may be unknown"
    assert np.isnan(found.everyone.estimates()[1]).all() and found.everyone.bounds(0, 0.9)[1].tolist()[1] == 0.0


def test_copies_are_texts_of_two_authors_of_one_tag():
    found = table([(0, 1, 0, 7, 0.5), (0, 1, 0, 7, 0.5), (0, 1, 0, 8, 0.5), (0, 1, 0, 9, 0.5), (1, 1, 0, 7, 0.5)])
    assert found.signals["copies"].tolist() == [0.5, 0.0], "the same text under another tag is no copy"


def test_copies_ignore_retweets():
    found = table([(0, 1, RETWEET, 7, 0.5), (0, 1, RETWEET, 7, 0.5), (0, 1, 0, 7, 0.5), (0, 1, 0, 8, 0.5)])
    assert found.signals["copies"][0] == 0.0


def test_copies_ignore_unscored_texts():
    found = table([(0, 1, 0, 0, None), (0, 1, 0, 0, None), (0, 1, 0, 5, 0.5)])
    assert found.signals["copies"][0] == 0.0


def test_copies_ignore_texts_without_words():
    found = table([(0, 1, 0, 0, 0.5), (0, 1, 0, 0, 0.5), (0, 1, 0, 5, 0.5), (0, 1, 0, 5, 0.5), (1, 1, 0, 0, 0.5)])
    assert found.signals["copies"].tolist() == [1.0, 0.0], "neither copies nor originals"


def test_young_is_share_of_accounts_with_known_age():
    rows = [(0, 29, 0, 1, 0.5), (0, 30, 0, 2, 0.5), (0, UNKNOWN_AGE, 0, 3, 0.5), (1, UNKNOWN_AGE, 0, 4, 0.5)]
    assert table(rows).signals["young"].tolist() == [0.5, 0.0]
    assert table(rows, young_days=31).signals["young"].tolist() == [1.0, 0.0]


def test_tabulate_accepts_empty_sample():
    found = table([])
    assert (found.everyone.scored.tolist(), found.everyone.authors.tolist(), found.signals["copies"].tolist()) == (
        [0, 0],
        [0, 0],
        [0.0, 0.0],
    )
    assert found.shown is not None and (found.shown.tweets == -1).all()


def test_evidence_renders_rounded_values_and_first_ids():
    found = table([(0, 1, 0, number, 0.123456789) for number in range(1, 15)] + [(1, 99, 0, 1, None)])
    everyone, own = ShareBounds(0.123456789, 0.1234567891, 0.5), ShareBounds(0.1, 0.0123456789, 0.98765432109)
    shown = found.evidence(0, everyone, own, np.array([True, False]), 0)
    assert (shown.tweets, shown.authors, shown.scored, shown.share, shown.lower) == (100, 14, 14, 0.123457, 0.123457)
    assert (shown.burst, shown.young, shown.term) == (None, 1.0, True)
    assert shown.sampled == tuple(str(tweet) for tweet in range(100, 100 + MOST_RANDOM))
    assert shown.sampled_at == tuple(SampledAt(1, offset, LANGUAGES[1]) for offset in range(MOST_RANDOM))
    assert (shown.sampled_from, shown.highest) == (14, ()), "no scores were kept for this tag"
    assert (shown.established, shown.established_lower, shown.established_upper) == (0, 0.012346, 0.987654)
    assert found.evidence(1, ShareBounds(0.5, 0.0, 1.0), own, np.array([True, False]), 0).share == 0.0


def test_find_returns_row_or_none():
    found = table([], groups=3)
    assert [found.find(key) for key in (0, 1, 3, 4)] == [None, 0, 2, None]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([UNKNOWN_AGE, 0, 5, 400]),
            st.integers(0, 1),
            st.integers(0, 4),
            st.sampled_from([None, 0.0, 0.5, 1.0]),
        ),
        max_size=20,
    ).map(lambda rows: sorted(rows, key=lambda row: row[0]))
)
def test_signals_equal_naive_computation(rows):
    found = table(rows, groups=3)
    for group in range(3):
        rows_of = [row for row in rows if row[0] == group]
        scores = [row[4] for row in rows_of if row[4] is not None and row[3]]  # without words: silent
        own = [row[3] for row in rows_of if not row[2] and row[3]]
        ages = [row[1] for row in rows_of if row[1] >= 0]
        assert found.everyone.scored[group] == len(scores)
        assert scores == [] or found.everyone.share[group, 1] == pytest.approx(sum(scores) / len(scores))
        assert found.signals["copies"][group] == (sum(own.count(one) > 1 for one in own) / len(own) if own else 0)
        assert found.signals["young"][group] == (sum(age < 30 for age in ages) / len(ages) if ages else 0)


# ---- levels ----


def one_tag(**changed: object) -> EvidenceTable:
    """Build the evidence of one tag, over unless something is changed."""
    given = {"tweets": 20, "authors": 20, "scored": 20, "share": 0.9, "burst": NAN, **changed}
    columns = {name: np.array([value]) for name, value in given.items()}
    return evidence_table(**{**columns, "share": np.array([[0.95, given["share"]]])})


def level(rule: Rule = RULE, *, term: bool = False, margin: float = 1.0, **changed: object) -> int:
    found = levels(one_tag(**changed), rule, 1, np.array([term]), rule.confidence, margin)
    return int(found.level[0])


def test_level_over_by_lower_bound_under_by_upper():
    assert [level(share=share) for share in (0.9, 0.65, 0.6, 0.2, 0.05, 0.0)] == [
        OVER, OVER, BETWEEN, BETWEEN, BETWEEN, UNDER
    ]  # fmt: skip
    assert [level(share=0.5, scored=n) for n in (10, 64)] == [BETWEEN, BETWEEN]
    assert [level(share=0.55, scored=n) for n in (20, 64)] == [BETWEEN, OVER]


@pytest.mark.parametrize("changed", [{"tweets": 9}, {"authors": 4}, {"scored": 0, "share": NAN}])
@pytest.mark.parametrize("share", [0.9, 0.0])
def test_level_low_below_any_floor(changed, share):
    assert level(**{"share": share, **changed}) == LOW
    assert level(tweets=10, authors=5, share=share) != LOW


CORROBORATED = replace(
    RULE,
    corroboration=Corroboration(
        2, (("burst", 3.0), ("copies", 0.5), ("young", 0.4), ("authors", 30.0), ("links", 0.25), ("term", 1.0))
    ),
)


@pytest.mark.parametrize(
    ("changed", "term", "expected"),
    [
        ({}, False, OVER_ALONE),
        ({"burst": 3.0}, False, OVER_ALONE),
        ({"burst": 3.0, "copies": 0.5}, False, OVER),
        ({"burst": 2.9, "copies": 0.5}, False, OVER_ALONE),
        ({"burst": NAN, "copies": 0.5}, False, OVER_ALONE),
        ({"young": 0.4, "authors": 30}, False, OVER),
        ({"young": 0.4}, True, OVER),
        ({"young": 0.39, "authors": 29}, True, OVER_ALONE),
        ({"young": 0.4, "links": 0.25}, False, OVER),
        ({"young": 0.4, "links": 0.24}, False, OVER_ALONE),
    ],
)
def test_level_over_needs_enough_corroboration(changed, term, expected):
    assert level(CORROBORATED, term=term, **changed) == expected


def test_early_margin_applies_to_all_signals_but_term():
    signals = {"copies": 0.6, "young": 0.4}
    assert level(CORROBORATED, **signals) == OVER
    assert level(CORROBORATED, margin=1.25, **signals) == OVER_ALONE
    assert level(CORROBORATED, margin=1.25, copies=0.625, young=0.5) == OVER
    assert level(CORROBORATED, margin=1.25, copies=0.625, term=True) == OVER


def test_level_under_needs_no_corroboration():
    assert level(CORROBORATED, share=0.0) == UNDER


def test_result_has_reasons_and_evidence():
    found = levels(one_tag(burst=4.0, copies=0.2, young=0.9), CORROBORATED, 1, np.array([True]), 0.95).result(0)
    assert found.level == OVER
    assert [(one.signal, one.value, one.threshold) for one in found.reasons][1:] == [
        ("burst", 4.0, 3.0), ("young", 0.9, 0.4), ("term", 1.0, 1.0)
    ]  # fmt: skip
    assert found.reasons[0].signal == "established_share_lower" and found.reasons[0].threshold == 0.4
    assert found.evidence is not None and found.evidence.lower == found.reasons[0].value


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(OVER, UNDER, OVER), (UNDER, BETWEEN, BETWEEN), (UNDER, UNDER, UNDER), (LOW, UNDER, UNDER), (LOW, LOW, LOW)],
)
def test_combine_takes_highest_level_that_is_not_low(one, other, expected):
    assert combine([RuleResult(one), RuleResult(other)]).level == expected
    assert combine([RuleResult(other), RuleResult(one)]).level == expected


def test_combine_without_windows_is_nothing():
    assert combine([]) is NOTHING


@given(st.integers(0, 2**32), st.integers(1, 3), st.floats(0.6, 0.999))
def test_lower_bound_never_exceeds_estimate(seed, n_groups, confidence):
    """The early trigger relies on it: an estimate that is too low needs no bounds."""
    rng, m, columns = np.random.default_rng(seed), 30, 2
    groups = rng.integers(0, 20, (m, n_groups))
    scored = groups.sum(axis=1)
    clean, harmful = np.sort(rng.random((2, n_groups, columns)), axis=0)
    moments = np.stack([clean, harmful, *rng.random((2, n_groups, columns)) * 0.25], axis=2)
    deviation = rng.random((n_groups, columns, 2)) * 0.1
    error_0, error_1 = deviation[..., 0] ** 2, deviation[..., 1] ** 2
    errors = np.stack([error_0, deviation.prod(axis=2) * rng.uniform(-1, 1, (n_groups, columns)), error_1], axis=2)
    looked = rng.integers(0, 2, m) * np.minimum(scored, 5)
    variance = rng.random((m, columns)) * 0.01 * (looked > 0)[:, None]
    scale_of, scales = (looked > 0) * rng.integers(0, 2, m) - 1, (Scale(moments * 0.9, errors).to_bytes(),)
    judged = evidence_table(
        tweets=scored,
        authors=scored,
        scored=scored,
        share=np.where(scored[:, None] > 0, rng.random((m, columns)), np.nan),
        correction=ShareCorrection(looked, variance, ("new",) * m, scale_of, scales) if rng.random() < 0.5 else None,
        scale=Scale(moments, errors),
        groups=groups,
    )
    own = rng.binomial(groups, 0.5)
    share = np.where(own.sum(axis=1)[:, None] > 0, rng.random((m, columns)), np.nan)
    judged = replace(
        judged, established=AuthorGroup(own.sum(axis=1), own.sum(axis=1), share, None, judged.everyone.scale, own)
    )
    greatest = judged.greatest_estimates()
    for column in range(columns):
        found = levels(judged, RULE, column, np.zeros(m, bool), confidence)
        some = scored > 0
        assert (found.everyone.lower[some] <= judged.everyone.estimates()[some, column]).all()
        for bounds in (found.everyone, found.own, found.others):
            assert (bounds.lower[some] <= greatest[some]).all()
        assert (found.level[~some] == LOW).all()
