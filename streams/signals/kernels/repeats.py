"""Sampled authors whose text another sampled author of the tag wrote too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


_LEAST_SLOTS = 256
"""A power of two."""


def copied(tag: Ints, copy: npt.NDArray[np.uint32], among: Bools) -> Bools:
    """Mark (n,) the authors whose text another author of the tag wrote too.

    Args:
        tag: (n,) index of each author's tag, ascending.
        copy: (n,) fingerprints of their texts.
        among: (n,) authors that are compared with each other; the others are never marked.
    """
    is_copied: Bools = _repeated(tag, copy, among)
    return is_copied


@compiled
def _repeated(tag: Ints, copy: npt.NDArray[np.uint32], among: Bools) -> Bools:
    """Find the rows whose fingerprint another row of the tag has; tags ascend.

    A hash table has the first row of each fingerprint of the tag; rows before the tag's first one make a slot free.
    """
    is_repeated = np.zeros(len(tag), np.bool_)
    table = np.full(_LEAST_SLOTS, -1)
    first = 0
    while first < len(tag):
        end = first
        while end < len(tag) and tag[end] == tag[first]:
            end += 1
        while 2 * (end - first) > len(table):
            table = np.full(2 * len(table), -1)
        for row in range(first, end):
            if among[row]:
                at = np.int64(copy[row]) & (len(table) - 1)
                while table[at] >= first and copy[table[at]] != copy[row]:
                    at = (at + 1) & (len(table) - 1)
                if table[at] >= first:
                    is_repeated[row] = is_repeated[table[at]] = True
                else:
                    table[at] = row
        first = end
    return is_repeated
