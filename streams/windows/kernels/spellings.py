"""Compiled choice of the commonest of many spellings, which are spans of a text in UTF-8.

Shapes: n spellings of r groups, t bytes of text. Spans are [begin, end).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints

UInt8s = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@compiled
def _compare(text: UInt8s, begin: int, end: int, other: int, other_end: int) -> np.int64:
    """Compare two spans byte by byte, the order of their code points: below 0, 0 or above 0."""
    for at in range(min(end - begin, other_end - other)):
        if text[begin + at] != text[other + at]:
            return np.int64(text[begin + at]) - np.int64(text[other + at])
    return np.int64((end - begin) - (other_end - other))


@compiled
def commonest_spans(text: UInt8s, begins: Ints, ends: Ints, group: Ints, groups: int) -> Ints:
    """Return (r,) the number of each group's commonest spelling, of equally common ones the smallest.

    Args:
        text: (t,) read-only.
        begins: (n,) first byte of each spelling.
        ends: (n,) byte after its last one.
        group: (n,) group of each spelling, in [0, r); every group has one.
        groups: r.
    """
    n = len(begins)
    bounds = np.zeros(groups + 1, np.int64)
    for of in group:
        bounds[of + 1] += 1
    for of in range(groups):
        bounds[of + 1] += bounds[of]
    following = bounds[:-1].copy()
    members = np.empty(n, np.int64)
    for one in range(n):
        members[following[group[one]]] = one
        following[group[one]] += 1
    found = np.empty(groups, np.int64)
    for of in range(groups):
        best, most = members[bounds[of]], 0
        for at in range(bounds[of], bounds[of + 1]):
            one = members[at]
            if most and _compare(text, begins[one], ends[one], begins[best], ends[best]) == 0:
                continue
            count = 0
            for later in range(at, bounds[of + 1]):
                other = members[later]
                count += _compare(text, begins[one], ends[one], begins[other], ends[other]) == 0
            if count > most or (count == most and _compare(text, begins[one], ends[one], begins[best], ends[best]) < 0):
                best, most = one, count
            if 2 * count > bounds[of + 1] - bounds[of]:  # nearly always
                break
        found[of] = best
    return found


@compiled
def same_spans(text: UInt8s, begins: Ints, ends: Ints, other: UInt8s, other_begins: Ints, other_ends: Ints) -> Mask:
    """Return (n,) whether spans (n,) of one text equal spans (n,) of another."""
    same = np.empty(len(begins), np.bool_)
    for one in range(len(begins)):
        begin, shift = begins[one], other_begins[one] - begins[one]
        equal = ends[one] + shift == other_ends[one]
        while equal and begin < ends[one]:
            equal = text[begin] == other[begin + shift]
            begin += 1
        same[one] = equal
    return same


@compiled
def copy_spans(text: UInt8s, begins: Ints, ends: Ints, between: UInt8s, copied: UInt8s) -> None:
    """Copy spans (n,) of a text to `copied`, which has room for them, and the bytes `between` after each."""
    at = 0
    for one in range(len(begins)):
        for byte in range(begins[one], ends[one]):
            copied[at] = text[byte]
            at += 1
        for byte in between:
            copied[at] = byte
            at += 1
