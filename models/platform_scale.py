"""Fit the scale of a model to a platform's own labels. Pure.

The scale of a trained model has the mean probabilities a0 and a1 of clean and of harmful texts of mixed sources. A
platform's texts and people differ from them, by `Scale.between`. A few hundred labels replace them. Of each
language and column:

- The labels give both means, with a covariance that counts texts of one cluster (a hashtag) as alike.
- The trained scale is the prior, with its own errors plus a variance between sources. The fit is the mean of both,
  weighted by precision (empirical Bayes: Efron and Morris, 1975), so that few labels already help.
- What remains uncertain widens both bounds. With enough labels the lower bound has no further allowance for the
  variance between sources; below that, a part of it.

Weights and probabilities stay as they are: a fitted model ranks texts as before. Coverage is measured by halves: the
scale is fitted to one half of the clusters, and hashtags are made of the texts of the other half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models import artefact, data
from models.column_fit import ENOUGH, FEWEST, LEAST_CLUSTERS, ColumnNumbers, ColumnTexts, Floats, coverage, fit_column
from models.scorer import LANGUAGES, LinearScorer
from models.share import Scale

MIXED = "mixed_scale"
"""Name of the trained scale in the metadata of a fitted artefact, so that a later fit has the same prior."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredLabel:
    """Label of one text that the live model has scored.

    probabilities: (1 + n_categories,) of the live model; a fitted model has the same.
    language: one of LANGUAGES, as the model found it.
    harmful, categories: None or absent: not labelled.
    cluster: hashtag, author or file; texts of one cluster are alike. Empty: the text stands for itself.
    """

    probabilities: tuple[float, ...]
    language: str
    harmful: bool | None
    categories: Mapping[str, bool] = field(default_factory=dict)
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnScale:
    """Fit of one language and column. `category` is empty for any category."""

    language: str
    category: str
    clean: int
    """Labelled texts that are not harmful."""
    harmful: int
    clusters: int
    """Clusters with texts of either label, the smaller number."""
    before: tuple[float, float]
    """Mean probability of clean and of harmful texts, as the live model has them."""
    after: tuple[float, float]
    errors: tuple[float, float]
    """Standard errors of `after`."""
    coverage_before: float | None
    """Part of the intervals that held the true share, by cross-validation; None: too few labels to say."""
    coverage_after: float | None
    is_fitted: bool
    is_calibrated: bool
    """Whether the labels are enough, so that no variance between sources remains."""

    @property
    def missing_clean(self) -> int:
        """Clean texts that are missing to calibrate."""
        return max(0, ENOUGH - self.clean)

    @property
    def missing_harmful(self) -> int:
        """Harmful texts that are missing to calibrate."""
        return max(0, ENOUGH - self.harmful)

    @property
    def missing_clusters(self) -> int:
        """Hashtags, or texts of none, that are missing among the clean or the harmful texts."""
        return max(0, LEAST_CLUSTERS - self.clusters)

    def missing_words(self) -> str:
        """Name the labels that are missing to calibrate; "" where none are."""
        texts = [
            f"{missing:,} more {kind}"
            for missing, kind in ((self.missing_clean, "clean"), (self.missing_harmful, "harmful"))
            if missing
        ]
        if texts:
            return f"{' and '.join(texts)} texts"
        return f"texts of {self.missing_clusters} more hashtags" if self.missing_clusters else ""


