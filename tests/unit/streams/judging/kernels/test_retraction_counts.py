"""Retractions of a pane, against counting them for each key."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK
from streams.judging.kernels.retraction_counts import add_removed

KEYS = st.builds(lambda tag, country: tag << COUNTRY_BITS | country, st.integers(0, 5), st.integers(0, 4))


@given(st.lists(st.tuples(KEYS, st.integers(0, 3))), st.sets(KEYS), st.integers(0, 4))
def test_removed_are_the_rows_of_each_key_and_all_of_the_world(rows, keys, end):
    rows = sorted(rows)
    asked, removed = np.array(sorted(keys), np.int64), np.full(len(keys), 7)
    columns = np.array(rows, np.int64).reshape(-1, 2).T.copy()
    add_removed(columns[0], columns[1], end, asked, removed)
    for key, found in zip(asked.tolist(), removed.tolist(), strict=True):
        end_key = key + (1 if key & COUNTRY_MASK else 1 << COUNTRY_BITS)
        assert found == 7 + sum(key <= one < end_key and received < end for one, received in rows)
