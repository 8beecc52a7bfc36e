"""Platt scaling of margins: logistic(slope * margin + intercept) per language group (Platt, 1999).

The fit uses cross-validated margins, so no model has seen the text that it scores. Two numbers per group and column
are few enough for the smallest group (1,300 texts in Roman Hindi).

The share of harmful texts in a data set reflects its collection: 58% in Devanagari, 32% in Roman Hindi. Policy applies
one threshold to all languages. All groups are therefore calibrated to one reference prevalence per column, by weights
on the labels (label shift: Saerens, 2002).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Labels = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


def to_prevalence(labels: Labels, prevalence: float) -> Floats:
    """Compute text weights (mean 1) that make the share of positives `prevalence`. Both labels must occur."""
    rate = float(labels.mean())
    return np.where(labels == 1, prevalence / rate, (1 - prevalence) / (1 - rate))


def fit_platt(margins: Floats, labels: Labels, weights: Floats) -> tuple[float, float]:
    """Fit slope and intercept.

    The slope is 0 (one probability for all texts) if the margins do not rise with the labels; otherwise positive.
    """
    model = LogisticRegression(C=1e6, max_iter=1_000)
    model.fit(margins.reshape(-1, 1), labels, sample_weight=weights)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope > 0:
        return slope, intercept
    rate = float(np.average(labels, weights=weights))
    return 0.0, float(np.log(rate / (1 - rate)))


def expected_calibration_error(
    probabilities: Floats, labels: Labels, weights: Floats | None = None, n_bins: int = 10
) -> float:
    """Compute the expected calibration error, in [0, 1].

    It is the weighted mean of |mean probability - share of positives| over bins of equal numbers of texts.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    order = np.argsort(probabilities, kind="stable")
    gaps = [
        abs(float(np.sum(weights[part] * (probabilities[part] - labels[part]))))
        for part in np.array_split(order, n_bins)
    ]
    return sum(gaps) / float(weights.sum())
