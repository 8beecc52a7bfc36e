"""Merge the entries of a window's panes, sorted by key and author, with those of later panes."""

from __future__ import annotations

import numpy as np

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.sketch import UInts
from streams.windows.kernels.sample_draw import Int32s


@compiled
def merge_entries(
    keys_a: Ints, bounds_a: Ints, author_a: UInts, order_a: UInts, pane_a: Int32s, row_a: Int32s,
    keys_b: Ints, bounds_b: Ints, author_b: UInts, order_b: UInts, pane_b: Int32s, row_b: Int32s, oldest: int,
) -> tuple[Ints, Ints, UInts, UInts, Int32s, Int32s]:  # fmt: skip
    """Return the columns of `SampleIndex.merged` without panes below `oldest`; the panes of b are the later ones."""
    rows, n = len(keys_a) + len(keys_b), len(author_a) + len(author_b)
    keys, bounds = np.empty(rows, np.int64), np.zeros(rows + 1, np.int64)
    author, order = np.empty(n, np.uint64), np.empty(n, np.uint64)
    pane, row = np.empty(n, np.int32), np.empty(n, np.int32)
    i = j = at = written = 0
    while i < len(keys_a) or j < len(keys_b):
        has_a = i < len(keys_a) and (j == len(keys_b) or keys_a[i] <= keys_b[j])
        has_b = j < len(keys_b) and (i == len(keys_a) or keys_b[j] <= keys_a[i])
        keys[written] = keys_a[i] if has_a else keys_b[j]
        x, end_x = (bounds_a[i], bounds_a[i + 1]) if has_a else (0, 0)
        y, end_y = (bounds_b[j], bounds_b[j + 1]) if has_b else (0, 0)
        while x < end_x or y < end_y:
            if y == end_y or (x < end_x and author_a[x] <= author_b[y]):
                author[at], order[at], pane[at], row[at] = author_a[x], order_a[x], pane_a[x], row_a[x]
                x += 1
            else:
                author[at], order[at], pane[at], row[at] = author_b[y], order_b[y], pane_b[y], row_b[y]
                y += 1
            if pane[at] >= oldest:
                at += 1
        if at > bounds[written]:
            written += 1
            bounds[written] = at
        i += has_a
        j += has_b
    return keys[:written], bounds[: written + 1], author[:at], order[:at], pane[:at], row[:at]
