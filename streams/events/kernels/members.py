"""Find the members of a payload in its bytes, at the paths that are read; all else is checked and skipped.

A payload outside the subset of JSON below is not an error: the caller gives it to the parser that defines the result.
Within the subset, a full decoder finds the same: no surrogate pairs, exponents, escaped keys or deep nesting, and no
member that is read twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled

_STATUS = (
    "text", "full_text", "lang", "entities", "entities.hashtags", "entities.urls", "extended_tweet",
    "extended_tweet.full_text", "extended_tweet.entities", "extended_tweet.entities.hashtags",
    "extended_tweet.entities.urls",
)  # fmt: skip
_TOP = (
    "id", "id_str", "author_id", "created_at_ms", "created_at", "country", "author_created_at_ms", "hashtags", "urls",
    "kind", "retweet_of", "quote_of", "user", "user.id", "user.id_str", "user.created_at", "place",
    "place.country_code", "retweeted_status", "quoted_status", "is_quote_status",
)  # fmt: skip
_ORIGINAL = tuple(f"retweet_of.{name}" for name in ("text", "lang", "hashtags", "urls"))
_WITHIN_LISTS = ("<hashtag>", "<hashtag>.text", "<hashtag>.indices", "<link>", "<link>.expanded_url")
PATHS = (*_STATUS, *(f"retweeted_status.{path}" for path in _STATUS), *_TOP, *_ORIGINAL, *_WITHIN_LISTS)
"""Path of each slot. <hashtag> and <link> are elements of v1.1's lists, which are read one by one."""
SLOTS = len(PATHS)
(
    TEXT, FULL_TEXT, LANG, ENTITIES, ENTITY_TAGS, ENTITY_URLS, EXTENDED, EXTENDED_TEXT, EXTENDED_ENTITIES,
    EXTENDED_TAGS, EXTENDED_URLS,
) = range(len(_STATUS))  # fmt: skip
RETWEETED = len(_STATUS)
"""Distance from a slot of the status to the same one of `retweeted_status`."""
(
    ID, ID_STR, AUTHOR_ID, CREATED_AT_MS, CREATED_AT, COUNTRY, BORN_MS, HASHTAGS, URLS, KIND, RETWEET_OF, QUOTE_OF,
    USER, USER_ID, USER_ID_STR, USER_CREATED_AT, PLACE, COUNTRY_CODE, RETWEETED_STATUS, QUOTED_STATUS, IS_QUOTE,
    ORIGINAL_TEXT, ORIGINAL_LANG, ORIGINAL_TAGS, ORIGINAL_URLS,
    TAG, TAG_TEXT, TAG_INDICES, LINK, LINK_URL,
) = range(2 * RETWEETED, SLOTS)  # fmt: skip

TYPE, BEGIN, END = range(3)
"""Columns of a slot: the type of its value, and the value's bytes, for strings without the quotes."""
ABSENT, NULL, STRING, ESCAPED, INTEGER, FRACTION, LIST, OBJECT, BOOLEAN = range(9)
"""Types of values; `ESCAPED` is a string with an escape."""
DEPTH = 12
"""Deepest nesting that is read."""

_SKIPPED, _IN_LIST = -1, -2
_NAMES = sorted({path.rpartition(".")[2] for path in PATHS} - {"<hashtag>", "<link>"})
_NAME_BYTES = np.frombuffer("".join(_NAMES).encode(), np.uint8)
_NAME_ENDS = np.cumsum(np.array([len(name) for name in _NAMES]))
_HASHES = 128


def _name_table() -> Any:
    """Return the name for each hash of a size, a first and a last byte; no two names have the same hash."""
    table = np.full(_HASHES, -1)
    for number, name in enumerate(_NAMES):
        place = (2 * len(name) + 12 * ord(name[0]) + ord(name[-1])) % _HASHES
        assert table[place] < 0, f"choose other factors: {name} collides"
        table[place] = number
    return table


_NAME_OF = _name_table()


def _slot_table() -> Any:
    """Return the slot (1 + SLOTS, names) of each name within the payload, and within the object of each slot."""
    table = np.full((1 + SLOTS, len(_NAMES)), _SKIPPED)
    for slot, path in enumerate(PATHS):
        parent, _, name = path.rpartition(".")
        if name[0] != "<":
            table[1 + PATHS.index(parent) if parent else 0, _NAMES.index(name)] = slot
    return table


