"""Framed columns of integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.log.frames import Framed, frame, read_frame

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(INT64) | st.lists(st.integers(10**12, 10**12 + 300)))
def test_frame_reads_back_what_was_written(values):
    framed = frame(np.array(values, np.int64))
    assert framed.has(len(values)) and (not framed.width or not framed.has(len(values) + 1))
    assert read_frame(framed, len(values)).tolist() == values


@pytest.mark.parametrize(
    ("values", "width"),
    [([], 0), ([7, 7, 7], 0), ([-1, 254], 1), ([0, 256], 2), ([5, 2**40 + 4], 5), ([-(2**63), 2**63 - 1], 8)],
)
def test_frame_takes_the_bytes_of_its_range(values, width):
    assert frame(np.array(values, np.int64)).width == width


@pytest.mark.parametrize(
    "framed", [Framed(0, 9, b"1" * 9), Framed(0, -1, b""), Framed(2**63, 0, b""), Framed(0, 2, b"1")]
)
def test_damaged_frame_has_no_values(framed):
    assert not framed.has(1)
