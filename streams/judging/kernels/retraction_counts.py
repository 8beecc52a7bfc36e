"""Count the retractions of one pane for many keys."""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK


@compiled
def add_removed(rows: Ints, received: Ints, end: int, keys: Ints, removed: Ints) -> None:
    """Add to `removed` (m,) the rows of each key that were received in panes before `end`; the world's has all.

    Both `rows` and `keys` ascend, so one walk along both finds every count.

    Args:
        rows: (n,) key of each retraction.
        received: (n,) pane in which it was received.
        end: number of a pane.
        keys: (m,) keys that are asked for.
        removed: (m,) counts.
    """
    before = np.zeros(len(rows) + 1, np.int64)
    for row in range(len(rows)):
        before[row + 1] = before[row] + (received[row] < end)
    first = last = last_of_world = 0
    for i in range(len(keys)):
        while first < len(rows) and rows[first] < keys[i]:
            first += 1
        if keys[i] & COUNTRY_MASK:
            last = max(last, first)
            while last < len(rows) and rows[last] == keys[i]:
                last += 1
            removed[i] += before[last] - before[first]
        else:
            while last_of_world < len(rows) and rows[last_of_world] < keys[i] + (1 << COUNTRY_BITS):
                last_of_world += 1
            removed[i] += before[last_of_world] - before[first]
