"""Record batches split into columns: gaps within a batch, extreme varints, and any damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.records import COLUMNS, RecordColumns
from streams.log.kernels.record_split import split_records, varint


def encoded(number: int) -> bytes:
    """Encode a number as a zigzag varint."""
    rest, found = (number << 1) ^ (number >> 63), bytearray()
    rest &= 2**64 - 1
    while rest >= 128:
        found.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*found, rest])


def record(delta: int, delta_ms: int, key: bytes | None, value: bytes | None, headers: int = 0) -> bytes:
    fields = b"".join(encoded(-1) if one is None else encoded(len(one)) + one for one in (key, value))
    body = b"\0" + encoded(delta_ms) + encoded(delta) + fields + encoded(headers) + headers * (encoded(1) + b"h\x01")
    return encoded(len(body)) + body


def split(data: bytes, n: int, append_ms: int = -1) -> RecordColumns | None:
    rows = np.empty((n, COLUMNS), np.int64)
    whole = split_records(np.frombuffer(data, np.uint8), 0, 100, 1_000, append_ms, rows)
    return RecordColumns(data, rows) if whole else None


@given(st.integers(-(2**63), 2**63 - 1))
def test_varint_equals_the_plain_encoding(number: int) -> None:
    data = np.frombuffer(encoded(number), np.uint8)
    assert varint(data, 0, len(data)) == (number, len(data))
    assert varint(data, 0, len(data) - 1)[1] == -1


def test_offsets_and_times_are_those_of_the_records() -> None:
    data = record(0, 0, b"k", b"one") + record(2, -70, None, None, 2) + record(7, 2**40, b"", b"")
    found = split(data, 3)
    assert found is not None
    assert [tuple(one) for one in found] == [
        (100, 1_000, b"k", b"one"),
        (102, 930, None, None),
        (107, 1_000 + 2**40, b"", b""),
    ]
    stamped = split(data, 3, 55)
    assert stamped is not None
    assert [one.timestamp for one in stamped] == [55, 55, 55]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_batch_of_another_number_of_records_is_broken(n: int) -> None:
    assert split(record(0, 0, None, b"one") + record(1, 0, None, b"two"), n) is None


@given(st.binary(max_size=30), st.integers(0, 60), st.integers(0, 3))
@settings(deadline=None)
def test_damage_never_reaches_beyond_the_buffer(inserted: bytes, at: int, n: int) -> None:
    data = record(0, 0, b"key", b"value", 1) + record(1, 5, None, b"other")
    found = split(data[:at] + inserted + data[at:], n)
    if found is not None:
        for row in found.rows[:, 2:].tolist():
            assert all(-1 <= place <= len(found.data) for place in row)
