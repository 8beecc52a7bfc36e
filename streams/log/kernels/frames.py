"""A compiled pass that reads a framed column of integers; see `streams.log.frames`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints

UInt8s = npt.NDArray[np.uint8]


@compiled
def unframe(data: UInt8s, base: int, width: int, n: int) -> Ints:
    """Return the values (n,) of a column; the caller has checked that `data` is (width * n,) bytes, read-only."""
    values = np.full(n, base, np.int64)
    for byte in range(width):
        plane = data[byte * n : (byte + 1) * n]
        for at in range(n):
            values[at] += np.int64(plane[at]) << (8 * byte)
    return values
