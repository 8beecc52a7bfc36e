"""Labelled texts to an artefact: one logistic regression per column, calibrated by cross-validation, then rounded.

Deterministic: one seed, one order of texts, one artefact. Each column is trained on the texts that have its label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from models import artefact, calibration, data, features
from models.scorer import LANGUAGES, Weights

N_COLUMNS = len(data.COLUMNS)
_LARGEST_WEIGHT = 32_767


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was chosen, on the dev splits."""

    n_buckets: int = 1 << 18
    inverse_penalty: float = 1.0
    n_folds: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Unrounded linear models: weights (n_buckets, n_columns + 1) and biases (n_columns + 1,)."""

    weights: npt.NDArray[np.float64]
    biases: npt.NDArray[np.float64]

    def margins(self, matrix: sparse.csr_matrix) -> npt.NDArray[np.float64]:
        return np.asarray(matrix @ self.weights) + self.biases


def train(folder: Path, recipe: Recipe | None = None, *, progress: Callable[[str], None] = lambda step: None) -> bytes:
    """The bytes of an artefact trained on the files of `folder`. `progress` is told each step (see `n_steps`)."""
    recipe = recipe or Recipe()
    examples = data.read_folder(folder, data.TRAIN_FILES)
    matrix = features.matrix([example.text for example in examples], recipe.n_buckets)
    labels, languages = data.labels_of(examples), np.array([example.language for example in examples])
    progress("features")
    targets = np.column_stack((labels, np.where(languages == "hi", data.UNLABELLED, languages == "hi-Latn")))
    held_out = np.full((len(examples), N_COLUMNS + 1), np.nan)
    strata = [f"{example.source} {example.language} {example.labels[0]}" for example in examples]
    for fold, (rest, out) in enumerate(StratifiedKFold(recipe.n_folds, shuffle=True, random_state=recipe.seed).split(strata, strata)):
        held_out[out] = _fit(matrix[rest], targets[rest], recipe).margins(matrix[out])
        progress(f"fold {fold + 1}")
    columns = _fit(matrix, targets, recipe)
    progress("whole")
    slopes, intercepts = _calibrate(held_out, labels, languages)
    scales = np.maximum(np.abs(columns.weights).max(axis=0), 1e-12) / _LARGEST_WEIGHT
    numbers = Weights(
        weights=np.rint(columns.weights / scales).astype(np.int16),
        scales=scales,
        biases=columns.biases,
        slopes=slopes,
        intercepts=intercepts,
        no_words=np.full(N_COLUMNS, 0.02),
    )
    return artefact.dump(numbers, data.CATEGORIES, _about(folder, recipe, examples))


def n_steps(recipe: Recipe) -> int:
    """How often `train` calls its `progress`."""
    return recipe.n_folds + 2


def _fit(matrix: sparse.csr_matrix, targets: npt.NDArray[np.int8], recipe: Recipe) -> Columns:
    weights, biases = np.zeros((recipe.n_buckets, N_COLUMNS + 1)), np.zeros(N_COLUMNS + 1)
    for column in range(N_COLUMNS + 1):
        labelled = np.flatnonzero(targets[:, column] != data.UNLABELLED)
        model = LogisticRegression(C=recipe.inverse_penalty, solver="liblinear", tol=1e-3, random_state=recipe.seed)
        model.fit(matrix[labelled], targets[labelled, column])
        weights[:, column], biases[column] = model.coef_[0], model.intercept_[0]
    return Columns(weights, biases)


def _calibrate(
    margins: npt.NDArray[np.float64], labels: npt.NDArray[np.int8], languages: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    slopes, intercepts = np.zeros((len(LANGUAGES), N_COLUMNS)), np.zeros((len(LANGUAGES), N_COLUMNS))
    for group, language in enumerate(LANGUAGES):
        for column in range(N_COLUMNS):
            use = (languages == language) & (labels[:, column] != data.UNLABELLED)
            slopes[group, column], intercepts[group, column] = calibration.fit_platt(
                margins[use, column], labels[use, column], np.ones(int(use.sum()))
            )
    return slopes, intercepts


def _about(folder: Path, recipe: Recipe, examples: list[data.Example]) -> dict[str, object]:
    files = {name: hashlib.sha256((folder / f"{name}.jsonl").read_bytes()).hexdigest() for name in data.TRAIN_FILES}
    return {
        "n_texts": len(examples),
        "seed": recipe.seed,
        "n_buckets": recipe.n_buckets,
        "inverse_penalty": recipe.inverse_penalty,
        "files_sha256": files,
    }
