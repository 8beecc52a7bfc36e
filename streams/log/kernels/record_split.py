"""Split an uncompressed record batch into columns (Kafka's message format 2; KIP-98 defines the varints)."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled


@compiled
def varint(data: Any, at: Any, end: Any) -> Any:
    """Read a zigzag varint of at most ten bytes; return its value and the next position, -1 after a broken field."""
    value, shift = np.uint64(0), np.uint64(0)
    while 0 <= at < end and shift < 70:
        byte = np.uint64(data[at])
        at += 1
        value |= (byte & np.uint64(127)) << shift
        if byte < 128:
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), at
        shift += np.uint64(7)
    return np.int64(0), np.int64(-1)


@compiled
def _field(data: Any, at: Any, end: Any) -> Any:
    """Read a nullable field with its length; return [begin, end), -1 for null, and the next position."""
    size, at = varint(data, at, end)
    if at < 0 or size > end - at:
        return np.int64(-1), np.int64(-1), np.int64(-1)
    if size < 0:
        return np.int64(-1), np.int64(-1), at
    return at, at + size, at + size


@compiled
def split_records(data: Any, at: Any, base_offset: Any, first_ms: Any, log_append_ms: Any, rows: Any) -> Any:
    """Fill the columns of all records of a batch.

    Args:
        data: (b,) uint8, read-only, the uncompressed batch.
        at: position of the first record.
        base_offset: offset of the batch.
        first_ms: first timestamp, to which each record adds its own distance.
        log_append_ms: timestamp of all records if the broker stamped them, else -1.
        rows: (n, 6) int64, to be filled; see `streams.counting.records`.

    Returns:
        Whether the records fill the buffer exactly. Otherwise the batch is broken.
    """
    total = len(data)
    for number in range(len(rows)):
        size, at = varint(data, at, total)
        if at < 0 or size < 1 or size > total - at:
            return False
        end = at + size
        delta_ms, at = varint(data, at + 1, end)  # after the attributes, which have no meaning
        delta, at = varint(data, at, end)
        key, key_end, at = _field(data, at, end)
        value, value_end, at = _field(data, at, end)
        headers, at = varint(data, at, end)
        if at < 0 or headers < 0:
            return False
        for _ in range(headers):
            name, _, at = _field(data, at, end)
            if at < 0 or name < 0:
                return False
            _, _, at = _field(data, at, end)
            if at < 0:
                return False
        if at != end:
            return False
        rows[number, 0] = base_offset + delta
        rows[number, 1] = first_ms + delta_ms if log_append_ms < 0 else log_append_ms
        rows[number, 2], rows[number, 3], rows[number, 4], rows[number, 5] = key, key_end, value, value_end
    return at == total
