"""Find the members of plain JSON objects in bytes: no escapes, no fractions, no deep nesting.

A payload outside this subset is not an error: the caller gives it to the parser that defines the result. Within the
subset, a full decoder finds the same. One level of nesting is read, for a retweet's and a quote's original.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled

NAMES = (
    "id", "author_id", "created_at_ms", "text", "lang", "country", "author_created_at_ms", "hashtags", "urls", "kind",
    "retweet_of", "quote_of",
)  # fmt: skip
ID, AUTHOR_ID, CREATED_AT_MS, TEXT, LANG, COUNTRY, BORN_MS, HASHTAGS, URLS, KIND, RETWEET_OF, QUOTE_OF = range(12)
UNKNOWN = 12
SLOTS = 13
"""Slots of one object: one for each name, and one for all other keys."""
RETWEETED, QUOTED = SLOTS, 2 * SLOTS
"""First slots of the objects within `retweet_of` and `quote_of`."""

TYPE, BEGIN, END = range(3)
"""Columns of a slot: the type of its value, and the value's bytes, for strings without the quotes."""
ABSENT, NULL, STRING, INTEGER, STRINGS, OBJECT, BOOLEAN = range(7)

_NAMES = np.frombuffer("".join(NAMES).encode(), np.uint8)
_ENDS = np.cumsum(np.array([len(name) for name in NAMES]))
_LITERALS = np.frombuffer(b"nulltruefalse", np.uint8)

_SPACE, _QUOTE, _COMMA, _COLON, _BACKSLASH = 32, 34, 44, 58, 92
_LIST, _LIST_END, _OBJECT, _OBJECT_END = 91, 93, 123, 125


@compiled
def same_bytes(data: Any, at: Any, other: Any, other_at: Any, size: Any) -> Any:
    """Compare parts of two arrays of bytes."""
    for place in range(size):  # noqa: SIM110  # compiled code has no generators
        if data[at + place] != other[other_at + place]:
            return False
    return True


@compiled
def is_utf8(data: Any, at: Any, end: Any) -> Any:
    """Check that [at, end) is well-formed UTF-8 (Unicode Standard, table 3-7)."""
    high = np.uint8(0)
    for place in range(at, end):
        high |= data[place]
    if high < 128:
        return True
    while at < end:
        byte = data[at]
        at += 1
        if byte < 0x80:
            continue
        if byte < 0xC2 or byte > 0xF4:
            return False
        more = 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
        if end - at < more:
            return False
        lowest = 0xA0 if byte == 0xE0 else 0x90 if byte == 0xF0 else 0x80
        highest = 0x9F if byte == 0xED else 0x8F if byte == 0xF4 else 0xBF
        if data[at] < lowest or data[at] > highest:
            return False
        for place in range(at + 1, at + more):
            if data[place] < 0x80 or data[place] > 0xBF:
                return False
        at += more
    return True


@compiled
def string_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place of the quote that ends a string; -1 for a string with an escape or a control character."""
    while at < end:
        byte = data[at]
        if byte == _QUOTE:
            return at
        if byte == _BACKSLASH or byte < _SPACE:
            return -1
        at += 1
    return -1


@compiled
def _past_spaces(data: Any, at: Any, end: Any) -> Any:
    while at < end and data[at] == _SPACE:
        at += 1
    return at


@compiled
def _slot_of(data: Any, at: Any, end: Any) -> Any:
    """Return the slot of a key; `UNKNOWN` for a key that is not read."""
    begin = 0
    for slot in range(len(_ENDS)):
        size = _ENDS[slot] - begin
        if size == end - at and same_bytes(data, at, _NAMES, begin, size):
            return slot
        begin = _ENDS[slot]
    return UNKNOWN


@compiled
def _literal(data: Any, at: Any, end: Any, begin: Any, size: Any) -> Any:
    """Return the place after a literal of `_LITERALS`; -1 for another word."""
    return at + size if end - at >= size and same_bytes(data, at, _LITERALS, begin, size) else -1


@compiled
def _integer_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place after an integer; -1 for another value. What follows a number is checked by the caller."""
    if at < end and data[at] == 45:  # minus
        at += 1
    begin = at
    while at < end and 48 <= data[at] <= 57:
        at += 1
    return at if at - begin == 1 or (at > begin and data[begin] != 48) else -1


@compiled
def _strings_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place after a list of plain strings, given the place after its bracket; -1 for another list."""
    at = _past_spaces(data, at, end)
    if at < end and data[at] == _LIST_END:
        return at + 1
    while at < end and data[at] == _QUOTE:
        at = string_end(data, at + 1, end)
        if at < 0:
            return -1
        at = _past_spaces(data, at + 1, end)
        if at < end and data[at] == _LIST_END:
            return at + 1
        if at >= end or data[at] != _COMMA:
            return -1
        at = _past_spaces(data, at + 1, end)
    return -1


@compiled
def find_members(data: Any, at: Any, end: Any, found: Any) -> Any:
    """Find the members of the object in [at, end).

    Args:
        data: (b,) uint8, read-only.
        at: first byte of the payload.
        end: the byte after its last one.
        found: (3 * SLOTS, 3) int64, to be filled with the type and the byte range of each member.

    Returns:
        Whether the payload is in the subset that this module reads, with no key twice.
    """
    found[:, TYPE] = ABSENT
    if at >= end or data[at] != _OBJECT:
        return False
    base, at = 0, at + 1
    while True:
        at = _past_spaces(data, at, end)
        if at >= end or data[at] != _QUOTE:
            return False
        stop = string_end(data, at + 1, end)
        if stop < 0:
            return False
        slot = _slot_of(data, at + 1, stop)
        at = _past_spaces(data, stop + 1, end)
        if at >= end or data[at] != _COLON:
            return False
        at = _past_spaces(data, at + 1, end)
        if at >= end or (slot != UNKNOWN and found[base + slot, TYPE] != ABSENT):
            return False
        byte, begin = data[at], at
        if byte == _OBJECT:
            if base or slot < RETWEET_OF or slot > QUOTE_OF:
                return False
            found[slot, TYPE] = OBJECT
            base, at = RETWEETED if slot == RETWEET_OF else QUOTED, at + 1
            continue
        if byte == _QUOTE:
            begin = at + 1
            stop = string_end(data, begin, end)
            kind, at = STRING, stop + 1
        elif byte == _LIST:
            stop = at = _strings_end(data, at + 1, end)
            kind = STRINGS
        elif byte == 110:
            stop = at = _literal(data, at, end, 0, 4)
            kind = NULL
        elif byte == 116 or byte == 102:
            stop = at = _literal(data, at, end, 4, 4) if byte == 116 else _literal(data, at, end, 8, 5)
            kind = BOOLEAN
        else:
            stop = at = _integer_end(data, at, end)
            kind = INTEGER
        if stop < 0:
            return False
        found[base + slot, TYPE], found[base + slot, BEGIN], found[base + slot, END] = kind, begin, stop
        at = _past_spaces(data, at, end)
        while at < end and data[at] == _OBJECT_END:
            if base == 0:
                return at == end - 1
            base = 0
            at = _past_spaces(data, at + 1, end)
        if at >= end or data[at] != _COMMA:
            return False
        at += 1
