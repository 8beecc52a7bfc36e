"""Shards of hashtags from their bytes; `streams.counting.keys.Sharding` is the same for one hashtag."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np

from models.compiled import compiled

_TABLE = np.array([crc32(bytes([byte ^ 0xFF])) ^ 0xFF000000 for byte in range(256)], np.uint32)
"""Remainder of each byte, out of the checksums of single bytes."""


@compiled
def shards_of(arena: Any, begins: Any, ends: Any, shards: Any) -> Any:
    """Return the CRC-32 modulo the number of shards (n,) int64 of the bytes [begin, end) of an arena.

    Args:
        arena: (a,) uint8.
        begins: (n,) int64.
        ends: (n,) int64.
        shards: number of shards.
    """
    found = np.empty(len(begins), np.int64)
    for number in range(len(begins)):
        rest = np.uint32(0xFFFFFFFF)
        for place in range(begins[number], ends[number]):
            rest = _TABLE[(rest ^ arena[place]) & np.uint32(255)] ^ (rest >> np.uint32(8))
        found[number] = np.int64(rest ^ np.uint32(0xFFFFFFFF)) % shards
    return found
