"""Sums of a pane's rows, against adding them up for each key."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK
from streams.windows.kernels.key_sums import add_rows

KEYS = st.builds(lambda tag, country: tag << COUNTRY_BITS | country, st.integers(0, 5), st.integers(0, 4))


@given(st.lists(st.tuples(KEYS, st.integers(-3, 3))), st.sets(KEYS))
def test_sums_are_of_the_rows_of_each_key_and_all_of_the_world(rows, keys):
    rows = sorted(rows)
    asked, sums = np.array(sorted(keys), np.int64), np.full(len(keys), 7)
    columns = np.array(rows, np.int64).reshape(-1, 2).T.copy()
    add_rows(columns[0], columns[1], asked, sums)
    for key, found in zip(asked.tolist(), sums.tolist(), strict=True):
        end_key = key + (1 if key & COUNTRY_MASK else 1 << COUNTRY_BITS)
        assert found == 7 + sum(value for one, value in rows if key <= one < end_key)