_SLOT_OF = _slot_table()
_LITERALS = np.frombuffer(b"nulltruefalse", np.uint8)
_ESCAPES = np.frombuffer(b'"\\/bfnrt', np.uint8)
_ENDS_RUN = np.array([byte < 32 or byte in b'"\\' for byte in range(256)], np.uint8)
_ONE = np.uint64(1)

_SPACE, _QUOTE, _COMMA, _COLON, _BACKSLASH, _MINUS, _DOT = 32, 34, 44, 58, 92, 45, 46
_OPEN_LIST, _CLOSE_LIST, _OPEN, _CLOSE = 91, 93, 123, 125


@compiled
def same_bytes(data: Any, at: Any, other: Any, other_at: Any, size: Any) -> Any:
    """Compare parts of two arrays of bytes."""
    here, there = np.uint64(at), np.uint64(other_at)
    for place in range(size):  # noqa: SIM110  # compiled code has no generators
        if data[here + np.uint64(place)] != other[there + np.uint64(place)]:
            return False
    return True


@compiled
def is_utf8(data: Any, at: Any, end: Any) -> Any:
    """Check that [at, end) is well-formed UTF-8 (Unicode Standard, table 3-7)."""
    place, last, high = np.uint64(at), np.uint64(end), np.uint8(0)
    while place < last:  # a vector loop: most payloads are ASCII
        high |= data[place]
        place += _ONE
    place = np.uint64(at)
    if high < 128:
        return True
    while place < last:
        byte = data[place]
        place += _ONE
        if byte < 0x80:
            continue
        if byte < 0xC2 or byte > 0xF4:
            return False
        after = place + np.uint64(1 if byte < 0xE0 else 2 if byte < 0xF0 else 3)
        if after > last:
            return False
        lowest = 0xA0 if byte == 0xE0 else 0x90 if byte == 0xF0 else 0x80
        highest = 0x9F if byte == 0xED else 0x8F if byte == 0xF4 else 0xBF
        if data[place] < lowest or data[place] > highest:
            return False
        place += _ONE
        while place < after:
            if data[place] & 0xC0 != 0x80:
                return False
            place += _ONE
    return True


@compiled
def past_spaces(data: Any, at: Any, end: Any) -> Any:
    """Return the next place without a space."""
    while at < end and data[at] == _SPACE:
        at += 1
    return at


@compiled
def string_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place of the quote that ends a string; -1 for a string with an escape or a control character."""
    place, last = np.uint64(at), np.uint64(end)
    while place < last and _ENDS_RUN[data[place]] == 0:
        place += _ONE
    return np.int64(place) if place < last and data[place] == _QUOTE else np.int64(-1)


@compiled
def _escaped_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place of the quote that ends a string; -1 for a broken one, or one with a surrogate."""
    place, last = np.uint64(at), np.uint64(end)
    while place < last:
        while place < last and _ENDS_RUN[data[place]] == 0:
            place += _ONE
        at = np.int64(place)
        if at < end and data[at] == _QUOTE:
            return at
        if end - at < 2 or data[at] != _BACKSLASH:
            return -1
        size = 2
        if data[at + 1] not in _ESCAPES:
            size = 6
            if data[at + 1] != 117 or end - at < size:  # u
                return -1
            for digit in range(at + 2, at + size):
                if not (48 <= data[digit] <= 57 or 97 <= data[digit] | 32 <= 102):
                    return -1
            if data[at + 2] | 32 == 100 and data[at + 3] > 55:  # d8 to df
                return -1
        place = np.uint64(at + size)
    return -1


@compiled
def _slot_of(data: Any, begin: Any, end: Any, state: Any) -> Any:
    """Return the slot of a key within the payload or the object of a slot; -1 for a key that is not read."""
    size = np.int64(end - begin)
    name = _NAME_OF[(2 * size + 12 * np.int64(data[begin]) + np.int64(data[end - _ONE])) % _HASHES]
    if name < 0:
        return _SKIPPED
    first = 0 if name == 0 else _NAME_ENDS[name - 1]
    if _NAME_ENDS[name] - first != size or not same_bytes(data, begin, _NAME_BYTES, first, size):
        return _SKIPPED
    return _SLOT_OF[state, name]


