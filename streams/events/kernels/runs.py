"""Runs of bytes in a payload: where strings end, whether all is UTF-8, and whether two runs are equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled, inlined

_QUOTE, _BACKSLASH, _FIRST_PRINTED = np.uint8(34), np.uint8(92), np.uint8(32)
ONE, _THREE, _SEVEN, _TOP = np.uint64(1), np.uint64(3), np.uint64(7), np.uint64(56)
_LOWEST = np.uint64(0x0001020304050607)
"""A factor that brings the number of the byte that is 1, of eight others that are 0, to the top byte."""


@inlined
def same_bytes(data: Any, at: Any, other: Any, other_at: Any, size: Any) -> Any:
    """Compare parts of two arrays of bytes."""
    here, there, same = np.uint64(at), np.uint64(other_at), True
    for place in range(np.uint64(size)):
        same = same and data[here + place] == other[there + place]
    return same


@compiled
def mark_stops(data: Any, stops: Any) -> Any:
    """Mark the quotes, backslashes and control characters of a payload; return whether it is ASCII.

    Args:
        data: (b,) uint8, read-only.
        stops: (s,) uint8, s at least b + 8, to be filled: 1 for each such byte, and behind the end.
    """
    place, size, high = np.uint64(0), np.uint64(len(data)), np.uint8(0)
    while place < size:  # two loops of vectors; one loop would be of bytes
        high |= data[place]
        place += ONE
    place = np.uint64(0)
    while place < size:
        byte = data[place]
        stops[place] = (byte < _FIRST_PRINTED) | (byte == _QUOTE) | (byte == _BACKSLASH)
        place += ONE
    stops[len(data) : len(data) + 8] = 1
    return high < 128


@inlined
def run_end(words: Any, begin: Any) -> Any:
    """Return the first marked place from a place (uint64) on; `words` (w,) uint64 are the marks of `mark_stops`."""
    number, place = begin >> _THREE, begin
    marks = words[number] >> ((begin & _SEVEN) << _THREE)
    while marks == 0:
        number += ONE
        marks, place = words[number], number << _THREE
    return place + (((marks & (~marks + ONE)) * _LOWEST) >> _TOP)


@compiled
def is_utf8(data: Any) -> Any:
    """Check that bytes are well-formed UTF-8 (Unicode Standard, table 3-7)."""
    place, last = np.uint64(0), np.uint64(len(data))
    while place < last:
        byte = data[place]
        place += ONE
        if byte >= 0x80:
            after = place + np.uint64(1 if byte < 0xE0 else 2 if byte < 0xF0 else 3)
            lowest = 0xA0 if byte == 0xE0 else 0x90 if byte == 0xF0 else 0x80
            highest = 0x9F if byte == 0xED else 0x8F if byte == 0xF4 else 0xBF
            if byte < 0xC2 or byte > 0xF4 or after > last or not lowest <= data[place] <= highest:
                return False
            for more in range(place + ONE, after):
                if data[more] & 0xC0 != 0x80:
                    return False
            place = after
    return True
