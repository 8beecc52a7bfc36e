# ruff: noqa: I001  # constants in rows, not one a line
"""Find the members of a payload in its bytes, at the paths that are read; all else is checked and skipped.

A payload outside the subset of JSON below is not an error: the caller gives it to the parser that defines the result.
Within the subset, a full decoder finds the same: no surrogate pairs, exponents, escaped keys or deep nesting, no member
that is read twice, and spaces only after a comma or a colon.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled, inlined
from streams.events.kernels.paths import (
    ALLOWED, BOOLEAN, ELEMENT, ESCAPED, HASHES, INTEGER, IS_LISTED, LIST, MEMBER, NAME_BYTES, NAME_SIZE, NAME_SIZES,
    NULL, NUMBER, OBJECT, NAME, REQUIRED, ROOT, SKIPPED, STRING,
)  # fmt: skip

TYPE, BEGIN, END = range(3)
"""Columns of a slot: the type of its value, and the value's bytes; for a string without the quotes."""
SLOTS = SKIPPED + 1
DEPTH = 12
"""Deepest nesting that is read."""
_LITERALS = np.frombuffer(b"nulltruefalse", np.uint8)
_IS_PLAIN = np.array([32 <= byte < 128 and byte not in b'"\\' for byte in range(256)])
"""Whether a byte of a string is neither its end nor an escape, a control character or a part of a longer character."""
_ESCAPES = np.frombuffer(b'"\\/bfnrt', np.uint8)

ONE, _FOUR = np.uint64(1), np.uint64(4)
_SPACE, _QUOTE, _COMMA, _COLON, _BACKSLASH, _MINUS, _DOT = 32, 34, 44, 58, 92, 45, 46
_OPEN_LIST, _CLOSE_LIST, _OPEN, _CLOSE = 91, 93, 123, 125


@inlined
def same_bytes(data: Any, at: Any, other: Any, other_at: Any, size: Any) -> Any:
    """Compare parts of two arrays of bytes."""
    here, there, same = np.uint64(at), np.uint64(other_at), True
    for place in range(np.uint64(size)):
        same = same and data[here + place] == other[there + place]
    return same


@compiled
def _string_end(data: Any, begin: Any) -> Any:
    """Return the type of a string and the place of its quote, given the place of an escape or another odd byte.

    The place is the end of the data for a string that is broken, has half of a surrogate pair or is not well-formed
    UTF-8 (Unicode Standard, table 3-7). Each check fails at the } that ends the data, so none reads past it.
    """
    place, end, kind = begin, np.uint64(len(data)), STRING
    while place < end and data[place] != _QUOTE:
        byte, place = data[place], place + ONE
        if byte == _BACKSLASH:
            kind, escape, place = ESCAPED, data[place], place + ONE
            if escape == 117:  # u
                for digit in range(place, place + _FOUR):
                    if not (48 <= data[digit] <= 57 or 97 <= data[digit] | 32 <= 102):
                        return kind, end
                if data[place] | 32 == 100 and data[place + ONE] > 55:  # d8 to df
                    return kind, end
                place += _FOUR
            elif escape not in _ESCAPES:
                return kind, end
        elif byte >= 0x80:
            after = place + np.uint64(1 if byte < 0xE0 else 2 if byte < 0xF0 else 3)
            lowest = 0xA0 if byte == 0xE0 else 0x90 if byte == 0xF0 else 0x80
            highest = 0x9F if byte == 0xED else 0x8F if byte == 0xF4 else 0xBF
            if byte < 0xC2 or byte > 0xF4 or not lowest <= data[place] <= highest:
                return kind, end
            for more in range(place + ONE, after):
                if data[more] & 0xC0 != 0x80:
                    return kind, end
            place = after
        elif byte < _SPACE:
            return kind, end
    return kind, place


@inlined
def _member(data: Any, begin: Any, end: Any, holder: Any) -> Any:
    """Return the slot of an object's member by its name."""
    size, slot = np.int64(end - begin), np.int64(SKIPPED)
    row = (2 * size + 12 * np.int64(data[begin]) + np.int64(data[end - ONE])) % HASHES
    if NAME_SIZES[row] == size and same_bytes(data, begin, NAME_BYTES, row * NAME_SIZE, size):
        slot = np.int64(MEMBER[holder, row])
    return slot


