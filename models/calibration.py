"""Margins to probabilities: logistic(slope * margin + intercept), fitted per language group (Platt, 1999).

Fitted on margins that cross-validation gave to texts that their model had not seen. Two numbers per group and column
are few enough for the smallest group (1,300 texts in Roman Hindi).

How many of a group's labelled texts are harmful says how they were collected (58% in Devanagari, 32% in Roman Hindi),
not how harmful that language is, and a hashtag's share is compared with one threshold whatever its language. So all
groups are calibrated to one reference prevalence per column, by weighing the labels (label shift: Saerens, 2002).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Labels = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


def to_prevalence(labels: Labels, prevalence: float) -> Floats:
    """Weights of texts, mean 1, under which the share of positives is `prevalence`. Both labels must occur."""
    rate = float(labels.mean())
    return np.where(labels == 1, prevalence / rate, (1 - prevalence) / (1 - rate))


def fit_platt(margins: Floats, labels: Labels, weights: Floats) -> tuple[float, float]:
    """(slope, intercept). The slope is positive, or 0 (the same probability for all) where margins are of no use."""
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
    """Weighted mean of |mean probability - share of positives| over bins of equal numbers of texts, in [0, 1]."""
    weights = np.ones(len(labels)) if weights is None else weights
    order = np.argsort(probabilities, kind="stable")
    gaps = [
        abs(float(np.sum(weights[part] * (probabilities[part] - labels[part]))))
        for part in np.array_split(order, n_bins)
    ]
    return sum(gaps) / float(weights.sum())