@dataclass(frozen=True, slots=True, eq=False)
class PlatformScale:
    """Scale that labels give, and how far it holds."""

    scale: Scale
    prior: Scale
    """Trained scale, before any label."""
    columns: tuple[ColumnScale, ...]
    """Every language and column, languages first."""

    @property
    def is_ready(self) -> bool:
        """Whether the labels change anything."""
        return any(column.is_fitted for column in self.columns)

    @property
    def fitted_languages(self) -> tuple[str, ...]:
        """Languages of which a column was fitted."""
        return tuple(dict.fromkeys(column.language for column in self.columns if column.is_fitted))

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Clean and harmful texts by language."""
        return {column.language: (column.clean, column.harmful) for column in self.columns if not column.category}

    @property
    def coverage_before(self) -> float | None:
        """Mean coverage over all columns where it is known."""
        return _mean([column.coverage_before for column in self.columns])

    @property
    def coverage_after(self) -> float | None:
        """Mean coverage of the fitted scale over all columns where it is known."""
        return _mean([column.coverage_after for column in self.columns])

    @property
    def problems(self) -> tuple[str, ...]:
        """Reasons why a language and column was not calibrated, if it has any label."""
        return tuple(
            _problem(column) for column in self.columns if not column.is_calibrated and column.clean + column.harmful
        )

    def artefact(self, live: LinearScorer, about: Mapping[str, object]) -> bytes:
        """Build the model file: the weights of the live model with this scale. `about` describes the labels."""
        numbers = replace(
            live.numbers, moments=self.scale.moments, errors=self.scale.errors, between=np.array(self.scale.between)
        )
        kept = {name: np.asarray(getattr(self.prior, name)).tolist() for name in ("moments", "errors", "between")}
        return artefact.dump(numbers, live.categories, live.training | {"calibration": dict(about), MIXED: kept})


def score(live: LinearScorer, texts: Sequence[str]) -> tuple[Floats, list[str]]:
    """Compute probabilities (n, n_columns), NaN for a text that is not read, and the language of each text."""
    probabilities, languages = live.score_languages(texts)
    return probabilities.astype(np.float64), languages


def prior_of(live: LinearScorer) -> Scale:
    """Return the scale of a model before any fit."""
    kept = live.training.get(MIXED)
    if isinstance(kept, dict):
        return Scale(*(np.array(kept[name], np.float64) for name in ("moments", "errors", "between")))
    return live.scale


def fit(
    live: LinearScorer, labels: Sequence[ScoredLabel], seed: int = 0, *, with_coverage: bool = True
) -> PlatformScale:
    """Fit the scale of a model to labels.

    Args:
        live: model that has scored the labels; one that was fitted before starts from its trained scale.
        labels: all labels of the platform, those of earlier fits included.
        seed: of the halves that measure coverage.
        with_coverage: whether to measure it, which takes a second.
    """
    prior, scale = prior_of(live), live.scale
    moments, errors, between = (np.array(part) for part in (scale.moments, scale.errors, scale.between))
    columns = []
    for group, language in enumerate(LANGUAGES):
        own = [label for label in labels if label.language == language]
        for column, category in enumerate(("", *live.categories)):
            texts = _of_column(own, column, category)
            before, trained = _column_of(scale, group, column), _column_of(prior, group, column)
            rng = np.random.default_rng([seed, group, column])
            held = coverage(texts, before, trained, rng) if with_coverage else None
            is_fitted = min(texts.counts) >= FEWEST
            after = fit_column(texts, trained) if is_fitted else before
            moments[group, column], errors[group, column], between[group, column] = (
                after.moments, after.errors, after.between,
            )  # fmt: skip
            columns.append(
                ColumnScale(
                    language=language,
                    category=category,
                    clean=texts.counts[0],
                    harmful=texts.counts[1],
                    clusters=texts.n_clusters,
                    before=_pair(before.moments[:2]),
                    after=_pair(after.moments[:2]),
                    errors=_pair(np.sqrt((after.errors + after.between)[[0, 2]])),
                    coverage_before=None if held is None else held[0],
                    coverage_after=None if held is None or not is_fitted else held[1],
                    is_fitted=is_fitted,
                    is_calibrated=texts.readiness == 1,
                )
            )
    return PlatformScale(Scale(moments, errors, between), prior, tuple(columns))


def _of_column(labels: Sequence[ScoredLabel], column: int, category: str) -> ColumnTexts:
    """Select the texts of one language that are labelled for a column."""
    of_texts = [text.categories.get(category) if category else text.harmful for text in labels]
    used = [(text, bool(label)) for text, label in zip(labels, of_texts, strict=True) if label is not None]
    clusters = [text.cluster or f"\0{number}" for number, (text, _) in enumerate(used)]
    return ColumnTexts(
        np.array([text.probabilities[column] for text, _ in used], np.float64),
        np.array([label for _, label in used], np.intp),
        np.unique(clusters, return_inverse=True)[1] if clusters else np.zeros(0, np.intp),
    )


def _column_of(scale: Scale, group: int, column: int) -> ColumnNumbers:
    return ColumnNumbers(*(np.array(part[group, column]) for part in (scale.moments, scale.errors, scale.between)))


def _pair(numbers: Floats) -> tuple[float, float]:
    return float(numbers[0]), float(numbers[1])


def _mean(shares: Sequence[float | None]) -> float | None:
    measured = [share for share in shares if share is not None]
    return float(np.mean(measured)) if measured else None


def _problem(scale: ColumnScale) -> str:
    """Say which labels a language and column needs."""
    state = "is fitted in part" if scale.is_fitted else "stays as it is"
    return f"{scale.language}, {scale.category or data.COLUMNS[0]}: {state}, {scale.missing_words()} are missing"
