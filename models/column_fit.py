"""Fit the means of clean and harmful texts of one language and column to labels, and measure the coverage. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models import share

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

ENOUGH = 50
"""Clean and harmful texts, each, with which a column counts as calibrated."""
LEAST_CLUSTERS = 5
"""Clusters of clean and of harmful texts, each, with which it does: one hashtag does not tell how others differ."""
FEWEST = 5
"""Clean and harmful texts, each, below which a column stays as it was."""
SPREAD = 0.5
"""Standard deviation of a mean between sources, in gaps between clean and harmful texts. Measured on the project's
sources: 0.36 of the clean mean, 0.47 of the harmful one."""
CONFIDENCE = 0.9
"""Confidence of the intervals whose coverage is measured."""
_SHARES = np.arange(11) / 10
_N_HALVES, _N_TAGS = 20, 4
_LARGEST_TAG, _SMALLEST_TAG = 50, 10
_PRIOR_TEXTS = 10  # weight of the earlier variances, in texts


@dataclass(frozen=True, slots=True, eq=False)
class ColumnNumbers:
    """Part of a `share.Scale` that belongs to one language and column; shapes (4,), (3,) and (3,)."""

    moments: Floats
    errors: Floats
    between: Floats

    def bounds(self, means: Floats, n: int) -> tuple[Floats, Floats, Floats]:
        """Compute estimates and bounds (n_tags,) from mean probabilities (n_tags,) of n authors each."""
        mix, sizes = np.ones((len(means), 1)), np.full(len(means), n)
        return share.bounds(means, sizes, mix, self.moments[None], self.errors[None], CONFIDENCE, self.between[None])


@dataclass(frozen=True, slots=True, eq=False)
class ColumnTexts:
    """Labelled texts of one language and column: probabilities, labels (1 harmful) and clusters, each (n,)."""

    probabilities: Floats
    labels: Ints
    clusters: Ints

    @property
    def counts(self) -> tuple[int, int]:
        """Number of clean and of harmful texts."""
        harmful = int(self.labels.sum())
        return len(self.labels) - harmful, harmful

    @property
    def n_clusters(self) -> int:
        """Number of clusters with clean texts or with harmful ones, the smaller number."""
        return min(len(np.unique(self.clusters[self.labels == label])) for label in (0, 1))

    @property
    def readiness(self) -> float:
        """Part of the labels and clusters that calibrate a column; 1 where they are enough."""
        return min(1.0, min(self.counts) / ENOUGH, self.n_clusters / LEAST_CLUSTERS)

    def rows(self, chosen: npt.NDArray[np.bool_]) -> ColumnTexts:
        """Return the chosen texts."""
        return ColumnTexts(self.probabilities[chosen], self.labels[chosen], self.clusters[chosen])


def fit_column(texts: ColumnTexts, prior: ColumnNumbers) -> ColumnNumbers:
    """Combine labels and the trained numbers by precision; at least one text of each label.

    The trained means count as one draw of sources, with a standard deviation of `SPREAD` gaps each. What remains
    uncertain goes into the errors. `between` shrinks as labels grow, and is zero with `ENOUGH` of them from
    `LEAST_CLUSTERS` clusters.
    """
    means, variances, sampling = _measure(texts, prior.moments[2:])
    gap = prior.moments[1] - prior.moments[0]
    of_prior = _matrix(prior.errors) + (SPREAD * gap) ** 2 * np.eye(2)
    weight = of_prior @ np.linalg.pinv(of_prior + sampling)
    fitted = prior.moments[:2] + weight @ (means - prior.moments[:2])
    covariance = of_prior - weight @ of_prior
    between = (1 - texts.readiness) * prior.between
    return ColumnNumbers(np.concatenate((fitted, variances)), _packed(covariance), between)


def coverage(
    texts: ColumnTexts, before: ColumnNumbers, prior: ColumnNumbers, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Measure which part of the intervals holds the true share, before and after a fit; None with too few labels.

    The fit sees one half of the clusters. Hashtags with known shares are made of the other half, no text twice in one
    hashtag. The halves are drawn `_N_HALVES` times.
    """
    held: list[float] = []
    for _ in range(_N_HALVES):
        is_first = (rng.random(int(texts.clusters.max(initial=0)) + 1) < 0.5)[texts.clusters]
        seen, unseen = texts.rows(is_first), texts.rows(~is_first)
        n = min(_LARGEST_TAG, *unseen.counts)
        if n < _SMALLEST_TAG or min(seen.counts) < 1:
            continue
        truth, means = _tags(unseen, n, rng)
        for numbers in (before, fit_column(seen, prior)):
            _, lower, upper = numbers.bounds(means, n)
            held.append(float(((lower <= truth + 1e-9) & (truth <= upper + 1e-9)).mean()))
    if len(held) < _N_HALVES:  # half of the halves had too few labels
        return None
    return float(np.mean(held[::2])), float(np.mean(held[1::2]))


def _tags(texts: ColumnTexts, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw hashtags of n texts; return their true shares and mean probabilities, each (n_tags,)."""
    clean, harmful = (texts.probabilities[texts.labels == label] for label in (0, 1))
    truth, means = [], []
    for harmful_share in np.repeat(_SHARES, _N_TAGS).tolist():
        n_harmful = round(n * harmful_share)
        drawn = rng.permutation(harmful)[:n_harmful].sum() + rng.permutation(clean)[: n - n_harmful].sum()
        truth.append(n_harmful / n)
        means.append(drawn / n)
    return np.array(truth), np.array(means)


def _measure(texts: ColumnTexts, earlier: Floats) -> tuple[Floats, Floats, Floats]:
    """Measure means (2,), variances (2,) and the covariance (2, 2) of the means.

    The covariance allows for clusters (Liang and Zeger, 1986), and is never less than that of independent texts.
    """
    means, variances, parts = np.zeros(2), np.zeros(2), np.zeros((len(texts.labels), 2))
    for label in (0, 1):
        own = texts.labels == label
        n = int(own.sum())
        means[label] = texts.probabilities[own].mean()
        spread = texts.probabilities[own].var()
        variances[label] = (n * spread + _PRIOR_TEXTS * earlier[label]) / (n + _PRIOR_TEXTS)
        parts[own, label] = (texts.probabilities[own] - means[label]) / n
    sums = np.zeros((int(texts.clusters.max()) + 1, 2))
    np.add.at(sums, texts.clusters, parts)
    n_clusters = len(np.unique(texts.clusters))
    clustered = sums.T @ sums * n_clusters / max(1, n_clusters - 1)
    alone = variances / np.array(texts.counts)
    widened = np.sqrt(np.maximum(np.diag(clustered), alone) / np.maximum(np.diag(clustered), 1e-12))
    covariance = clustered * np.outer(widened, widened)
    np.fill_diagonal(covariance, np.maximum(np.diag(clustered), alone))
    return means, variances, covariance


def _matrix(packed: Floats) -> Floats:
    """Unpack (variance, covariance, variance) to (2, 2)."""
    return packed[[0, 1, 1, 2]].reshape(2, 2)


def _packed(matrix: Floats) -> Floats:
    return np.array([matrix[0, 0], matrix[0, 1], matrix[1, 1]])
