"""Compiles the kernels of ingest, or reads them from disk, before the first batch waits for them."""

from __future__ import annotations

import numpy as np

from streams.counting.kernels.record_split import split_records
from streams.counting.kernels.warm_up_names import warm_up_names
from streams.counting.records import COLUMNS


def warm_up() -> None:
    """Split an empty batch, and number a name."""
    split_records(np.frombuffer(b"\0", np.uint8), 0, 0, 0, -1, np.empty((1, COLUMNS), np.int64))
    warm_up_names()
