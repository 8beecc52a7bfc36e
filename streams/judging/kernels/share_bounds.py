"""Estimates and bounds of harmful shares, one row after another: `models.share` without its temporary arrays.

`models.share` explains the formulas and is the definition. These passes do the same operations in the same order, so
their results have the same bits: that is tested.
"""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from streams.signals.base import Doubles, Ints

_LEAST_GAP = 1e-9


@compiled
def bound_shares(
    mean: Doubles, n: Ints, mix: Doubles, moments: Doubles, errors: Doubles, between: Doubles, z2: float
) -> Doubles:
    """Return (3, m) estimates, lower and upper bounds; see `models.share.bounds` for the arguments.

    Args:
        mean: (m,)
        n: (m,)
        mix: (m, g)
        moments: (g, 4)
        errors: (g, 3)
        between: (g, 3)
        z2: square of the normal quantile of the confidence.
    """
    found = np.empty((3, len(mean)))
    has_between = between.any()
    for row in range(len(mean)):
        some = float(max(n[row], 1))
        clean, harmful = _mixed(mix, row, moments, 0), _mixed(mix, row, moments, 1)
        clean_var, harmful_var = _mixed(mix, row, moments, 2), _mixed(mix, row, moments, 3)
        e0, e01, e1 = _mixed_squares(mix, row, errors)
        gap = np.maximum(harmful - clean, _LEAST_GAP)
        above = (mean[row] if n[row] > 0 else 0.5) - clean
        v0 = clean_var / some + e0
        v1 = (harmful_var - clean_var + gap * gap) / some + 2 * (e01 - e0)
        v2 = -(gap * gap) / some + e0 - 2 * e01 + e1
        estimate = _clipped(above / gap) if n[row] > 0 else 0.5
        low, high = _roots(above, gap, v0, v1, v2, z2)
        sampled_low, sampled_high = _roots(estimate, 1.0, 0.0, 1 / some, -1 / some, z2)
        lower, upper = 0.0, 1.0
        if n[row] > 0 and np.isfinite(low):
            if has_between:
                b0, b01, b1 = _mixed_squares(mix, row, between)
                low = _least(above, gap, v0 + b0, v1 + 2 * (b01 - b0), v2 + b0 - 2 * b01 + b1, z2)
            lower = _clipped(np.minimum(low, sampled_low))
            upper = _clipped(np.maximum(high, sampled_high))
        found[0, row] = np.minimum(np.maximum(estimate, lower), upper)
        found[1, row], found[2, row] = lower, upper
    return found


@compiled
def estimate_shares(means: Doubles, mix: Doubles, moments: Doubles) -> Doubles:
    """Estimate shares (m, c); see `models.share.Scale.estimates`. NaN stays NaN.

    Args:
        means: (m, c)
        mix: (m, g)
        moments: (g, c, 4)
    """
    found = np.empty(means.shape)
    for row in range(len(means)):
        for column in range(means.shape[1]):
            clean = _mixed(mix, row, moments[:, column], 0)
            harmful = _mixed(mix, row, moments[:, column], 1)
            found[row, column] = _clipped((means[row, column] - clean) / np.maximum(harmful - clean, _LEAST_GAP))
    return found


@compiled
def _mixed(mix: Doubles, row: int, numbers: Doubles, column: int) -> float:
    found: float = mix[row, 0] * numbers[0, column]
    for group in range(1, len(numbers)):
        found += mix[row, group] * numbers[group, column]
    return found


@compiled
def _mixed_squares(mix: Doubles, row: int, numbers: Doubles) -> tuple[float, float, float]:
    """Mix three numbers by the squares of the parts."""
    square = mix[row, 0] * mix[row, 0]
    a, b, c = square * numbers[0, 0], square * numbers[0, 1], square * numbers[0, 2]
    for group in range(1, len(numbers)):
        square = mix[row, group] * mix[row, group]
        a, b, c = a + square * numbers[group, 0], b + square * numbers[group, 1], c + square * numbers[group, 2]
    return a, b, c


@compiled
def _clipped(share: float) -> float:
    found: float = np.minimum(np.maximum(share, 0.0), 1.0)
    return found


@compiled
def _roots(above: float, gap: float, v0: float, v1: float, v2: float, z2: float) -> tuple[float, float]:
    a, b, c = gap * gap - z2 * v2, above * gap + z2 * v1 / 2, above * above - z2 * v0
    if not a > 0:
        return -np.inf, np.inf
    centre, half = b / a, np.sqrt(np.maximum(b * b - a * c, 0.0)) / a
    return centre - half, centre + half


@compiled
def _least(above: float, gap: float, v0: float, v1: float, v2: float, z2: float) -> float:
    a, b, c = gap * gap - z2 * v2, above * gap + z2 * v1 / 2, above * above - z2 * v0
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    found: float = 0.0
    if above > 0 and c > 0 and b + root > 0:
        found = c / np.maximum(b + root, _LEAST_GAP)
    return found
