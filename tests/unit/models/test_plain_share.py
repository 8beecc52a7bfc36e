"""Bounds of a plain scale against the definition of Wilson's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.share import plain

Z = {0.8: 1.2815515655446004, 0.9: 1.6448536269514722, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}
shares = st.floats(0, 1)
sizes = st.integers(1, 64)


def bounds(share: float, n: int, confidence: float) -> tuple[float, float]:
    _, lower, upper = plain(1).bounds(np.array([share]), np.array([n]), np.ones((1, 1)), 0, confidence)
    return float(lower[0]), float(upper[0])


def root(inside: float, outside: float, share: float, n: int, z: float) -> float:
    """Find by bisection the last p towards `outside` for which share lies within z standard errors of p."""
    for _ in range(80):
        p = (inside + outside) / 2
        if (share - p) ** 2 <= z * z * p * (1 - p) / n:
            inside = p
        else:
            outside = p
    return inside


@pytest.mark.parametrize(
    ("hits", "n", "confidence", "lower", "upper"),
    [  # worked out by hand: n/(n + z²) for all, z/2√(n + z²) about a half
        (8, 10, 0.95, 0.490162, 0.943318),
        (0, 10, 0.95, 0.0, 0.277533),
        (10, 10, 0.95, 0.722467, 1.0),
        (5, 10, 0.95, 0.236593, 0.763407),
        (1, 1, 0.95, 0.206549, 1.0),
        (32, 64, 0.99, 0.346759, 0.653241),
        (64, 64, 0.99, 0.906068, 1.0),
        (5, 10, 0.8, 0.312204, 0.687796),
    ],
)
def test_share_bounds_have_known_values(hits, n, confidence, lower, upper):
    assert bounds(hits / n, n, confidence) == pytest.approx((lower, upper), abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(shares, sizes, st.sampled_from(sorted(Z)))
def test_share_bounds_follow_definition(share, n, confidence):
    lower, upper = bounds(share, n, confidence)
    assert lower == pytest.approx(root(share, 0.0, share, n, Z[confidence]), abs=1e-9)
    assert upper == pytest.approx(root(share, 1.0, share, n, Z[confidence]), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(shares, shares, sizes, sizes)
def test_share_bounds_are_monotone(share, other, n, m):
    low, high = sorted((share, other))
    few, many = sorted((n, m))
    assert bounds(low, n, 0.95)[0] <= bounds(high, n, 0.95)[0] + 1e-12, "more harm, a higher lower bound"
    assert bounds(low, n, 0.95)[1] <= bounds(high, n, 0.95)[1] + 1e-12
    assert bounds(share, few, 0.95)[0] <= bounds(share, many, 0.95)[0] + 1e-12, "more authors, narrower"
    assert bounds(share, few, 0.95)[1] >= bounds(share, many, 0.95)[1] - 1e-12
    narrow, wide = bounds(share, n, 0.8), bounds(share, n, 0.99)
    order = [wide[0], narrow[0], share, narrow[1], wide[1]]
    assert all(below <= above + 1e-12 for below, above in pairwise(order))


def test_share_bounds_without_authors_are_zero_and_one():
    assert bounds(float("nan"), 0, 0.95) == (0.0, 1.0)


def test_share_bounds_are_computed_by_row():
    share, n = np.array([0.2, np.nan, 0.9]), np.array([10, 0, 64])
    _, lower, upper = plain(1).bounds(share, n, np.ones((3, 1)), 0, 0.9)
    assert list(zip(lower, upper, strict=True)) == [
        bounds(0.2, 10, 0.9), (0.0, 1.0), bounds(0.9, 64, 0.9)
    ]  # fmt: skip
