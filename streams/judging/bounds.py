"""Confidence bounds of a share."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from scipy.special import betaincinv

from streams.signals.base import Doubles, Ints


def share_bounds(share: Doubles, n: Ints, confidence: float) -> tuple[Doubles, Doubles]:
    """Compute lower and upper Wilson score bounds of a proportion (Wilson 1927, "Probable inference").

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


def exact_lower(hits: Ints, n: Ints, confidence: float) -> Doubles:
    """Compute the lower bound of a proportion with `hits` in n trials (Clopper and Pearson 1934).

    Unlike Wilson's it is exact for a small n. For trials drawn from few without replacement it is conservative.

    Args:
        hits: (m,) in [0, n].
        n: (m,)
        confidence: one-sided, in (0.5, 1).

    Returns:
        (m,); 0 without a hit.

    >>> exact_lower(np.array([0, 5, 5]), np.array([5, 5, 10]), 0.995).round(3).tolist()
    [0.0, 0.347, 0.128]
    """
    some = hits > 0
    found: Doubles = np.where(some, betaincinv(np.where(some, hits, 1), n - hits + 1, 1 - confidence), 0.0)
    return found
