"""Copied texts against a comparison of all pairs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.signals.kernels.repeats import copied

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3_000) | st.integers(1, 9), st.booleans()), max_size=500)


@given(ROWS, st.sampled_from([1, 256, 1 << 20]))
def test_copied_equals_a_comparison_of_all_pairs(rows: list[tuple[int, int, bool]], stride: int) -> None:
    """Fingerprints that are multiples of the number of slots all begin at one slot."""
    rows.sort(key=lambda one: one[0])
    compared = [(tag, copy) for tag, copy, among in rows if among]
    expected = [among and compared.count((tag, copy)) > 1 for tag, copy, among in rows]
    tag, copy, among = (
        np.array([one[at] for one in rows], kind) for at, kind in enumerate((np.int64, np.uint32, bool))
    )
    assert copied(tag, copy * np.uint32(stride), among).tolist() == expected
