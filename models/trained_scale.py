"""Fit probabilities and shares of a training: Platt scaling and moments by language group, on held-out margins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models import calibration, data, share
from models.scorer import LANGUAGES

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

FEWEST_LABELS = 10
"""Minimum clean and harmful texts of a language to calibrate a column on them."""


def calibrate(
    margins: Floats, labels: Labels, languages: npt.NDArray[np.intp], prevalences: list[float]
) -> tuple[Floats, Floats]:
    """Fit slopes and intercepts (n_languages, n_columns) on cross-validated margins (n_texts, n_columns)."""
    slopes, intercepts = np.zeros((len(LANGUAGES), labels.shape[1])), np.zeros((len(LANGUAGES), labels.shape[1]))
    for group in range(len(LANGUAGES)):
        for column in range(labels.shape[1]):
            use = _calibrating(labels[:, column], languages == group)
            weights = calibration.to_prevalence(labels[use, column], prevalences[column])
            slopes[group, column], intercepts[group, column] = calibration.fit_platt(
                margins[use, column], labels[use, column], weights
            )
    return slopes, intercepts


def _calibrating(labels: Labels, is_own: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Select the texts (n_texts,) that calibrate a column of a language: its own, or all if it has too few.

    A language has too few if a source was left out: `uli_hi` is the only one in Hindi.
    """
    labelled: npt.NDArray[np.bool_] = labels != data.UNLABELLED
    own = labelled & is_own
    return own if min(int((labels[own] == label).sum()) for label in (0, 1)) >= FEWEST_LABELS else labelled


def share_errors(
    probabilities: Floats, labels: Labels, languages: npt.NDArray[np.intp], folds: npt.NDArray[np.intp], seed: int
) -> tuple[Floats, Floats]:
    """Estimate moments and errors of shares; see `models.share.of_held_out`.

    Shapes: (n_languages, n_columns, 4) and (n_languages, n_columns, 3).
    """
    moments, errors = np.zeros((len(LANGUAGES), labels.shape[1], 4)), np.zeros((len(LANGUAGES), labels.shape[1], 3))
    for group in range(len(LANGUAGES)):
        for column in range(labels.shape[1]):
            use = _calibrating(labels[:, column], languages == group)
            moments[group, column], errors[group, column] = share.of_held_out(
                probabilities[use, column], labels[use, column], folds[use], seed
            )
    return moments, errors
