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


def equal_pairs(numbers: npt.NDArray[Any], rows: npt.NDArray[Any], slots: Bools | None = None) -> tuple[Ints, Ints]:
    """Return all pairs (p,) of a place in `rows` and a place in `numbers` with equal values, by place in `rows`.

    Args:
        numbers: (s,) integers of 64 bits, ascending; some may be equal.
        rows: (n,) of the same type, in any order.
        slots: `slots_of(numbers)`, for numbers that are asked often; None: they are found here.
    """
    near = np.flatnonzero(may_contain(slots_of(numbers) if slots is None else slots, rows.view(np.uint64)))
    first, last = (np.searchsorted(numbers, rows[near], side) for side in ("left", "right"))
    at, of = in_spans(first, last)
    return near[at], of


def in_spans(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return all pairs (p,) of the number of a span [first, last) and a place in it, by number and place."""
    sizes = last - first
    of = np.repeat(np.arange(len(sizes)), sizes)
    return of, np.arange(len(of)) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)


def slots_of(numbers: npt.NDArray[Any]) -> Bools:
    """Return (2 ** b,) the slots, by the highest b bits of a hash, that have one of some numbers (s,)."""
    bits = max((min(max(_SLOTS_EACH * len(numbers), 1), _MOST_SLOTS) - 1).bit_length(), 1)
    slots: Bools = np.zeros(1 << bits, np.bool_)
    slots[(numbers.view(np.uint64) * GOLDEN) >> np.uint64(64 - bits)] = True
    return slots


@compiled
def may_contain(slots: Bools, rows: UInts) -> Bools:
    """Return (n,) whether each of `rows` (n,) may be one of the numbers of `slots_of`; false only where it is not."""
    bits = 0
    while 1 << bits < len(slots):
        bits += 1
    shift, is_equal = np.uint64(64 - bits), np.empty(len(rows), np.bool_)
    for row in range(len(rows)):
        is_equal[row] = slots[np.int64((rows[row] * GOLDEN) >> shift)]
    return is_equal
