"""Confidence bounds of a share."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def share_bounds(share: Doubles, n: npt.NDArray[np.int64], confidence: float) -> tuple[Doubles, Doubles]:
    """Lower and upper Wilson score bounds of a mean of probabilities (Wilson 1927, "Probable inference").

    A mean of n values in [0, 1] varies no more than a proportion of n trials, so the binomial interval is on the safe
    side of it.

    Args:
        share: (m,) means in [0, 1]; NaN where n is 0.
        n: (m,) scored authors.
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
