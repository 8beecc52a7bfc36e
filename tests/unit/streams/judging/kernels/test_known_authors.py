"""The count of authors up to a hash equals that of a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.kernels.known_authors import count_up_to

_HASH = st.integers(0, 2**64 - 1) | st.integers(0, 5) | st.just(2**64 - 1)
_SAMPLES = st.lists(st.sets(_HASH, max_size=6).map(sorted), min_size=1, max_size=5)


@given(_SAMPLES, st.data())
def test_count_equals_that_of_a_plain_loop(samples, data):
    asked = data.draw(st.lists(st.tuples(st.integers(0, len(samples) - 1), _HASH), max_size=8))
    found = count_up_to(
        np.repeat(np.arange(len(samples)), [len(one) for one in samples]),
        np.array([author for one in samples for author in one], np.uint64),
        np.array([group for group, _ in asked], np.int64),
        np.array([upto for _, upto in asked], np.uint64),
    )
    assert found.tolist() == [sum(author <= upto for author in samples[group]) for group, upto in asked]
