"""Add up the rows of a pane for many keys."""

from __future__ import annotations

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK


@compiled
def add_rows(rows: Ints, values: Ints, keys: Ints, sums: Ints) -> None:
    """Add to `sums` (m,) the values of each key's rows; the world's key has the rows of all countries.

    Both `rows` and `keys` ascend, so one walk along both finds every sum.

    Args:
        rows: (n,) key of each row.
        values: (n,)
        keys: (m,) keys that are asked for.
        sums: (m,)
    """
    first = 0
    for i in range(len(keys)):
        end = keys[i] + 1 if keys[i] & COUNTRY_MASK else keys[i] + (1 << COUNTRY_BITS)
        while first < len(rows) and rows[first] < keys[i]:
            first += 1
        row = first
        while row < len(rows) and rows[row] < end:
            sums[i] += values[row]
            row += 1
