"""Margins to probabilities: logistic(slope * margin + intercept), fitted per language group (Platt, 1999).

Fitted on margins that cross-validation gave to texts that their model had not seen. Two numbers per group and column
are few enough for the smallest group (1,300 texts in Roman Hindi); isotonic steps were not better on dev.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression


def fit_platt(margins: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> tuple[float, float]:
    """(slope, intercept). The slope is positive, or 0 (the same probability for all) where margins are of no use."""
    model = LogisticRegression(C=1e6, max_iter=1_000)
    model.fit(margins.reshape(-1, 1), labels)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope > 0:
        return slope, intercept
    rate = float(np.mean(labels))
    return 0.0, float(np.log(rate / (1 - rate)))


def expected_calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], n_bins: int = 10
) -> float:
    """Mean over texts of |mean probability - share of positives| in their bin, bins of equal numbers of texts."""
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, n_bins) if len(part)]
    gaps = [len(part) * abs(float(probabilities[part].mean() - labels[part].mean())) for part in bins]
    return sum(gaps) / len(order)
