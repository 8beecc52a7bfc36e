"""Estimate the harmful share of a hashtag's authors, with bounds, from their mean probability.

Probabilities are calibrated on labelled texts of which about 45% are harmful. In a hashtag of which 0 or 90% are, the
mean probability is not the share. But the mean over a mixture is a mixture of means. With a0 and a1 the mean
probability of clean and of harmful texts:

    mean = a0 + share * (a1 - a0) + error

("probabilistic adjusted classify and count": Bella and others, 2010). The error has three parts:

- the sample of authors: share (1 - share) (a1 - a0)^2 / n;
- the scores of their texts: the variances within clean and within harmful texts, over n;
- the model: a0 and a1 are estimates. Their covariance comes from a grouped bootstrap of texts that their model had not
  seen (`of_held_out`).

Annotators differ more than texts of one collection do. `between` is the covariance of a0 and a1 between sources of
labels. It widens the lower bound alone, so that a tag is hidden only where most annotators would agree. It is zero
where a platform's own labels have fitted a0 and a1 (`models.platform_scale`).

The bounds are the shares at which the observed mean is z standard errors away from the expected mean, as Wilson's for
a proportion and Fieller's for a ratio. Both sides are quadratic in the share, so the bounds are the roots of a
quadratic.

a0 and a1 differ between groups of languages; a `Scale` has those of all groups. A scorer without a scale gets 0 and 1:
its mean is the share, and the bounds are Wilson's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from models.kernels.share_bounds import LEAST_GAP, bound_shares

Floats = npt.NDArray[np.float64]

N_DRAWS = 200
N_MOMENTS, N_ERRORS, N_BETWEEN = 4, 3, 3


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Conversion from a scorer's mean probabilities to harmful shares, by group of languages and column.

    moments (n_groups, n_columns, 4), errors (n_groups, n_columns, 3): as `of_held_out` returns them;
    between (n_groups, n_columns, 3): variance between sources of the clean mean, covariance, variance of the harmful
    mean; zeros (the default) if the scale was fitted to the platform's labels, or nothing was estimated.
    """

    moments: Floats
    errors: Floats
    between: Floats = field(default_factory=lambda: np.zeros(N_BETWEEN))

    def __post_init__(self) -> None:
        """Repeat one `between` for all groups and columns."""
        object.__setattr__(self, "between", np.broadcast_to(self.between, (*self.moments.shape[:2], N_BETWEEN)))

    @property
    def n_groups(self) -> int:
        """Number of groups of languages."""
        return len(self.moments)

    @property
    def is_calibrated(self) -> npt.NDArray[np.bool_]:
        """Whether no variance between sources is added, (n_groups, n_columns): else measured on mixed sources."""
        calibrated: npt.NDArray[np.bool_] = (self.between == 0).all(axis=2)
        return calibrated

    def estimates(self, means: Floats, mix: Floats) -> Floats:
        """Estimate harmful shares (n_tags, n_columns) from mean probabilities of that shape; NaN stays NaN.

        Args:
            means: (n_tags, n_columns) mean probabilities.
            mix: (n_tags, n_groups) part of the texts in each group; rows sum to 1.
        """
        clean, harmful = (_mixed(mix, self.moments[:, :, label]) for label in (0, 1))
        estimates: Floats = np.clip((means - clean) / np.maximum(harmful - clean, LEAST_GAP), 0.0, 1.0)
        return estimates

    def bounds(
        self, mean: Floats, n: npt.NDArray[np.int64], mix: Floats, column: int, confidence: float
    ) -> tuple[Floats, Floats, Floats]:
        """Compute estimate, lower and upper bound of one column; see `models.share.bounds`."""
        moments, errors, between = (part[:, column] for part in (self.moments, self.errors, self.between))
        return bounds(mean, n, mix, moments, errors, confidence, between)

    def line(self, mix: Floats, column: int) -> tuple[Floats, Floats]:
        """Compute (n_tags,) a column's expected mean at a share of 0, and its rise to that at a share of 1."""
        clean, harmful = _mixed(mix, self.moments[:, column, :2]).T
        return clean, np.maximum(harmful - clean, LEAST_GAP)

    def to_bytes(self) -> bytes:
        """Serialise the scale for `from_bytes`."""
        return np.concatenate((self.moments, self.errors, self.between), axis=2).astype("<f8").tobytes()


