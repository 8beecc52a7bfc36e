"""Compute measures of a ranking for many bootstrap draws at once.

A bootstrap draw is a vector of how often each text was drawn. Every measure is computed from weighted counts of harmful
and clean texts at each distinct score, for all draws together. The same draws on two scorers' scores give the
distribution of their difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

CONFIDENCE = 0.9
N_DRAWS = 400


@dataclass(frozen=True, slots=True)
class Interval:
    """Value on all texts, with the 5th and 95th percentile over bootstrap draws (the value itself without draws)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, drawn: Floats) -> Interval:
        """Compute the interval of `drawn` (1 + n_draws,), whose first value is of all texts."""
        if len(drawn) == 1:
            return cls(*(float(drawn[0]),) * 3)
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(drawn[1:], (tail, 1 - tail))
        return cls(float(drawn[0]), float(low), float(high))


def draws(labels: Labels, seed: int | Sequence[int], n_draws: int = N_DRAWS) -> Floats:
    """Draw bootstrap weights (1 + n_draws, n_texts) within each label; the first row has each text once."""
    rng = np.random.default_rng(seed)
    weights = np.ones((1 + n_draws, len(labels)))
    for label in (0, 1):
        which = np.flatnonzero(labels == label)
        if len(which):
            weights[1:, which] = rng.multinomial(len(which), np.full(len(which), 1 / len(which)), n_draws)
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Weights of clean and harmful texts (n_draws, n_scores) at each distinct score (n_scores,), the highest first."""

    scores: Floats
    clean: Floats
    harmful: Floats


def curve(scores: Floats, labels: Labels, weights: Floats) -> Curve:
    """Build the curve of `scores` and `labels` (n_texts,) under `weights` (n_draws, n_texts)."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    taken = weights[:, order]
    harmful = taken * (labels[order] == 1)
    return Curve(
        ordered[starts],
        np.add.reduceat(taken - harmful, starts, axis=1),
        np.add.reduceat(harmful, starts, axis=1),
    )


def auc(of: Curve) -> Floats:
    """Compute the area under the ROC curve, (n_draws,); ties count a half."""
    above = np.cumsum(of.harmful, axis=1) - of.harmful / 2
    areas: Floats = (of.clean * above).sum(axis=1) / of.clean.sum(axis=1) / of.harmful.sum(axis=1)
    return areas


def average_precision(of: Curve) -> Floats:
    """Compute the average precision, (n_draws,): precision summed over steps of recall."""
    hits = np.cumsum(of.harmful, axis=1)
    precision = hits / np.maximum(hits + np.cumsum(of.clean, axis=1), 1e-12)
    averages: Floats = (of.harmful * precision).sum(axis=1) / of.harmful.sum(axis=1)
    return averages


def macro_f1(of: Curve, threshold: float = 0.5) -> Floats:
    """Compute the mean of both classes' F1, (n_draws,), with texts harmful from `threshold` on."""
    called = of.scores >= threshold
    right, missed = of.harmful[:, called].sum(axis=1), of.harmful[:, ~called].sum(axis=1)
    wrong, spared = of.clean[:, called].sum(axis=1), of.clean[:, ~called].sum(axis=1)
    means: Floats = right / (2 * right + missed + wrong) + spared / (2 * spared + missed + wrong)
    return means


def recall_at(of: Curve, false_positive_rate: float) -> Floats:
    """Compute the recall of harmful texts, (n_draws,), at the given false positive rate or less."""
    wrong = np.cumsum(of.clean, axis=1) / of.clean.sum(axis=1, keepdims=True)
    right = np.cumsum(of.harmful, axis=1) / of.harmful.sum(axis=1, keepdims=True)
    recalls: Floats = np.where(wrong <= false_positive_rate, right, 0.0).max(axis=1)
    return recalls


def flagged_at_half(of: Curve) -> Floats:
    """Compute the false positive rate, (n_draws,), at the highest threshold with a recall of one half."""
    right = np.cumsum(of.harmful, axis=1) / of.harmful.sum(axis=1, keepdims=True)
    wrong = np.cumsum(of.clean, axis=1) / of.clean.sum(axis=1, keepdims=True)
    at = np.argmax(right >= 0.5 - 1e-12, axis=1)
    return np.take_along_axis(wrong, at[:, None], axis=1)[:, 0]
