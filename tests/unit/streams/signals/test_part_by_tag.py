"""Parts of the sampled authors by tag, against counting them one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.signals.kernels.shares import part_by_tag

ROWS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()))


@given(ROWS)
def test_part_is_hits_among_the_rows_that_count(rows):
    tag, of, hit = (np.array([row[one] for row in rows], kind) for one, kind in enumerate((np.int64, bool, bool)))
    for tags in (tag, np.sort(tag)):
        counting = [[h for t, o, h in zip(tags.tolist(), of, hit, strict=True) if t == one and o] for one in range(6)]
        expected = [sum(found) / len(found) if found else 0.0 for found in counting]
        assert part_by_tag(tags, of, hit, 6).tolist() == expected
