"""Count the sampled authors of a key up to a hash."""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.sketch import UInts


@compiled
def count_up_to(group: Ints, author: UInts, asked: Ints, upto: UInts) -> Ints:
    """Return (p,) how many authors of the asked group have a hash of at most `upto`.

    Args:
        group: (n,) ascending.
        author: (n,) hashes, ascending within each group.
        asked: (p,) groups.
        upto: (p,) greatest hash that counts.
    """
    found = np.empty(len(asked), np.int64)
    for pair in range(len(asked)):
        first = np.searchsorted(group, asked[pair])
        low, high = first, len(group)
        while low < high:
            middle = (low + high) // 2
            if group[middle] == asked[pair] and author[middle] <= upto[pair]:
                low = middle + 1
            else:
                high = middle
        found[pair] = low - first
    return found
