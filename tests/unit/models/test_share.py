"""Harmful share of a hashtag: bounds against their definition, and coverage by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import data, drift, load_scorer, share
from models.evaluation import figures, synthetic_tags
from models.scorer import LANGUAGES, LinearScorer
from tests.support import naive
from tests.support.paths import SHARED

HARM = SHARED / "data" / "harm"
needs_data = pytest.mark.skipif(not HARM.is_dir(), reason="labelled texts (../shared/data/harm) are not here")

MOMENTS = np.array([[0.30, 0.65, 0.04, 0.06], [0.40, 0.52, 0.02, 0.03]])
ERRORS = np.array([[1e-4, -2e-5, 2e-4], [3e-4, 0.0, 4e-4]])
Z = 1.6448536269514722


def bounds(mean: float, n: int, mix: tuple[float, float], confidence: float = 0.9) -> tuple[float, float, float]:
    found = share.bounds(np.array([mean]), np.array([n]), np.array([mix]), MOMENTS, ERRORS, confidence)
    return tuple(float(one[0]) for one in found)  # type: ignore[return-value]


@settings(max_examples=200, deadline=None)
@given(st.floats(0.2, 0.8), st.integers(5, 400), st.floats(0, 1))
def test_bounds_equal_search_over_a_grid(mean: float, n: int, part: float) -> None:
    estimate, lower, upper = bounds(mean, n, (part, 1 - part))
    mix = np.array([part, 1 - part])
    (a0, a1, v0, v1), (e0, e01, e1) = mix @ MOMENTS, mix**2 @ ERRORS
    grid = np.linspace(0, 1, 2001)
    variance = (grid * v1 + (1 - grid) * v0 + grid * (1 - grid) * (a1 - a0) ** 2) / n
    variance += (1 - grid) ** 2 * e0 + 2 * grid * (1 - grid) * e01 + grid**2 * e1
    kept = grid[np.abs(mean - a0 - grid * (a1 - a0)) <= Z * np.sqrt(variance)]
    point = np.clip((mean - a0) / (a1 - a0), 0, 1)
    sampled = grid[np.abs(point - grid) <= Z * np.sqrt(grid * (1 - grid) / n) + 1e-9]
    if len(kept) and kept[-1] - kept[0] < 1:
        assert lower == pytest.approx(min(kept[0], sampled[0]), abs=2e-3)
        assert upper == pytest.approx(max(kept[-1], sampled[-1]), abs=2e-3)
    assert 0 <= lower <= estimate <= upper <= 1


def test_bounds_are_zero_and_one_without_authors_or_gap() -> None:
    assert bounds(float("nan"), 0, (1, 0)) == (0.5, 0.0, 1.0)
    blind = MOMENTS.copy()
    blind[0, 1] = blind[0, 0] + 0.001
    found = share.bounds(np.array([0.4]), np.array([50]), np.array([[1.0, 0.0]]), blind, ERRORS, 0.9)
    assert [float(one[0]) for one in found[1:]] == [0.0, 1.0]


@pytest.mark.parametrize(("n", "least"), [(1, 0.270), (5, 0.649), (64, 0.959)])
def test_bounds_are_never_narrower_than_wilson(n: int, least: float) -> None:
    estimate, lower, upper = bounds(0.99, n, (1, 0))
    assert (estimate, upper) == (1.0, 1.0)
    assert lower == pytest.approx(least, abs=1e-3), "Wilson's bound for n hits in n"
    assert bounds(0.01, n, (1, 0))[1:] == pytest.approx((0.0, 1 - least), abs=1e-3)


def test_bounds_narrow_with_authors_and_lower_confidence() -> None:
    widths = [upper - lower for _, lower, upper in (bounds(0.45, n, (1, 0)) for n in (10, 50, 200, 1000))]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] > 2 * Z * 0.009 / 0.35, "the model's own error does not shrink with authors"
    assert np.diff(bounds(0.45, 50, (1, 0), 0.8)[1:]) < np.diff(bounds(0.45, 50, (1, 0), 0.99)[1:])


def test_bounds_cover_simulated_shares() -> None:
    rng, held = np.random.default_rng(0), []
    clean_sd, harmful_sd = np.sqrt(MOMENTS[0, 2:])
    for truth in np.repeat(np.linspace(0, 1, 11), 100).tolist():
        a0, a1 = rng.multivariate_normal(MOMENTS[0, :2], [[ERRORS[0, 0], ERRORS[0, 1]], [ERRORS[0, 1], ERRORS[0, 2]]])
        harmful = rng.random(60) < truth
        mean = np.where(harmful, rng.normal(a1, harmful_sd, 60), rng.normal(a0, clean_sd, 60)).mean()
        _, lower, upper = bounds(mean, 60, (1, 0))
        held.append(lower - 1e-9 <= truth <= upper + 1e-9)
    assert np.mean(held) >= 0.88


@needs_data
def test_bounds_cover_tags_of_unseen_texts() -> None:
    """Tags of each language's dev tweets; the model card covers the held-out tenth and tags of one source."""
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    tweets = [e for e in data.read_dev(HARM / "dev") if not e.source.startswith(figures.NOT_TWEETED)]
    # One source for all tweets: otherwise tags of each source would be made too.
    tweets = [replace(tweet, source="tweets") for tweet in tweets]
    (unseen,) = figures.score_sets({"dev": tweets}, scorer)
    made = [one for one in synthetic_tags.make_tags(unseen, scorer.numbers) if one.subject == figures.POOLED]
    held = [(one.lower <= one.truth + 1e-9) & (one.truth <= one.upper + 1e-9) for one in made]
    assert {one.language for one in made} == set(LANGUAGES)
    assert np.concatenate(held).mean() >= 0.88
    for one in made:
        assert np.corrcoef(one.estimate, one.truth)[0, 1] > 0.85, (one.texts, one.language, one.n_authors)


