"""Bounds of harmful shares as array operations, the obvious way; see `models.share.bounds`."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from models.share import Floats

_LEAST_GAP = 1e-9


def bounds(
    mean: Floats, n: Floats, mix: Floats, moments: Floats, errors: Floats, confidence: float, between: Floats | None
) -> tuple[Floats, Floats, Floats]:
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    clean, harmful, clean_var, harmful_var = _mixed(mix, moments).T
    error_0, error_01, error_1 = _mixed(mix**2, errors).T
    some = np.maximum(n, 1).astype(np.float64)
    gap = np.maximum(harmful - clean, _LEAST_GAP)
    above = np.where(n > 0, mean, 0.5) - clean
    v0 = clean_var / some + error_0
    v1 = (harmful_var - clean_var + gap**2) / some + 2 * (error_01 - error_0)
    v2 = -(gap**2) / some + error_0 - 2 * error_01 + error_1
    estimate = np.where(n > 0, np.clip(above / gap, 0.0, 1.0), 0.5)
    adjusted = _roots(above, gap, v0, v1, v2, z2)
    sampled = _roots(estimate, np.ones_like(gap), np.zeros_like(gap), 1 / some, -1 / some, z2)
    is_bounded = (n > 0) & np.isfinite(adjusted[0])
    lowest = adjusted[0]
    if between is not None and between.any():
        b0, b01, b1 = _mixed(mix**2, between).T
        lowest = _least(above, gap, v0 + b0, v1 + 2 * (b01 - b0), v2 + b0 - 2 * b01 + b1, z2)
    lower = np.where(is_bounded, np.clip(np.minimum(lowest, sampled[0]), 0.0, 1.0), 0.0)
    upper = np.where(is_bounded, np.clip(np.maximum(adjusted[1], sampled[1]), 0.0, 1.0), 1.0)
    return np.clip(estimate, lower, upper), lower, upper


def _roots(above: Floats, gap: Floats, v0: Floats, v1: Floats, v2: Floats, z2: float) -> tuple[Floats, Floats]:
    """Solve |above - share gap|^2 <= z2 (v0 + v1 share + v2 share^2) for the share; infinite without bounds.

    Both sides are quadratic: a share^2 - 2 b share + c <= 0.
    """
    a, b, c = gap**2 - z2 * v2, above * gap + z2 * v1 / 2, above**2 - z2 * v0
    safe = np.where(a > 0, a, 1.0)
    centre, half = b / safe, np.sqrt(np.maximum(b**2 - safe * c, 0.0)) / safe
    return np.where(a > 0, centre - half, -np.inf), np.where(a > 0, centre + half, np.inf)


def _least(above: Floats, gap: Floats, v0: Floats, v1: Floats, v2: Floats, z2: float) -> Floats:
    """Return the least share >= 0 that solves the inequality of `_roots`.

    It exists even if the variance of the harmful mean is so large that no upper bound does: a share of 0 needs no
    harmful mean.
    """
    a, b, c = gap**2 - z2 * v2, above * gap + z2 * v1 / 2, above**2 - z2 * v0
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    found: Floats = np.where((above > 0) & (c > 0) & (b + root > 0), c / np.maximum(b + root, _LEAST_GAP), 0.0)
    return found


def _mixed(mix: Floats, numbers: Floats) -> Floats:
    mixed: Floats = mix[:, 0, None] * numbers[0]
    for group in range(1, len(numbers)):
        mixed += mix[:, group, None] * numbers[group]
    return mixed
