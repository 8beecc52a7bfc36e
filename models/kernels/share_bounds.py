"""Bounds of harmful shares, one hashtag after another: no temporary arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled

Floats = npt.NDArray[np.float64]

LEAST_GAP = 1e-9
"""Least difference between the mean probabilities of harmful and of clean texts."""


@compiled
def bound_shares(
    mean: Floats,
    n: Floats,
    mix: Floats,
    squares: Floats,
    moments: Floats,
    errors: Floats,
    between: Floats,
    z2: float,
) -> Floats:
    """Return (3, n_tags) estimates, lower and upper bounds; see `models.share.bounds`.

    Args:
        mean: (n_tags,)
        n: (n_tags,)
        mix: (n_tags, n_languages)
        squares: those of `mix`.
        moments: (n_languages, 4)
        errors: (n_languages, 3)
        between: (n_languages, 3)
        z2: square of the normal quantile of the confidence.
    """
    found = np.empty((3, len(mean)))
    has_between = between.any()
    for row in range(len(mean)):
        some = max(n[row], 1.0)
        clean, harmful = _mixed(mix, row, moments, 0), _mixed(mix, row, moments, 1)
        clean_var, harmful_var = _mixed(mix, row, moments, 2), _mixed(mix, row, moments, 3)
        e0, e01, e1 = _mixed_errors(squares, row, errors)
        gap = np.maximum(harmful - clean, LEAST_GAP)
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
                b0, b01, b1 = _mixed_errors(squares, row, between)
                low = _least(above, gap, v0 + b0, v1 + 2 * (b01 - b0), v2 + b0 - 2 * b01 + b1, z2)
            lower = _clipped(np.minimum(low, sampled_low))
            upper = _clipped(np.maximum(high, sampled_high))
        found[:, row] = np.minimum(np.maximum(estimate, lower), upper), lower, upper
    return found


@compiled
def _mixed(mix: Floats, row: int, numbers: Floats, column: int) -> float:
    mixed: float = mix[row, 0] * numbers[0, column]
    for group in range(1, len(numbers)):
        mixed += mix[row, group] * numbers[group, column]
    return mixed


@compiled
def _mixed_errors(squares: Floats, row: int, errors: Floats) -> tuple[float, float, float]:
    return _mixed(squares, row, errors, 0), _mixed(squares, row, errors, 1), _mixed(squares, row, errors, 2)


@compiled
def _clipped(share: float) -> float:
    clipped: float = np.minimum(np.maximum(share, 0.0), 1.0)
    return clipped


@compiled
def _roots(above: float, gap: float, v0: float, v1: float, v2: float, z2: float) -> tuple[float, float]:
    """Solve |above - share gap|^2 <= z2 (v0 + v1 share + v2 share^2) for the share; infinite without bounds.

    Both sides are quadratic: a share^2 - 2 b share + c <= 0.
    """
    a, b, c = gap * gap - z2 * v2, above * gap + z2 * v1 / 2, above * above - z2 * v0
    if not a > 0:
        return -np.inf, np.inf
    centre, half = b / a, np.sqrt(np.maximum(b * b - a * c, 0.0)) / a
    return centre - half, centre + half


@compiled
def _least(above: float, gap: float, v0: float, v1: float, v2: float, z2: float) -> float:
    """Return the least share >= 0 that solves the inequality of `_roots`.

    It exists even if the variance of the harmful mean is so large that no upper bound does: a share of 0 needs no
    harmful mean.
    """
    a, b, c = gap * gap - z2 * v2, above * gap + z2 * v1 / 2, above * above - z2 * v0
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    found: float = 0.0
    if above > 0 and c > 0 and b + root > 0:
        found = c / np.maximum(b + root, LEAST_GAP)
    return found