SCALE = share.Scale(np.stack([MOMENTS, MOMENTS * 0.9], axis=1), np.stack([ERRORS, ERRORS * 2], axis=1))


def test_scale_of_many_tags_equals_each_alone() -> None:
    rng = np.random.default_rng(3)
    n, mix = rng.integers(1, 65, 300), rng.dirichlet((1, 1), 300)
    means = rng.uniform(0.2, 0.7, (300, 2))
    for column, (moments, errors) in enumerate(((MOMENTS, ERRORS), (MOMENTS * 0.9, ERRORS * 2))):
        found = SCALE.bounds(means[:, column], n, mix, column, 0.95)
        for row in range(0, 300, 7):
            alone = SCALE.bounds(means[row : row + 1, column], n[row : row + 1], mix[row : row + 1], column, 0.95)
            assert [float(one[row]) for one in found] == [float(one[0]) for one in alone], "to the last bit"
        expected = share.bounds(means[:, column], n, mix, moments, errors, 0.95)
        assert np.array(found) == pytest.approx(np.array(expected))
        clean, harmful = (mix @ moments[:, side] for side in (0, 1))
        shares = np.clip((means[:, column] - clean) / (harmful - clean), 0, 1)
        assert SCALE.estimates(means, mix)[:, column] == pytest.approx(shares)
    assert np.isnan(SCALE.estimates(np.full((1, 2), np.nan), np.ones((1, 2)) / 2)).all()


def test_scale_round_trips_through_bytes() -> None:
    back = share.from_bytes(SCALE.to_bytes(), 2)
    assert back.n_groups == 2
    assert back.moments.tobytes() == SCALE.moments.tobytes() and back.errors.tobytes() == SCALE.errors.tobytes()
    with pytest.raises(ValueError, match="reshape"):
        share.from_bytes(SCALE.to_bytes()[:-8], 2)


BETWEEN = np.array([[0.003, 0.001, 0.01], [0.001, 0.0, 0.002]])


@settings(max_examples=100, deadline=None)
@given(st.floats(0.2, 0.8), st.integers(5, 400), st.floats(0, 1))
def test_between_widens_lower_bound_alone(mean: float, n: int, part: float) -> None:
    means, sizes, mix = np.array([mean]), np.array([n]), np.array([[part, 1 - part]])
    estimate, lower, upper = share.bounds(means, sizes, mix, MOMENTS, ERRORS, 0.9)
    zeros = share.bounds(means, sizes, mix, MOMENTS, ERRORS, 0.9, np.zeros((2, 3)))
    assert [one.tobytes() for one in zeros] == [one.tobytes() for one in (estimate, lower, upper)]
    wide = share.bounds(means, sizes, mix, MOMENTS, ERRORS, 0.9, BETWEEN)
    assert (wide[0].tobytes(), wide[2].tobytes()) == (estimate.tobytes(), upper.tobytes())
    both = share.bounds(means, sizes, mix, MOMENTS, ERRORS + BETWEEN, 0.9)
    assert wide[1] <= lower
    assert wide[1] == pytest.approx(both[1]), "as if the model's own error were larger"


