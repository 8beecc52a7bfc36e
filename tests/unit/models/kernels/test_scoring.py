"""Sums of packed weights against the obvious sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.compiled import compiled
from models.kernels.ngrams import MAX_FEATURES
from models.kernels.scoring import _add_up, packed

ROWS = 16
WEIGHTS = st.integers(-(1 << 15), (1 << 15) - 1) | st.sampled_from([-(1 << 15), (1 << 15) - 1])


@compiled
def add_up(quads, found, begin, end, share, margins):  # type: ignore[no-untyped-def]
    _add_up(quads, found, begin, end, share, margins)


@given(st.data(), st.integers(1, 9), st.floats(-2, 2))
def test_sums_of_packed_weights_equal_sums_of_columns(data: st.DataObject, n_columns: int, share: float) -> None:
    cells = st.lists(WEIGHTS, min_size=ROWS * n_columns, max_size=ROWS * n_columns)
    weights = np.array(data.draw(cells), np.int16).reshape(ROWS, n_columns)
    found = np.array(data.draw(st.lists(st.integers(0, ROWS - 1), max_size=20)), np.int32)
    begin = data.draw(st.integers(0, len(found)))
    margins = np.arange(n_columns, dtype=np.float64)
    expected = margins + weights[found[begin:]].sum(axis=0, dtype=np.int64) * share
    add_up(packed(weights), found, begin, len(found), share, margins)
    assert margins.tolist() == expected.tolist()


@pytest.mark.parametrize("weight", [-(1 << 15), (1 << 15) - 1])
def test_largest_weights_of_the_longest_text_fit(weight: int) -> None:
    margins = np.zeros(5)
    add_up(packed(np.full((1, 5), weight, np.int16)), np.zeros(MAX_FEATURES, np.int32), 0, MAX_FEATURES, 1.0, margins)
    assert margins.tolist() == [float(weight * MAX_FEATURES)] * 5
