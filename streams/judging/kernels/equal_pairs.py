"""Find the rows of a sample that are in a set, among many that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.kernels.hashes import GOLDEN
from streams.counting.sketch import UInts
from streams.signals.base import Bools

_SLOTS_EACH = 16
"""Slots of each number of the set: one row in sixteen of the others passes."""
_MOST_SLOTS = 1 << 22


def equal_pairs(numbers: npt.NDArray[Any], rows: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """Return all pairs (p,) of a place in `rows` and a place in `numbers` with equal values, by place in `rows`.

    Args:
        numbers: (s,) integers of 64 bits, ascending; some may be equal.
        rows: (n,) of the same type, in any order.
    """
    near = np.flatnonzero(may_contain(numbers.view(np.uint64), rows.view(np.uint64)))
    first, last = (np.searchsorted(numbers, rows[near], side) for side in ("left", "right"))
    at, of = in_spans(first, last)
    return near[at], of


def in_spans(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return all pairs (p,) of the number of a span [first, last) and a place in it, by number and place."""
    sizes = last - first
    of = np.repeat(np.arange(len(sizes)), sizes)
    return of, np.arange(len(of)) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)


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