def test_scale_with_between_round_trips_through_bytes() -> None:
    scale = share.Scale(SCALE.moments, SCALE.errors, np.stack([BETWEEN, np.zeros((2, 3))], axis=1))
    back = share.from_bytes(scale.to_bytes(), 2)
    assert back.between.tobytes() == scale.between.tobytes() and back.moments.tobytes() == SCALE.moments.tobytes()
    assert back.is_calibrated.tolist() == [[False, True], [False, True]]
    means, n, mix = np.array([0.5]), np.array([60]), np.array([[1.0, 0.0]])
    assert back.bounds(means, n, mix, 0, 0.9)[1] < SCALE.bounds(means, n, mix, 0, 0.9)[1]
    assert back.bounds(means, n, mix, 1, 0.9)[1] == SCALE.bounds(means, n, mix, 1, 0.9)[1]


def test_scale_without_between_is_calibrated_after_a_round_trip() -> None:
    assert SCALE.is_calibrated.all() and share.from_bytes(SCALE.to_bytes(), 2).is_calibrated.all()


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1), st.integers(1, 64), st.sampled_from([0.8, 0.95, 0.99]))
def test_plain_scale_returns_mean_with_wilson_bounds(mean: float, n: int, level: float) -> None:
    found = share.plain(3).bounds(np.array([mean]), np.array([n]), np.ones((1, 1)), 2, level)
    assert [float(one[0]) for one in found] == pytest.approx([mean, *naive.wilson(mean, n, level)], abs=1e-9)


def test_of_held_out_estimates_moments_and_errors() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(4000) < 0.4).astype(np.int8)
    folds = rng.integers(0, 5, 4000)
    p = np.where(y == 1, 0.7, 0.3) + 0.05 * (folds - 2) * 0.4 + rng.normal(0, 0.05, 4000)
    moments, errors = share.of_held_out(p, y, folds, 0)
    assert moments == pytest.approx([0.3, 0.7, 0.0033, 0.0033], abs=0.01)
    assert errors == pytest.approx([0.0008] * 3, rel=0.4), "the folds' shift, common to both"


def test_artefact_has_gaps_deciles_and_errors() -> None:
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    numbers = scorer.numbers
    gaps = numbers.moments[:, 0, 1] - numbers.moments[:, 0, 0]
    assert (gaps > 0.05).all()
    assert (np.diff(numbers.deciles, axis=1) > 0).all()
    texts = np.array(["good morning"] * 500)
    assert drift.psi(scorer.score(texts.tolist())[:, 0], numbers.deciles[0]) > drift.LARGE
    assert len(numbers.errors) == len(LANGUAGES)


def test_psi_grows_with_drift() -> None:
    deciles = np.arange(1, 10) / 10
    rng = np.random.default_rng(0)
    assert drift.psi(rng.random(5000), deciles) < 0.02
    assert drift.SLIGHT < drift.psi(rng.beta(1.5, 2.5, 5000), deciles) < drift.psi(rng.beta(1, 6, 5000), deciles)
    assert np.isfinite(drift.psi(np.zeros(10), deciles)) and np.isfinite(drift.psi(np.empty(0), deciles))


def test_recent_drift_decays() -> None:
    deciles, rng = np.arange(1, 10) / 10, np.random.default_rng(0)
    recent = drift.RecentDrift(deciles, n_texts=1_000)
    for _ in range(20):
        alike = recent.add(rng.random(500))
    assert alike < 0.05
    for _ in range(20):
        moved = recent.add(rng.beta(1, 6, 500))
    assert moved == pytest.approx(drift.psi(rng.beta(1, 6, 50_000), deciles), rel=0.2) and moved > drift.LARGE
    assert recent.add(np.empty(0)) == pytest.approx(moved)


def test_least_width_ranges_from_sampling_error_to_one() -> None:
    n, z = 50, 1.6449
    rng = np.random.default_rng(0)
    low, high = rng.uniform(0, 0.4, 20_000), rng.uniform(0.6, 1, 20_000)
    sampling = [
        min(1.0, share_ + half) - max(0.0, share_ - half)
        for share_ in synthetic_tags.SHARES
        for half in [z * (0.8 * share_ * (1 - share_) / n) ** 0.5]
    ]
    assert synthetic_tags.least_width(high, low, n) == pytest.approx(np.mean(sampling), rel=0.05)
    assert synthetic_tags.least_width(low, low[::-1], n) > 0.99
    assert synthetic_tags.least_width(high, np.concatenate((low, high)), n) > synthetic_tags.least_width(high, low, n)
