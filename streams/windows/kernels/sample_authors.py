"""Estimate the distinct authors of many keys from their samples."""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.sketch import SPACE, UInts

_SPACE = float(SPACE)
_MOST = 2.0**62


@compiled
def estimate_authors(group: Ints, author: UInts, groups: int, k: int) -> Ints:
    """Return (groups,) distinct authors, exact below k, else estimated (see `streams.counting.sketch`).

    Args:
        group: (n,) index of each sampled author's key, ascending.
        author: (n,) hashes of the authors, ascending for each key.
        groups: number of keys.
        k: greatest number of sampled authors of a key.
    """
    found = np.zeros(groups, np.int64)
    for row in range(len(group)):
        one = group[row]
        found[one] += 1
        if found[one] >= k and (row + 1 == len(group) or group[row + 1] != one):
            found[one] = np.int64(min(np.rint((k - 1) * _SPACE / max(np.float64(author[row]), 1.0)), _MOST))
    return found
