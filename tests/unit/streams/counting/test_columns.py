"""Growing columns against lists."""

from __future__ import annotations

import doctest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting import columns
from streams.counting.columns import GrowingColumns

batches = st.lists(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 255)), max_size=150), max_size=6)


def test_doctest() -> None:
    assert doctest.testmod(columns).failed == 0


@settings(max_examples=50, deadline=None)
@given(batches, st.integers(0, 2**64 - 1))
def test_columns_equal_lists(added, same):
    rows = GrowingColumns(number=np.int64, small=np.uint8, hashed=np.uint64)
    expected: list[tuple[int, int]] = []
    for batch in added:
        numbers, smalls = np.array([one for one, _ in batch], np.int64), np.array([one for _, one in batch], np.uint8)
        rows.extend(len(batch), number=numbers, small=smalls, hashed=np.full(len(batch), same, np.uint64))
        expected += batch
        assert len(rows) == len(expected)
        assert list(zip(rows["number"].tolist(), rows["small"].tolist(), strict=True)) == expected
        assert rows["hashed"].tolist() == [same] * len(expected)
    assert (rows["number"].dtype, rows["small"].dtype) == (np.int64, np.uint8)


def test_one_value_fills_a_column_and_views_are_writable():
    rows = GrowingColumns(number=np.int64)
    rows.extend(3, number=7)
    rows["number"][[0, 2]] = 0
    rows.extend(100, number=1)
    assert rows["number"].tolist() == [0, 7, 0] + [1] * 100
