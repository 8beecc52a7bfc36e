"""From the mean probability of a hashtag's authors to the share of them that is harmful, with bounds that hold.

A calibrated probability says how a text compares with labelled ones of which some 45% are harmful; in a hashtag of
which 0 or 90% are, its mean is not the share. But a mean over a mixture is a mixture of means: with a0 and a1 the mean
probability of clean and of harmful texts,

    mean = a0 + share * (a1 - a0) + error

("probabilistic adjusted classify and count": Bella and others, 2010). The error has three parts: which authors were
sampled and how their texts happened to score, share (1 - share) (a1 - a0)^2 / n and the variances within clean and
harmful texts over n; and the model's own, since a0 and a1 are estimates. Its covariance comes from a grouped bootstrap
of texts that their model had not seen (`of_held_out`). The bounds are those shares under which the mean seen lies
within z standard errors of the mean expected, as Wilson's are for a proportion and Fieller's for a ratio: both sides
are quadratic in the share, so they are the roots of one.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

N_DRAWS = 200


def of_held_out(
    probabilities: Floats, labels: npt.NDArray[np.int8], groups: npt.NDArray[np.intp], seed: int
) -> tuple[Floats, Floats]:
    """What `bounds` has to know of one column and language, from texts that their model had not seen.

    A draw of the bootstrap takes one group and resamples it: a hashtag's texts differ from all texts as a group does.

    Args:
        probabilities: (n_texts,) calibrated.
        labels: (n_texts,) 1 harmful, 0 clean; each in every group.
        groups: (n_texts,) which model scored a text, and which near-copies are together: the fold.
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
    mean: Floats, n: npt.NDArray[np.int64], mix: Floats, moments: Floats, errors: Floats, confidence: float
) -> tuple[Floats, Floats, Floats]:
    """The harmful share of hashtags: estimate, lower and upper bound, each (n_tags,) in [0, 1].

    Args:
        mean: (n_tags,) mean probability over the scored authors; anything where n is 0.
        n: (n_tags,) scored authors.
        mix: (n_tags, n_languages) the part of them in each language group; rows sum to 1.
        moments, errors: (n_languages, 4) and (n_languages, 3) of one column, as `of_held_out` gives them.
        confidence: of the two-sided interval, in (0.5, 1).
    Returns:
        [0, 1] where n is 0, or where the model cannot tell clean from harmful beyond its own error.
    """
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    clean, harmful, clean_var, harmful_var = (mix @ moments).T
    error_0, error_01, error_1 = (mix**2 @ errors).T
    some = np.maximum(n, 1).astype(np.float64)
    gap = np.maximum(harmful - clean, 1e-9)
    above = np.where(n > 0, mean, 0.5) - clean
    # above - share * gap within z of 0: a share^2 - 2 b share + c <= 0, the variance being v0 + v1 share + v2 share^2.
    v0 = clean_var / some + error_0
    v1 = (harmful_var - clean_var + gap**2) / some + 2 * (error_01 - error_0)
    v2 = -(gap**2) / some + error_0 - 2 * error_01 + error_1
    a, b, c = gap**2 - z2 * v2, above * gap + z2 * v1 / 2, above**2 - z2 * v0
    tells = (n > 0) & (a > 0)
    safe = np.where(tells, a, 1.0)
    centre, half = b / safe, np.sqrt(np.maximum(b**2 - safe * c, 0.0)) / safe
    lower = np.where(tells, np.clip(centre - half, 0.0, 1.0), 0.0)
    upper = np.where(tells, np.clip(centre + half, 0.0, 1.0), 1.0)
    estimate = np.where(n > 0, np.clip(above / gap, lower, upper), 0.5)
    return estimate, lower, upper
