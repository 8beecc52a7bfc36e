"""The harmful share by two scorers, against plain sums and against the population."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.share import plain
from streams.judging.side_inputs.corrections import SampleCorrections
from streams.judging.two_stage_share import LEAST, SUBSAMPLE, correct, first_scored

COLUMNS = 2
PROBABILITY = st.floats(0, 1, width=32)
DIFFERENCE = st.floats(-1, 1, width=32)
ROW = st.tuples(
    st.one_of(st.none(), st.tuples(*[PROBABILITY] * COLUMNS)), st.one_of(st.none(), st.tuples(*[DIFFERENCE] * COLUMNS))
)
"""(probabilities of stage 1, differences of stage 2); None where there are none."""
TAGS = st.lists(st.lists(ROW, max_size=30), min_size=1, max_size=4)


def columns_of(tags):
    """Return (share (m, c), group (n,), scored (n,), corrections)."""
    rows = [(at, *row) for at, tag in enumerate(tags) for row in tag]
    group = np.array([at for at, _, _ in rows], np.int64)
    linear = np.array([one or (np.nan,) * COLUMNS for _, one, _ in rows], np.float32).reshape(-1, COLUMNS)
    differences = np.array([one or (np.nan,) * COLUMNS for _, _, one in rows], np.float32).reshape(-1, COLUMNS)
    revisions = np.array([-1 if one is None else 0 for _, _, one in rows], np.int64)
    scored = ~np.isnan(linear[:, 0])
    share = np.full((len(tags), COLUMNS), np.nan)
    for at in range(len(tags)):
        if (mine := linear[scored & (group == at)].astype(float)).size:
            share[at] = mine.mean(axis=0)
    return share, group, scored, SampleCorrections(differences, revisions, ["new"], [b"scale"])


@given(TAGS)
def test_correct_adds_mean_difference_of_first_scored(tags):
    share, group, scored, seen = columns_of(tags)
    found, correction = correct(share, group, scored, seen)
    for at, tag in enumerate(tags):
        both = [(one, two) for one, two in tag if one is not None][:SUBSAMPLE]
        differences = np.array([two for _, two in both if two is not None], float)
        whole = sum(one is not None for one, _ in tag)
        looked = 0 if correction is None else int(correction.looked[at])
        if len(differences) < LEAST:
            assert looked == 0 and np.array_equal(found[at], share[at], equal_nan=True)
            continue
        assert correction is not None and looked == len(differences) and correction.revisions[at] == "new"
        np.testing.assert_allclose(found[at], np.clip(share[at] + differences.mean(axis=0), 0, 1), atol=1e-9)
        assert correction.scales[int(correction.scale_of[at])] == b"scale"
        variance = differences.var(axis=0, ddof=1) / looked * (1 - looked / whole)
        np.testing.assert_allclose(correction.variance[at], variance, atol=1e-9)


def test_correct_of_whole_sample_is_stage_2_mean():
    tag = [((0.5, 0.5), (0.1 * n, -0.2)) for n in range(4)] + [((0.25, 0.5), (0.5, 0.25))]
    share, group, scored, seen = columns_of([tag])
    found, correction = correct(share, group, scored, seen)
    mean = np.mean([np.add(one, two) for one, two in tag], axis=0)
    np.testing.assert_allclose(found[0], mean, atol=1e-7)
    assert correction is not None and correction.variance.tolist() == [[0.0, 0.0]]


def test_subsample_is_first_scored_authors_only():
    """Authors of a growing tag do not stay among the first for ever."""
    read = [((0.5, 0.5), (-0.25, 0.0))] * SUBSAMPLE
    late = [((0.5, 0.5), (0.5, 0.5))] * 10
    share, group, scored, seen = columns_of([read + late])
    found, correction = correct(share, group, scored, seen)
    assert correction is not None and correction.looked.tolist() == [SUBSAMPLE]
    assert found.tolist() == [[0.25, 0.5]]
    assert int(first_scored(group, scored).sum()) == SUBSAMPLE


def test_correct_names_both_revisions():
    share, group, scored, seen = columns_of([[((0.5, 0.5), (0.0, 0.0))] * 6])
    seen = SampleCorrections(seen.differences, np.array([1, 0, 1, 0, 1, 1]), ["old", "new"], [b"a", b"b"])
    _, correction = correct(share, group, scored, seen)
    assert correction is not None and correction.revisions == ("new+old",)
    assert [correction.scales[of] for of in correction.scale_of.tolist()] == [b"b"], "that of most rows"


def test_widen_grows_with_spread_of_differences():
    def bounds(differences):
        share, group, scored, seen = columns_of([[((0.5, 0.5), (one, 0.0)) for one in differences] * 2 + [
            ((0.5, 0.5), None)] * 40])  # fmt: skip
        found, correction = correct(share, group, scored, seen)
        n = np.bincount(group)
        _, lower, upper = plain(1).bounds(found[:, 0], n, np.ones((len(n), 1)), 0, 0.9)
        return correction.widen(found[:, 0], lower, upper, 0, 0.9, np.ones(len(found))), (lower, upper)

    (same, sampled), (other, _) = bounds([0.1] * 10), bounds([0.4, -0.2] * 5)
    assert same == sampled, "equal differences add no error"
    assert other[0] < same[0] and other[1] > same[1]


@pytest.mark.simulation
@pytest.mark.parametrize("texts", [LEAST, 10, SUBSAMPLE])
@pytest.mark.parametrize("harmful", [0.05, 0.3, 0.6])
def test_interval_covers_share_by_stage_2(texts, harmful):
    """Stage 2 reads the texts of some of 64 authors, sampled from 5,000."""
    dice, held, tries = np.random.default_rng(7), 0, 600
    for _ in range(tries):
        hidden = dice.random(5_000) < harmful
        linear = np.clip(dice.normal(np.where(hidden, 0.6, 0.35), 0.15), 0, 1)
        stack = np.clip(linear + dice.normal(np.where(hidden, 0.2, -0.15), 0.15), 0, 1)
        rows = dice.permutation(5_000)[:64]
        differences = np.full((64, 1), np.nan, np.float32)
        differences[:texts, 0] = (stack - linear)[rows[:texts]]
        seen = SampleCorrections(differences, np.where(np.arange(64) < texts, 0, -1), ["new"], [b""])
        group = np.zeros(64, np.int64)
        share, correction = correct(np.array([[linear[rows].mean()]]), group, np.ones(64, bool), seen)
        _, lower, upper = plain(1).bounds(share[:, 0], np.array([64]), np.ones((1, 1)), 0, 0.9)
        low, high = correction.widen(share[:, 0], lower, upper, 0, 0.9, np.ones(len(share)))
        held += bool(low[0] <= stack.mean() <= high[0])
    assert held / tries >= 0.88
