"""Pairs equal those of a plain search; the pre-filter never misses a number of its set, and passes few others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.kernels.equal_pairs import equal_pairs, may_contain, slots_of

NUMBERS = st.lists(st.integers(0, 2**64 - 1), max_size=50)
FEW = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 30), max_size=50)


@given(FEW, FEW, st.sampled_from([np.uint64, np.int64]))
def test_pairs_are_those_of_a_plain_search(numbers, rows, kind):
    ascending, asked = np.sort(np.array(numbers, np.uint64).view(kind)), np.array(rows, np.uint64).view(kind)
    at, of = equal_pairs(ascending, asked)
    expected = [(place, of) for place, row in enumerate(asked) for of, number in enumerate(ascending) if number == row]
    assert list(zip(at.tolist(), of.tolist(), strict=True)) == expected


@given(NUMBERS, NUMBERS)
def test_prefilter_passes_every_number_of_the_set(numbers, others):
    passed = may_contain(slots_of(np.array(numbers, np.uint64)), np.array(numbers + others, np.uint64))
    assert passed[: len(numbers)].all()


def test_prefilter_passes_few_others():
    ids = np.arange(1_800_000_000_000_000_000, 1_800_000_000_000_100_000, dtype=np.uint64)
    passed = may_contain(slots_of(ids[::100]), ids)
    assert passed[::100].all()
    assert passed.sum() < 0.1 * len(ids)
    assert not may_contain(slots_of(ids[:0]), ids).any()
