"""Find the members of a payload in its bytes, at the paths that are read; all else is checked and skipped.

A payload outside the subset of JSON below is not an error: the caller gives it to the parser that defines the result.
Within the subset, a full decoder finds the same: no surrogate pairs, exponents, escaped keys or deep nesting, and no
member that is read twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled, inlined
from streams.events.kernels.runs import ONE, run_end, same_bytes

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
_DEPTH = 12
"""Deepest nesting that is read."""
ROWS = SLOTS + _DEPTH
"""Rows for the slots, and for the slot and the state of each open object or list."""

_SKIPPED, _IN_LIST = -1, -2
_NAMES = sorted({path.rpartition(".")[2] for path in PATHS} - {"<hashtag>", "<link>"})
_NAME_BYTES = np.frombuffer("".join(_NAMES).encode(), np.uint8)
_NAME_SIZES = np.array([len(name) for name in _NAMES])
_NAME_BEGINS = np.cumsum(_NAME_SIZES) - _NAME_SIZES
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

_ESCAPE, _DIGITS = np.uint64(2), np.uint64(4)
_SPACE, _QUOTE, _COMMA, _COLON, _BACKSLASH, _MINUS, _DOT = 32, 34, 44, 58, 92, 45, 46
_OPEN_LIST, _CLOSE_LIST, _OPEN, _CLOSE = 91, 93, 123, 125


@compiled
def _escaped_end(data: Any, begin: Any, words: Any) -> Any:
    """Return the place of the quote that ends a string; the end of the data for a broken one, or a surrogate."""
    place, end = begin, np.uint64(len(data))
    while True:
        place = run_end(words, place)
        if place >= end or data[place] == _QUOTE:
            return place
        if end - place < 2 or data[place] != _BACKSLASH:
            return end
        escape, place = data[place + ONE], place + _ESCAPE
        if escape == 117:  # u
            if end - place < 4:
                return end
            for digit in range(place, place + _DIGITS):
                if not (48 <= data[digit] <= 57 or 97 <= data[digit] | 32 <= 102):
                    return end
            if data[place] | 32 == 100 and data[place + ONE] > 55:  # d8 to df
                return end
            place += _DIGITS
        elif escape not in _ESCAPES:
            return end


@inlined
def _slot_of(data: Any, begin: Any, end: Any, state: Any) -> Any:
    """Return the slot of a key within the payload or the object of a slot; -1 for a key that is not read."""
    size, slot = np.int64(end - begin), np.int64(_SKIPPED)
    name = _NAME_OF[(2 * size + 12 * np.int64(data[begin]) + np.int64(data[end - ONE])) % _HASHES]
    if name >= 0 and _NAME_SIZES[name] == size and same_bytes(data, begin, _NAME_BYTES, _NAME_BEGINS[name], size):
        slot = _SLOT_OF[state, name]
    return slot


@compiled
def find_members(data: Any, begin: Any, words: Any, state: Any, found: Any) -> Any:
    """Find the members of the object that begins at a place.

    One long function, since a call costs more than what it would do; indices are unsigned, since those are faster.

    Args:
        data: (b,) uint8, read-only, the payload.
        begin: place of the object.
        words: the payload's marks; see `run_end`.
        state: 0 for a payload, 1 + `TAG` or 1 + `LINK` for an element of a list.
        found: (ROWS, 3) int64 with `ABSENT` slots, to be filled with the type and the byte range of each member.

    Returns:
        The place after the object; -1 for one outside the subset that this module reads.
    """
    at, end = np.uint64(begin), np.uint64(len(data))
    if at >= end or data[at] != _OPEN:
        return np.int64(-1)
    slot, depth = np.int64(state - 1), 0
    while True:
        # 1. A value begins here.
        byte, first = data[at], at
        closed: Any = True
        if byte == _QUOTE:
            first, kind = at + ONE, STRING
            at = run_end(words, first)
            if at < end and data[at] == _BACKSLASH:
                kind, at = ESCAPED, _escaped_end(data, at, words)
            if at >= end or data[at] != _QUOTE:
                return np.int64(-1)
            last = at
            at += ONE
        elif byte == _OPEN or byte == _OPEN_LIST:  # noqa: SIM109  # faster
            if depth == _DEPTH:
                return np.int64(-1)
            if byte == _OPEN_LIST:
                kind, state = LIST, _IN_LIST
            else:
                kind, state = OBJECT, state if depth == 0 else slot + 1 if slot >= 0 else _SKIPPED
            found[SLOTS + depth, 0], found[SLOTS + depth, 1] = slot, state
            depth += 1
            at += ONE
            while at < end and data[at] == _SPACE:
                at += ONE
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
                at += ONE
            digits = at
            while at < end and 48 <= data[at] <= 57:
                at += ONE
            if at == digits or (data[digits] == 48 and at > digits + ONE):
                return np.int64(-1)
            if at < end and data[at] == _DOT:
                kind, digits = FRACTION, at + ONE
                at = digits
                while at < end and 48 <= data[at] <= 57:
                    at += ONE
                if at == digits:
                    return np.int64(-1)
            last = at
        if slot >= 0:
            found[slot, TYPE], found[slot, BEGIN], found[slot, END] = kind, first, last
        # 2. After a value: close what ends here, up to a comma.
        while closed:
            while at < end and data[at] == _SPACE:
                at += ONE
            if at >= end:
                return np.int64(-1)
            byte = data[at]
            at += ONE
            if byte == _COMMA:
                break
            depth -= 1
            if byte != (_CLOSE_LIST if found[SLOTS + depth, 1] == _IN_LIST else _CLOSE):
                return np.int64(-1)
            slot = found[SLOTS + depth, 0]
            if slot >= 0:
                found[slot, END] = at
            if depth == 0:
                return np.int64(at)
        while at < end and data[at] == _SPACE:
            at += ONE
        # 3. In an object: the key, and the slot of its value; -1 for a value that is skipped.
        slot = np.int64(_SKIPPED)
        state = found[SLOTS + depth - 1, 1]
        if state != _IN_LIST:
            if at >= end or data[at] != _QUOTE:
                return np.int64(-1)
            at += ONE
            first = at
            at = run_end(words, first)
            if at >= end or data[at] != _QUOTE:
                return np.int64(-1)
            if state >= 0 and at > first:
                slot = _slot_of(data, first, at, state)
                if slot >= 0 and found[slot, TYPE] != ABSENT:
                    return np.int64(-1)
            at += ONE
            while at < end and data[at] == _SPACE:
                at += ONE
            if at >= end or data[at] != _COLON:
                return np.int64(-1)
            at += ONE
            while at < end and data[at] == _SPACE:
                at += ONE
        if at >= end:
            return np.int64(-1)
