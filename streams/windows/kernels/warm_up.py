"""Compiles the kernels of open panes, or reads them from disk."""

from __future__ import annotations

from typing import Any

import numpy as np

from streams.constants import PANE_MS
from streams.counting.block_counts import RULES, Flush
from streams.counting.keys import Tags
from streams.counting.sketch import KeyedHash
from streams.windows.kernels.last_counts import COLUMNS, refill
from streams.windows.open_panes import OpenPanes


def warm_up() -> None:
    """Apply two records of one hashtag whose counts are in two panes, and sum these up."""
    panes = OpenPanes(Tags(), KeyedHash(b""), 1)
    columns: dict[str, Any] = {name: np.array(column, kind).tobytes() for name, kind, column in _COLUMNS}
    record = Flush("", 0, 1, RULES, 0, PANE_MS, PANE_MS, hashtags=b"a\na\n", displays=b"\n\n", texts=b"\n\n", **columns)
    panes.apply_all([record, record])
    for pane in panes.panes.values():
        pane.texts(pane.compacted([]).sum().entries)
    refill(np.full((2, COLUMNS), -1, np.int64), np.zeros((1, COLUMNS), np.int64))


_COLUMNS = [
    ("countries", "<u2", [1, 1]), ("panes", "<i8", [0, 1]), ("blocks", "<i8", [0, 0]), ("counts", "<u4", [1, 1]),
    ("sizes", "<u4", [1, 1]), ("author", "<u8", [1, 2]), ("tweet", "<i8", [1, 2]), ("origin", "<i8", [0, 0]),
    ("age_days", "<i4", [0, 0]), ("flags", "u1", [0, 0]),
]  # fmt: skip
"""Columns of a record with two counts of one entry each."""
