"""Find the few rows of a sample that may be in a set, before each of them is looked up exactly."""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from streams.counting.kernels.hashes import GOLDEN
from streams.counting.sketch import UInts
from streams.signals.base import Bools

_SLOTS_EACH = 16
"""Slots of each number of the set: one row in sixteen of the others passes."""
_MOST_SLOTS = 1 << 22


def may_contain(numbers: UInts, rows: UInts) -> Bools:
    """Return (n,) whether each of `rows` (n,) may be one of some numbers (s,); false only where it is none of them."""
    slots = min(max(_SLOTS_EACH * len(numbers), 1) - 1, _MOST_SLOTS - 1).bit_length()
    found: Bools = _are_near(numbers, rows, max(slots, 1))
    return found


@compiled
def _are_near(numbers: UInts, rows: UInts, bits: int) -> Bools:
    shift = np.uint64(64 - bits)
    slots = np.zeros(1 << bits, np.bool_)
    for number in numbers:
        slots[np.int64((number * GOLDEN) >> shift)] = True
    found = np.empty(len(rows), np.bool_)
    for row in range(len(rows)):
        found[row] = slots[np.int64((rows[row] * GOLDEN) >> shift)]
    return found
