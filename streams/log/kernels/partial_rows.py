"""A compiled pass that finds a block count which a record has twice; see `streams.log.partials`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.kernels.hashes import GOLDEN, hash_of
from streams.counting.kernels.lines import Bytes, UInts


@compiled
def has_repeats(names: Bytes, ends: Ints, countries: npt.NDArray[np.uint16], cells: Ints, secret: UInts) -> bool:
    """Return whether two rows have the same hashtag, country, pane and block.

    Args:
        names: the hashtags, one a line; read-only.
        ends: (r + 1,) row i has names[ends[i]:ends[i + 1]].
        countries: (r,) read-only.
        cells: (2, r) panes and blocks.
        secret: (2,) key of the hash, since senders choose the names.
    """
    slots = 4
    while slots < 2 * len(countries):
        slots *= 2
    rows = np.full(slots, -1, np.int64)
    for row in range(len(countries)):
        first, size = ends[row], ends[row + 1] - ends[row]
        mixed = hash_of(names, first, ends[row + 1], secret)
        mixed ^= np.uint64(countries[row]) ^ (np.uint64(cells[0, row]) << np.uint64(10))
        mixed = (mixed ^ (np.uint64(cells[1, row]) << np.uint64(32))) * GOLDEN
        at = np.int64(mixed >> np.uint64(32)) & (slots - 1)
        while rows[at] >= 0:
            other = rows[at]
            same = ends[other + 1] - ends[other] == size and countries[other] == countries[row]
            same = same and cells[0, other] == cells[0, row] and cells[1, other] == cells[1, row]
            i = 0
            while same and i < size:
                same = names[first + i] == names[ends[other] + i]
                i += 1
            if same:
                return True
            at = (at + 1) & (slots - 1)
        rows[at] = row
    return False
