"""Wilson's bounds against their definition, and the exact bound against the binomial tail."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.judging.bounds import exact_lower, share_bounds

Z = {0.8: 1.2815515655446004, 0.9: 1.6448536269514722, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}
shares = st.floats(0, 1)
sizes = st.integers(1, 64)


def bounds(share: float, n: int, confidence: float) -> tuple[float, float]:
    lower, upper = share_bounds(np.array([share]), np.array([n]), confidence)
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
    lower, upper = share_bounds(share, n, 0.9)
    assert list(zip(lower, upper, strict=True)) == [
        bounds(0.2, 10, 0.9), (0.0, 1.0), bounds(0.9, 64, 0.9)
    ]  # fmt: skip


@pytest.mark.parametrize("confidence", [0.95, 0.995])
def test_exact_lower_matches_binomial_tail(confidence):
    """At the bound, this many hits or more have the probability 1 - confidence."""
    for n in (1, 2, 7, 64):
        for hits in range(n + 1):
            bound = float(exact_lower(np.array([hits]), np.array([n]), confidence)[0])
            tail = sum(comb(n, at) * bound**at * (1 - bound) ** (n - at) for at in range(hits, n + 1))
            assert (bound == 0.0) if not hits else tail == pytest.approx(1 - confidence, rel=1e-6)
