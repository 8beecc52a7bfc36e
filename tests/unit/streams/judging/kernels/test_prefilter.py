"""The pre-filter never misses a number of its set, and passes few others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.kernels.prefilter import may_contain

NUMBERS = st.lists(st.integers(0, 2**64 - 1), max_size=50)


@given(NUMBERS, NUMBERS)
def test_prefilter_passes_every_number_of_the_set(numbers, others):
    passed = may_contain(np.array(numbers, np.uint64), np.array(numbers + others, np.uint64))
    assert passed[: len(numbers)].all()


def test_prefilter_passes_few_others():
    ids = np.arange(1_800_000_000_000_000_000, 1_800_000_000_000_100_000, dtype=np.uint64)
    passed = may_contain(ids[::100], ids)
    assert passed[::100].all()
    assert passed.sum() < 0.1 * len(ids)
    assert not may_contain(ids[:0], ids).any()