@compiled
def find_members(data: Any, begin: Any, stop: Any, state: Any, found: Any, stack: Any) -> Any:
    """Find the members of the object that begins at a place.

    One long function, since a call costs more than what it would do; indices are unsigned, since those are faster.

    Args:
        data: (b,) uint8, read-only.
        begin: the place.
        stop: end of the payload.
        state: 0 for a payload, 1 + `TAG` or 1 + `LINK` for an element of a list.
        found: (SLOTS, 3) int64 with `ABSENT` slots, to be filled with the type and the byte range of each member.
        stack: (DEPTH, 2) int64, for use within.

    Returns:
        The place after the object; -1 for one outside the subset that this module reads.
    """
    at, end = np.uint64(begin), np.uint64(stop)
    if at >= end or data[at] != _OPEN:
        return np.int64(-1)
    slot, depth = np.int64(state - 1), 0
    while True:
        # 1. A value begins here.
        byte, first = data[at], at
        closed: Any = True
        if byte == _QUOTE:
            first, kind = at + _ONE, STRING
            at = first
            while at < end and _ENDS_RUN[data[at]] == 0:
                at += _ONE
            if at < end and data[at] == _BACKSLASH:
                kind, at = ESCAPED, np.uint64(_escaped_end(data, at, end))
            if at >= end or data[at] != _QUOTE:
                return np.int64(-1)
            last = at
            at += _ONE
        elif byte == _OPEN or byte == _OPEN_LIST:  # noqa: SIM109  # faster
            if depth == DEPTH:
                return np.int64(-1)
            if byte == _OPEN_LIST:
                kind, state = LIST, _IN_LIST
            else:
                kind, state = OBJECT, state if depth == 0 else slot + 1 if slot >= 0 else _SKIPPED
            stack[depth, 0], stack[depth, 1] = slot, state
            depth += 1
            at += _ONE
            while at < end and data[at] == _SPACE:
                at += _ONE
            closed = at < end and data[at] == (_CLOSE_LIST if kind == LIST else _CLOSE)
            last = at
        elif byte == 110 or byte == 116 or byte == 102:  # n, t, f
            word, size = (0, 4) if byte == 110 else (4, 4) if byte == 116 else (8, 5)
            kind = NULL if byte == 110 else BOOLEAN
            last = at + np.uint64(size)
            if last > end or not same_bytes(data, at, _LITERALS, word, size):
                return np.int64(-1)
            at = last
        else:
            kind = INTEGER
            if byte == _MINUS:
                at += _ONE
            digits = at
            while at < end and 48 <= data[at] <= 57:
                at += _ONE
            if at == digits or (data[digits] == 48 and at > digits + _ONE):
                return np.int64(-1)
            if at < end and data[at] == _DOT:
                kind, digits = FRACTION, at + _ONE
                at = digits
                while at < end and 48 <= data[at] <= 57:
                    at += _ONE
                if at == digits:
                    return np.int64(-1)
            last = at
        if slot >= 0:
            found[slot, TYPE], found[slot, BEGIN], found[slot, END] = kind, first, last
        # 2. After a value: close what ends here, up to a comma.
        while closed:
            while at < end and data[at] == _SPACE:
                at += _ONE
            if at >= end:
                return np.int64(-1)
            byte = data[at]
            at += _ONE
            if byte == _COMMA:
                break
            depth -= 1
            if byte != (_CLOSE_LIST if stack[depth, 1] == _IN_LIST else _CLOSE):
                return np.int64(-1)
            if stack[depth, 0] >= 0:
                found[stack[depth, 0], END] = at
            if depth == 0:
                return np.int64(at)
        while at < end and data[at] == _SPACE:
            at += _ONE
        # 3. In an object: the key, and the slot of its value; -1 for a value that is skipped.
        slot = np.int64(_SKIPPED)
        state = stack[depth - 1, 1]
        if state != _IN_LIST:
            if at >= end or data[at] != _QUOTE:
                return np.int64(-1)
            at += _ONE
            first = at
            while at < end and _ENDS_RUN[data[at]] == 0:
                at += _ONE
            if at >= end or data[at] != _QUOTE:
                return np.int64(-1)
            if state >= 0 and at > first:
                slot = _slot_of(data, first, at, state)
                if slot >= 0 and found[slot, TYPE] != ABSENT:
                    return np.int64(-1)
            at += _ONE
            while at < end and data[at] == _SPACE:
                at += _ONE
            if at >= end or data[at] != _COLON:
                return np.int64(-1)
            at += _ONE
            while at < end and data[at] == _SPACE:
                at += _ONE
        if at >= end:
            return np.int64(-1)
