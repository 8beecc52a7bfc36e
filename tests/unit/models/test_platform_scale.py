"""Scale fitted to a platform's labels: means, errors, coverage, and the model file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models import artefact, load_scorer, platform_scale
from models.column_fit import ENOUGH, FEWEST, SPREAD, ColumnNumbers, ColumnTexts, coverage, fit_column
from models.platform_scale import ScoredLabel
from models.scorer import LinearScorer

PRIOR = ColumnNumbers(np.array([0.30, 0.65, 0.03, 0.04]), np.array([1e-4, 0.0, 2e-4]), np.array([0.002, 0.001, 0.015]))


@pytest.fixture(scope="module")
def live() -> LinearScorer:
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    return scorer


def drawn(n: int, seed: int = 0, means: tuple[float, float] = (0.35, 0.5)) -> ColumnTexts:
    """Draw n clean and n harmful texts with exactly these means, other than the prior's."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.1, (2, n))
    p = (noise - noise.mean(axis=1, keepdims=True) + np.array(means)[:, None]).ravel()
    return ColumnTexts(p, np.repeat([0, 1], n), np.arange(2 * n))


def labelled(texts: ColumnTexts, n_columns: int, language: str = "en", cluster: str = "") -> list[ScoredLabel]:
    return [
        ScoredLabel(probabilities=(p,) * n_columns, language=language, harmful=bool(y), cluster=cluster)
        for p, y in zip(texts.probabilities.tolist(), texts.labels.tolist(), strict=True)
    ]


def test_fit_moves_from_prior_to_labels_as_these_grow() -> None:
    harmful = [fit_column(drawn(n), PRIOR).moments[1] for n in (2, 5, 20, 80, 400)]
    assert harmful == sorted(harmful, reverse=True) and harmful[-1] == pytest.approx(0.5, abs=0.02)
    assert harmful[0] < 0.65, "two labels already help"


def test_fit_is_precision_weighted_mean_of_independent_sides() -> None:
    texts, variance = drawn(60), (SPREAD * 0.35) ** 2
    found = fit_column(texts, replace(PRIOR, errors=np.zeros(3)))
    for side in (0, 1):
        own = texts.probabilities[texts.labels == side]
        sampling = (60 * own.var() + 10 * PRIOR.moments[2 + side]) / 70 / 60
        expected = (own.mean() * variance + PRIOR.moments[side] * sampling) / (variance + sampling)
        assert found.moments[side] == pytest.approx(expected, abs=2e-3)
        assert found.errors[2 * side] == pytest.approx(variance * sampling / (variance + sampling), rel=0.1)


def test_between_is_zero_with_enough_labels_and_shrinks_before() -> None:
    few, enough = fit_column(drawn(ENOUGH - 1), PRIOR), fit_column(drawn(ENOUGH), PRIOR)
    assert not enough.between.any() and enough.errors[2] > PRIOR.errors[2]
    assert few.between == pytest.approx(PRIOR.between / ENOUGH)


def test_one_hashtag_calibrates_nothing(live: LinearScorer) -> None:
    """Its own texts cannot show how far other hashtags differ, however many they are."""
    texts = drawn(10 * ENOUGH)
    alone = fit_column(replace(texts, clusters=np.zeros_like(texts.clusters)), PRIOR)
    assert alone.between == pytest.approx(0.8 * PRIOR.between)
    found = platform_scale.fit(live, labelled(texts, 4, cluster="attack"))
    assert not found.columns[0].is_calibrated and not found.scale.is_calibrated[0, 0]
    assert found.problems == ("en, harmful: is fitted in part, texts of 4 more hashtags are missing",)
    clusters = np.tile(np.arange(5), 4 * ENOUGH)
    assert not fit_column(replace(texts, clusters=clusters), PRIOR).between.any()