@compiled
def find_members(data: Any, members: Any, listed: Any, holders: Any) -> Any:
    """Find the members of a payload.

    One long function, since a call costs more than what it would do; indices are unsigned, since those are faster.

    Args:
        data: (b,) uint8, read-only, the payload.
        members: (SLOTS, 3) int64 zeros, to be filled with the type and the byte range of each slot's last value.
        listed: (m, 3) int64, to be filled with the slot and the byte range of strings in lists; see `IS_LISTED`.
        holders: (DEPTH, 2) int64, room for the slot and the closing bracket of each object or list that is open.

    Returns:
        The number of strings in lists; -1 for a payload outside the subset that this module reads.
    """
    at, end, depth, n = np.uint64(0), np.uint64(len(data)), 0, np.int64(0)
    slot = holder = np.int64(ROOT)
    if end == 0 or data[end - ONE] != _CLOSE:  # so that spaces and digits never run to the end
        return np.int64(-1)
    while True:
        # 1. A value or the name of a member begins here.
        byte, begin = data[at], at
        closed: Any = True
        if byte == _QUOTE:
            kind, at = STRING, at + ONE
            while at < end and _IS_PLAIN[data[at]]:
                at += ONE
            if at < end and data[at] != _QUOTE:
                kind, at = _string_end(data, at)
            if at >= end:
                return np.int64(-1)
            at += ONE
            if slot == NAME:
                slot = _member(data, begin + ONE, at - ONE, holder)
                is_again = slot != SKIPPED and members[slot, BEGIN] > members[holder, BEGIN]
                if kind == ESCAPED or data[at] != _COLON or is_again:
                    return np.int64(-1)
                at += ONE
                while data[at] == _SPACE:
                    at += ONE
                continue
        elif byte == _OPEN or byte == _OPEN_LIST:  # noqa: SIM109  # faster
            if depth == DEPTH:
                return np.int64(-1)
            kind = OBJECT if byte == _OPEN else LIST
            holders[depth, 0], holders[depth, 1] = slot, byte + 2
            depth += 1
            at += ONE
            closed = data[at] == byte + 2
        elif byte == 110 or byte == 116 or byte == 102:  # n, t, f
            word, size = (0, 4) if byte == 110 else (4, 4) if byte == 116 else (8, 5)
            kind, at = NULL if byte == 110 else BOOLEAN, at + np.uint64(size)
            if at > end or not same_bytes(data, begin, _LITERALS, word, size):
                return np.int64(-1)
        else:
            at = digits = at + np.uint64(byte == _MINUS)
            while 48 <= data[at] <= 57:
                at += ONE
            kind = INTEGER if byte != _MINUS and at - digits < 20 else NUMBER
            if at == digits or (data[digits] == 48 and at > digits + ONE):
                return np.int64(-1)
            if data[at] == _DOT:
                kind, at = NUMBER, at + ONE
                while 48 <= data[at] <= 57:
                    at += ONE
                if data[at - ONE] == _DOT:
                    return np.int64(-1)
        if not ALLOWED[slot] & kind or n == len(listed):
            return np.int64(-1)
        quote = np.uint64(byte == _QUOTE)
        members[slot, TYPE], members[slot, BEGIN], members[slot, END] = kind, begin + quote, at - quote
        if IS_LISTED[slot] and kind != NULL:
            listed[n, 0], listed[n, BEGIN], listed[n, END] = slot, begin + quote, at - quote
            n += 1
        # 2. After a value: close what ends here, up to a comma.
        while closed:
            byte = data[at]
            at += ONE
            if byte == _COMMA:
                break
            depth -= 1
            slot = holders[depth, 0]
            if byte != holders[depth, 1] or members[REQUIRED[slot], BEGIN] < members[slot, BEGIN]:
                return np.int64(-1)
            if depth == 0 or at == end:
                return n if depth == 0 and at == end else np.int64(-1)
        while data[at] == _SPACE:
            at += ONE
        holder = holders[depth - 1, 0]
        slot = ELEMENT[holder] if holders[depth - 1, 1] == _CLOSE_LIST else np.int64(NAME)
