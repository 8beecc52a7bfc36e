"""The compiled bounds of shares have the bits of those by array operations."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.share import Scale, plain
from tests.support import naive_shares

COLUMNS = 2


def random_scale(rng: np.random.Generator, groups: int) -> Scale:
    """Draw a scale, from a good one to one whose error leaves no bounds."""
    if rng.random() < 0.2:
        return plain(COLUMNS)
    clean = rng.random((groups, COLUMNS, 1)) * 0.4
    moments = np.concatenate((clean, clean + rng.random(clean.shape), rng.random((groups, COLUMNS, 2)) * 0.1), axis=2)
    errors, between = (
        np.abs(rng.normal(0, 10.0 ** -rng.integers(0, 6), (groups, COLUMNS, 3))) * one for one in (1, rng.integers(2))
    )
    return Scale(moments, errors, between)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 9), st.integers(1, 3), st.sampled_from([0.9, 0.95, 0.99, 0.999]))
def test_bounds_have_the_bits_of_array_operations(seed, m, groups, confidence):
    rng = np.random.default_rng(seed)
    scale = random_scale(rng, groups)
    n = rng.integers(0, 65, m)
    mix = rng.dirichlet(np.ones(scale.n_groups), m)
    means = np.where(n[:, None] > 0, np.round(rng.random((m, COLUMNS)), rng.integers(0, 9)), np.nan)
    for column in range(COLUMNS):
        found = scale.bounds(means[:, column], n, mix, column, confidence)
        moments, errors, between = (one[:, column] for one in (scale.moments, scale.errors, scale.between))
        expected = naive_shares.bounds(means[:, column], n, mix, moments, errors, confidence, between)
        assert np.stack(found).tobytes() == np.stack(expected).tobytes()
