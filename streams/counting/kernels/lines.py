"""Lines of bytes in one arena: line i is `arena[ends[i]:ends[i + 1]]`, its line break included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
LINE_BREAK = 10


@compiled
def find_ends(lines: Bytes, n: int) -> Ints:
    """Return where each of n lines (b,) ends: (n + 1,), a 0 first; lines that are missing are empty."""
    ends = np.zeros(n + 1, np.int64)
    found = 0
    for at in range(len(lines)):
        if lines[at] == LINE_BREAK and found < n:
            found += 1
            ends[found] = at + 1
    for missing in range(found + 1, n + 1):
        ends[missing] = ends[found]
    return ends


@compiled
def gather_lines(arena: Bytes, ends: Ints, rows: Ints) -> Bytes:
    """Return lines (n,) of an arena by number, one after the other."""
    size = 0
    for i in range(len(rows)):
        size += ends[rows[i] + 1] - ends[rows[i]]
    lines = np.empty(size, np.uint8)
    at = 0
    for i in range(len(rows)):
        for source in range(ends[rows[i]], ends[rows[i] + 1]):
            lines[at] = arena[source]
            at += 1
    return lines
