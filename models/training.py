"""Train the linear scorer: one linear model per column, calibrated by cross-validation, rounded to integers.

A column's weights are the sum of two logistic regressions, each divided by the spread of its margins. One uses the
features as they are, which is better with much text. The other multiplies them by log-count ratios (NB-SVM: Wang and
Manning, 2012), which is better with little text. Each column is trained on the texts that have its label.

Generated sentences and romanised copies of the Devanagari tweets are added to the labelled tweets; calibration does not
use them. Sentences and spellings are drawn several times, and the weights are the mean over the drawings, which
depends less on chance. Training is deterministic: one seed and one order of texts give one artefact.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models import artefact, between_sources, data, features, splits, templates, trained_scale
from models.languages import detector_table
from models.romanise import romanise
from models.scorer import LANGUAGES, LinearWeights

N_COLUMNS = len(data.COLUMNS)
ROMANISED = "romanised"
# Probability of a text without a word, close to a clean text's, so that it hardly changes a hashtag's share.
NO_WORDS = 0.02
# Source of sentences written to fool a classifier: trained on, but unlike a hashtag's texts.
NOT_TWEETED = "hatemojibuild"
_LARGEST_WEIGHT = 32_767
_LEFT_OUT_STEPS = 3  # trainings without a source, for the progress

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Progress = Callable[[str, float], None]
"""Callback that receives the current step and the finished part of all work, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of a training, chosen on the dev splits. Inverse penalties are scikit-learn's C."""

    n_buckets: int = 1 << 18
    plain_inverse_penalty: float = 0.7
    ratio_inverse_penalty: float = 0.5
    ratio_share: float = 1.2  # weight of the second regression; the first has 1.0
    n_templates: int = 3_000  # generated sentences of a language
    # Weights of labelled texts and copies by language, since there are seven English texts for each Hindi one.
    weights: tuple[tuple[str, float], ...] = (("en", 1.0), ("hi", 3.0), ("hi-Latn", 2.0))
    template_weight: float = 0.6  # of a generated sentence, relative to a labelled text of its language
    n_drawings: int = 10  # of generated sentences and of spellings
    template_part: str = "all"  # of the patterns; "without 0" leaves out a quarter, to measure unseen patterns
    n_folds: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMatrix:
    """Features (n_texts, n_buckets), targets (n_texts, n_columns + 1) and weights (n_texts,) of texts.

    The last target is 1 for Roman Hindi, 0 for English and UNLABELLED for Devanagari.
    """

    matrix: sparse.csr_matrix
    targets: Labels
    weights: Floats

    def rows(self, chosen: npt.NDArray[np.intp]) -> FeatureMatrix:
        """Return the chosen rows (n,) of the matrix, the targets and the weights."""
        return FeatureMatrix(self.matrix[chosen], self.targets[chosen], self.weights[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTexts:
    """Texts of a training in order: labelled texts, their romanised copies, generated sentences.

    folds (n_real,): fold of each labelled text; origins (n_romanised,): index of each copy's labelled text.
    """

    real: list[data.Example]
    romanised: list[data.Example]
    own: list[data.Example]
    folds: npt.NDArray[np.intp]
    origins: npt.NDArray[np.intp]
    n_held_out: int

    @property
    def examples(self) -> list[data.Example]:
        """All examples: real, romanised and own."""
        return [*self.real, *self.romanised, *self.own]

    def rows_without(self, fold: int) -> npt.NDArray[np.intp]:
        """Return the indices into `examples` without the labelled texts of a fold and their copies."""
        return self.rows_of(self.folds != fold)

    def rows_of(self, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Return the indices into `examples` of some labelled texts (n_real,), their copies and all sentences."""
        rest = np.flatnonzero(kept)
        copies = len(self.real) + np.flatnonzero(np.isin(self.origins, rest))  # a copy follows its tweet's fold
        first_own = len(self.real) + len(self.romanised)
        return np.concatenate((rest, copies, np.arange(first_own, first_own + len(self.own))))

    def drawn(self, recipe: Recipe, number: int) -> TrainingTexts:
        """Return the same labelled texts with other spellings and sentences; `prepare` returns number 0."""
        seed = recipe.seed * recipe.n_drawings + number
        romanised, origins = _romanised(self.real, seed)
        own = templates.generate(recipe.n_templates, seed, recipe.template_part)
        return replace(self, romanised=romanised, origins=origins, own=own)

    def languages(self) -> npt.NDArray[np.intp]:
        """Return the index into LANGUAGES of each labelled text, (n_real,)."""
        return np.array([LANGUAGES.index(example.language) for example in self.real])


def prepare(folder: Path, recipe: Recipe, tenth: int = 0, without: str = "") -> TrainingTexts:
    """Read and generate the texts of a training; see `splits.read_training`. Raises TrainingDataError."""
    read = splits.read_training(folder, tenth, without)
    real = read.examples
    folds = _folds([f"{e.source} {e.language} {e.labels[0]}" for e in real], read.clusters, recipe)
    return TrainingTexts(real, [], [], folds, np.array([], np.intp), len(read.held_out)).drawn(recipe, 0)


def cross_validate(
    texts: TrainingTexts, recipe: Recipe, n_folds: int, progress: Progress = lambda step, part: None
) -> Floats:
    """Compute margins (n_real, n_columns), each by a model that has seen neither the text nor a copy of it.

    Texts of folds from `n_folds` on get 0. Each fold's model uses one drawing instead of the mean over ten, which
    would take ten times as long for nearly equal margins (slopes of the calibration within 1.5%).
    """
    held_out = np.zeros((len(texts.real), N_COLUMNS))
    for fold in range(n_folds):
        drawn = texts.drawn(recipe, fold % recipe.n_drawings)
        whole, out = training_set(drawn.examples, recipe), np.flatnonzero(texts.folds == fold)
        weights, biases = _fit(whole.rows(drawn.rows_without(fold)), recipe, N_COLUMNS)
        held_out[out] = np.asarray(whole.matrix[out] @ weights) + biases
        progress(f"fold {fold + 1}", (fold + 1) / n_folds)
    return held_out


def train(
    folder: Path,
    recipe: Recipe | None = None,
    *,
    tenth: int = 0,
    without: str = "",
    progress: Progress = lambda step, part: None,
) -> bytes:
    """Train on the files of `folder` without one tenth and return an artefact. Raises TrainingDataError.

    `without` leaves out a source, to measure the recipe on it; see `splits.read_training`.
    """
    numbers, about = fit(folder, recipe or Recipe(), tenth, without, progress)
    return artefact.dump(numbers, data.CATEGORIES, about)


def fit(
    folder: Path, recipe: Recipe, tenth: int = 0, without: str = "", progress: Progress = lambda step, part: None
) -> tuple[LinearWeights, dict[str, object]]:
    """Return the parameters and the metadata of the artefact that `train` returns. Raises TrainingDataError."""
    texts = prepare(folder, recipe, tenth, without)
    real, folds, languages = texts.real, texts.folds, texts.languages()
    n_steps = recipe.n_folds + recipe.n_drawings + _LEFT_OUT_STEPS
    held_out = cross_validate(
        texts, recipe, recipe.n_folds, lambda step, part: progress(step, part * recipe.n_folds / n_steps)
    )
    weights, biases = np.zeros((recipe.n_buckets, N_COLUMNS + 1)), np.zeros(N_COLUMNS + 1)
    for number in range(recipe.n_drawings):
        fitted = _fit(training_set(texts.drawn(recipe, number).examples, recipe), recipe, N_COLUMNS + 1)
        weights += fitted[0] / recipe.n_drawings
        biases += fitted[1] / recipe.n_drawings
        progress(f"drawing {number + 1}", (recipe.n_folds + number + 1) / n_steps)
    labels = data.labels_of(real)
    prevalences = prevalences_of(labels)
    slopes, intercepts = trained_scale.calibrate(held_out, labels, languages, prevalences)
    probabilities = 1 / (1 + np.exp(-(slopes[languages] * held_out + intercepts[languages])))
    probabilities[:, 1:] = np.minimum(probabilities[:, 1:], probabilities[:, :1])
    tweeted = np.array([not e.source.startswith(NOT_TWEETED) for e in real])
    of_tweets = (probabilities[tweeted], labels[tweeted], languages[tweeted], folds[tweeted])
    moments, errors = trained_scale.share_errors(*of_tweets, recipe.seed)
    between = _between(texts, recipe, probabilities, (slopes, intercepts), moments)
    progress("left-out sources", 1.0)
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-12) / _LARGEST_WEIGHT
    numbers = LinearWeights(
        weights=np.rint(weights / scales).astype(np.int16),
        scales=scales,
        biases=biases,
        slopes=slopes,
        intercepts=intercepts,
        no_words=np.full(N_COLUMNS, NO_WORDS),
        moments=moments,
        errors=errors,
        deciles=np.quantile(probabilities[tweeted], np.arange(1, 10) / 10, axis=0).T,
        detector=detector_table(),
        between=between,
    )
    counts = {"labelled": len(real), "held out": texts.n_held_out}
    counts |= {ROMANISED: len(texts.romanised), templates.SOURCE: len(texts.own)}
    about = _about(folder, recipe, counts) | ({"without": without} if without else {})
    return numbers, about | {"prevalences": dict(zip(data.COLUMNS, prevalences, strict=True))}


def prevalences_of(labels: Labels) -> list[float]:
    """Compute each column's share of positive texts among its labelled ones; `labels` (n_texts, n_columns)."""
    return [float((column == 1).sum() / (column != data.UNLABELLED).sum()) for column in labels.T]


def _folds(strata: list[str], clusters: npt.NDArray[np.int64], recipe: Recipe) -> npt.NDArray[np.intp]:
    """Assign folds (n_texts,), evenly within each stratum, with near-duplicates in one fold."""
    firsts, place = np.unique(clusters, return_index=True)[1], np.unique(clusters, return_inverse=True)[1]
    shuffled = np.random.default_rng(recipe.seed).permutation(len(firsts))
    dealt = shuffled[np.argsort(np.array(strata)[firsts][shuffled], kind="stable")]
    folds = np.empty(len(firsts), np.intp)
    folds[dealt] = np.arange(len(firsts)) % recipe.n_folds
    return folds[place]


def _romanised(real: list[data.Example], seed: int) -> tuple[list[data.Example], npt.NDArray[np.intp]]:
    """Romanise the Devanagari texts; return the copies and the indices of their origins."""
    rng = random.Random(seed)
    origins = [index for index, example in enumerate(real) if example.language == "hi"]
    copies = [
        replace(real[index], text=romanise(real[index].text, rng), source=ROMANISED, language="hi-Latn")
        for index in origins
    ]
    return copies, np.array(origins, np.intp)


def training_set(examples: list[data.Example], recipe: Recipe) -> FeatureMatrix:
    """Compute features, targets and weights of examples."""
    language = np.array([{"en": 0, "hi-Latn": 1, "hi": data.UNLABELLED}[example.language] for example in examples])
    return FeatureMatrix(
        features.matrix([example.text for example in examples], recipe.n_buckets),
        np.column_stack((data.labels_of(examples), language)).astype(np.int8),
        weights_of(examples, recipe),
    )


def weights_of(examples: list[data.Example], recipe: Recipe) -> Floats:
    """Return the weight of each example, (n_examples,): its language's, times a factor for generated sentences."""
    own = np.array([example.source == templates.SOURCE for example in examples])
    of_language = np.array([dict(recipe.weights)[example.language] for example in examples])
    weights: Floats = np.where(own, recipe.template_weight, 1.0) * of_language
    return weights


def _fit(texts: FeatureMatrix, recipe: Recipe, n_columns: int) -> tuple[Floats, Floats]:
    """Fit weights (n_buckets, n_columns) and biases (n_columns,) of the first `n_columns` targets."""
    weights, biases = np.zeros((recipe.n_buckets, n_columns)), np.zeros(n_columns)
    for column in range(n_columns):
        labelled = texts.rows(np.flatnonzero(texts.targets[:, column] != data.UNLABELLED))
        weights[:, column], biases[column] = _fit_column(labelled, labelled.targets[:, column], recipe)
    return weights, biases


def _fit_column(texts: FeatureMatrix, labels: Labels, recipe: Recipe) -> tuple[Floats, float]:
    positive, negative = (texts.weights[labels == y] @ texts.matrix[labels == y] + 0.1 for y in (1, 0))
    ratios = np.log((positive / positive.sum()) / (negative / negative.sum()))
    settings = {"solver": "liblinear", "dual": True, "tol": 1e-2, "max_iter": 1_000, "random_state": recipe.seed}
    unscaled = LogisticRegression(C=recipe.plain_inverse_penalty, **settings)
    ratio = LogisticRegression(C=recipe.ratio_inverse_penalty, **settings)
    unscaled.fit(texts.matrix, labels, sample_weight=texts.weights)
    ratio.fit((texts.matrix @ sparse.diags(ratios)).tocsr(), labels, sample_weight=texts.weights)
    weights, bias = np.zeros(texts.matrix.shape[1]), 0.0
    for model, factors, part_of in ((unscaled, 1.0, 1.0), (ratio, ratios, recipe.ratio_share)):
        coefficients = model.coef_[0] * factors
        part = part_of / float(np.std(texts.matrix @ coefficients))
        weights += part * coefficients
        bias += part * float(model.intercept_[0])
    return weights, bias


def _between(
    texts: TrainingTexts, recipe: Recipe, cross_validated: Floats, platt: tuple[Floats, Floats], moments: Floats
) -> Floats:
    """Estimate the variance between the sources of English, each left out of one model; see `between_sources`.

    Args:
        texts: all texts.
        recipe: of the models; one drawing each.
        cross_validated: (n_real, n_columns) probabilities.
        platt: slopes and intercepts (n_languages, n_columns).
        moments: (n_languages, n_columns, 4).
    """
    labels, language = data.labels_of(texts.real), LANGUAGES.index("en")
    names = np.array([example.source for example in texts.real])
    is_used = (texts.languages() == language) & np.array([not name.startswith(NOT_TWEETED) for name in names.tolist()])
    whole = training_set(texts.examples, recipe)
    deviations: list[list[float]] = [[] for _ in range(N_COLUMNS)]
    for source in sorted(set(names[is_used].tolist())):
        is_own = is_used & (names == source)
        if not between_sources.is_enough(labels[is_own, 0]):
            continue
        weights, biases = _fit(whole.rows(texts.rows_of(names != source)), recipe, N_COLUMNS)
        margins = np.asarray(whole.matrix[np.flatnonzero(is_own)] @ weights) + biases
        outside = 1 / (1 + np.exp(-(platt[0][language] * margins + platt[1][language])))
        outside[:, 1:] = np.minimum(outside[:, 1:], outside[:, :1])
        others = is_used & ~is_own
        for column in range(N_COLUMNS):
            if between_sources.is_enough(labels[is_own, column]) and between_sources.is_enough(labels[others, column]):
                deviations[column].append(
                    between_sources.deviation(
                        outside[:, column],
                        labels[is_own, column],
                        cross_validated[others, column],
                        labels[others, column],
                    )
                )
    return between_sources.between_of(deviations, moments)


def _about(folder: Path, recipe: Recipe, counts: dict[str, int]) -> dict[str, object]:
    hashes = {name: hashlib.sha256((folder / f"{name}.jsonl").read_bytes()).hexdigest() for name in data.TRAIN_FILES}
    return {"recipe": asdict(recipe), "texts": counts, "files_sha256": hashes}