def test_texts_of_one_cluster_count_less() -> None:
    rng = np.random.default_rng(1)
    of_cluster = np.repeat(np.arange(20), 20)
    shift = rng.normal(0, 0.1, 20)[of_cluster]
    y = np.tile([0, 1], 200)
    p = np.where(y == 1, 0.5, 0.35) + shift + rng.normal(0, 0.03, 400)
    alone = fit_column(ColumnTexts(p, y, np.arange(400)), PRIOR)
    clustered = fit_column(ColumnTexts(p, y, of_cluster), PRIOR)
    assert clustered.errors[0] > 3 * alone.errors[0]
    assert clustered.errors[1] > 0, "a hashtag shifts both means alike"


def test_coverage_rises_to_nominal() -> None:
    found = coverage(drawn(150), replace(PRIOR, between=np.zeros(3)), PRIOR, np.random.default_rng(0))
    assert found is not None
    before, after = found
    assert before < 0.6 and 0.85 <= after <= 1.0
    assert coverage(drawn(15), PRIOR, PRIOR, np.random.default_rng(0)) is None


def test_fit_leaves_columns_without_labels(live: LinearScorer) -> None:
    found = platform_scale.fit(live, labelled(drawn(ENOUGH), 4))
    assert found.scale.moments[1:].tobytes() == live.scale.moments[1:].tobytes()
    assert found.scale.moments[0, 1:].tobytes() == live.scale.moments[0, 1:].tobytes()
    assert found.scale.moments[0, 0, 1] == pytest.approx(0.5, abs=0.03)
    assert found.is_ready and found.fitted_languages == ("en",)
    assert found.counts["en"] == (ENOUGH, ENOUGH) and found.problems == ()
    assert found.scale.is_calibrated[0, 0]


def test_problems_name_missing_labels(live: LinearScorer) -> None:
    few = platform_scale.fit(live, labelled(drawn(FEWEST - 1), 4, "hi"))
    assert not few.is_ready and few.scale.to_bytes() == live.scale.to_bytes()
    assert few.problems == ("hi, harmful: stays as it is, 46 more clean and 46 more harmful texts are missing",)
    some = platform_scale.fit(live, labelled(drawn(FEWEST), 4, "hi"))
    assert some.is_ready and "fitted in part, 45 more clean" in some.problems[0]
    assert not some.columns[8].is_calibrated


def test_categories_are_fitted_by_their_own_labels(live: LinearScorer) -> None:
    texts = [replace(one, categories={"abuse": bool(one.harmful)}) for one in labelled(drawn(60), 4)]
    found = {(one.language, one.category): one for one in platform_scale.fit(live, texts).columns}
    assert found["en", "abuse"].is_calibrated and found["en", "abuse"].harmful == 60
    assert not found["en", "gendered_abuse"].is_fitted


def test_artefact_keeps_weights_and_first_prior(live: LinearScorer) -> None:
    first = platform_scale.fit(live, labelled(drawn(80), 4))
    fitted = artefact.loads(first.artefact(live, {"labels": 160}))
    assert fitted.revision != live.revision
    texts = ["you are vermin, all of you", "good morning", "tum sab gande ho"]
    assert fitted.score(texts).tobytes() == live.score(texts).tobytes()
    assert fitted.scale.to_bytes() == first.scale.to_bytes()
    assert fitted.training["calibration"] == {"labels": 160}
    again = platform_scale.fit(fitted, labelled(drawn(80), 4))
    assert again.scale.to_bytes() == first.scale.to_bytes(), "the same labels are not counted twice"
    assert again.prior.to_bytes() == first.prior.to_bytes()


def test_score_gives_probabilities_and_language(live: LinearScorer) -> None:
    probabilities, languages = platform_scale.score(live, ["good morning to all of you", "यह हिंदी है", "இன்று மழை"])
    assert languages == ["en", "hi", "ta"]
    assert np.isfinite(probabilities[:2]).all() and np.isnan(probabilities[2]).all()
