"""Confidence bounds of a share."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

Doubles = npt.NDArray[np.float64]


def share_bounds(share: Doubles, n: npt.NDArray[np.int64], confidence: float) -> tuple[Doubles, Doubles]:
    """Lower and upper Wilson score bounds of a proportion (Wilson 1927, "Probable inference").

    Args:
        share: (m,) in [0, 1]; NaN where n is 0.
        n: (m,) trials.
        confidence: of the two-sided interval, in (0.5, 1).
    Returns:
        Two arrays (m,); [0, 1] where n is 0.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    some = np.maximum(n, 1).astype(np.float64)
    mean = np.where(n > 0, share, 0.5)
    scale = 1.0 + z * z / some
    centre = (mean + z * z / (2 * some)) / scale
    half = z / scale * np.sqrt(mean * (1 - mean) / some + z * z / (4 * some * some))
    lower = np.where(n > 0, np.maximum(centre - half, 0.0), 0.0)
    upper = np.where(n > 0, np.minimum(centre + half, 1.0), 1.0)
    return lower, upper


def exact_lower(hits: npt.NDArray[np.int64], n: npt.NDArray[np.int64], confidence: float) -> Doubles:
    """Lower bound of a proportion of which `hits` of n trials were seen (Clopper and Pearson 1934).

    Exact where n is small, as Wilson's is not; drawn from few without replacement it is on the safe side.

    Args:
        hits: (m,) in [0, n].
        n: (m,)
        confidence: one-sided, in (0.5, 1).
    Returns:
        (m,); 0 where nothing was hit.

    >>> exact_lower(np.array([0, 5, 5]), np.array([5, 5, 10]), 0.995).round(3).tolist()
    [0.0, 0.347, 0.128]
    """
    some = hits > 0
    found: Doubles = np.where(some, betaincinv(np.where(some, hits, 1), n - hits + 1, 1 - confidence), 0.0)
    return found