@lru_cache(maxsize=64)
def plain(n_columns: int) -> Scale:
    """Return the scale of a scorer that has none: one group, and the mean probability is the share."""
    moments = np.zeros((1, n_columns, N_MOMENTS))
    moments[:, :, 1] = 1.0
    return Scale(moments, np.zeros((1, n_columns, N_ERRORS)))


@lru_cache(maxsize=64)
def from_bytes(packed: bytes, n_columns: int) -> Scale:
    """Deserialise a scale of `n_columns` columns. Raises ValueError."""
    numbers = np.frombuffer(packed, "<f8").reshape(-1, n_columns, N_MOMENTS + N_ERRORS + N_BETWEEN)
    return Scale(*np.split(numbers, [N_MOMENTS, N_MOMENTS + N_ERRORS], axis=2))


def of_held_out(
    probabilities: Floats, labels: npt.NDArray[np.int8], groups: npt.NDArray[np.intp], seed: int
) -> tuple[Floats, Floats]:
    """Estimate the parameters of `bounds` for one column and language, from cross-validated probabilities.

    A draw of the bootstrap takes one group and resamples it: a hashtag's texts differ from all texts as a group does.

    Args:
        probabilities: (n_texts,) calibrated.
        labels: (n_texts,) 1 harmful, 0 clean; both occur in every group.
        groups: (n_texts,) fold of each text; near-duplicates share a fold.
        seed: of the bootstrap.

    Returns:
        moments (4,): mean of clean, mean of harmful, variance of clean, variance of harmful;
        errors (3,): variance of the first, covariance, variance of the second.
    """
    sides = [probabilities[labels == label] for label in (0, 1)]
    moments = np.array([side.mean() for side in sides] + [side.var() for side in sides])
    rng = np.random.default_rng(seed)
    by_group = {
        group: [probabilities[(groups == group) & (labels == label)] for label in (0, 1)] for group in np.unique(groups)
    }
    drawn = rng.choice(np.array(sorted(by_group)), N_DRAWS)
    means = np.array([[rng.choice(side, len(side)).mean() for side in by_group[group]] for group in drawn.tolist()])
    covariance = np.cov(means.T)
    return moments, np.array([covariance[0, 0], covariance[0, 1], covariance[1, 1]])


def bounds(
    mean: Floats,
    n: npt.NDArray[np.int64],
    mix: Floats,
    moments: Floats,
    errors: Floats,
    confidence: float,
    between: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Estimate harmful shares of hashtags.

    Args:
        mean: (n_tags,) mean probability over the scored authors; ignored if n is 0.
        n: (n_tags,) number of scored authors.
        mix: (n_tags, n_languages) part of them in each language group; rows sum to 1.
        moments: (n_languages, 4) of one column, as `of_held_out` returns them.
        errors: (n_languages, 3) of one column, as `of_held_out` returns them.
        confidence: of the two-sided interval, in (0.5, 1).
        between: (n_languages, 3) of one column, as `Scale.between` has it; widens the lower bound alone.

    Returns:
        Estimate, lower and upper bound, each (n_tags,) in [0, 1]. The bounds are 0 and 1 if n is 0, or if the model
        does not separate clean from harmful texts beyond its own error. They are never narrower than Wilson's of the
        estimate, the bounds for texts that a person has read.
    """
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    parts = (mean, n, mix, mix * mix, moments, errors, np.zeros_like(errors) if between is None else between)
    # One signature: strided and read-only arrays would have others.
    estimate, lower, upper = bound_shares(*(np.array(part, np.float64, order="C") for part in parts), z2)
    return estimate, lower, upper


def _mixed(mix: Floats, numbers: Floats) -> Floats:
    """Compute `mix @ numbers` with a rounding of each row that, unlike BLAS's, does not depend on other rows."""
    mixed: Floats = mix[:, 0, None] * numbers[0]
    for group in range(1, len(numbers)):
        mixed += mix[:, group, None] * numbers[group]
    return mixed
