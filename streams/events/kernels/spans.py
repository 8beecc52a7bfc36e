# ruff: noqa: I001  # constants in rows, not one a line
"""Spans of a tweet: the hashtags that a payload lists or that its text has, and the hosts of its links."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled, inlined
from streams.events.kernels.members import (
    ABSENT, BEGIN, END, ESCAPED, LINK, LINK_URL, LIST, NULL, PATHS, RETWEETED, STRING, TAG, TAG_INDICES, TAG_TEXT, TYPE,
    find_members,
)  # fmt: skip
from streams.events.kernels.runs import run_end, same_bytes
from streams.events.kernels.values import allowed_types, has_allowed_types, plain_host
from streams.events.links import HOSTS_MAX
from streams.events.tweet_columns import HOST, NEW, OF_ROW, SPAN_BEGIN, SPAN_END, SPELLING
from streams.events.uses import MAX_HASHTAGS

_SPACE, _QUOTE, _SIGN, _COMMA, _DOT, _CLOSE_LIST = 32, 34, 35, 44, 46, 93
_HAS_TAGS = np.array([path.endswith("hashtags") for path in PATHS])
LISTS = np.array([slot for slot, path in enumerate(PATHS) if path.endswith(("hashtags", "urls"))])
"""Slots of all lists: the native ones are of strings, those of the statuses of v1.1 are of objects."""
_OF_ELEMENT = allowed_types({
    (TAG_INDICES,): (ABSENT, NULL, LIST),
    (LINK_URL,): (ABSENT, NULL, STRING, ESCAPED),
})  # fmt: skip
_MOST_INDICES = 30


@inlined
def _past_spaces(data: Any, at: Any) -> Any:
    while data[at] == _SPACE:
        at += 1
    return at


@inlined
def _next_element(data: Any, at: Any) -> Any:
    """Return the place of the next element of a list, given the place after its bracket or an element; or -1."""
    at = _past_spaces(data, at)
    if data[at] == _COMMA:
        at = _past_spaces(data, at + 1)
    return -1 if data[at] == _CLOSE_LIST else at


@compiled
def _object_end(data: Any, at: Any, words: Any, state: Any, found: Any) -> Any:
    """Read an element that is an object; return its end, -1 for an unusual one."""
    for slot in range(TAG, LINK_URL + 1):
        found[slot, TYPE] = ABSENT
    at = find_members(data, at, words, state, found)
    if at < 0 or not has_allowed_types(found, _OF_ELEMENT):
        return -1
    if found[TAG_INDICES, TYPE] == LIST:
        first, last = found[TAG_INDICES, BEGIN] + 1, found[TAG_INDICES, END] - 1
        if last - first > _MOST_INDICES:
            return -1
        for place in range(first, last):
            if not 48 <= data[place] <= 57 and data[place] != _COMMA and data[place] != _SPACE:
                return -1
    return at


@inlined
def _add_span(spans: Any, n: Any, begin: Any, end: Any, entry: Any, row: Any) -> Any:
    spans[n, SPAN_BEGIN], spans[n, SPAN_END], spans[n, SPELLING], spans[n, OF_ROW] = begin, end, entry, row
    return n + 1


@inlined
def _sign_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place after a # of either width, if there is one."""
    if at < end and data[at] == _SIGN:
        at += 1
    elif end - at >= 3 and data[at] == 0xEF and data[at + 1] == 0xBC and data[at + 2] == 0x83:
        at += 3
    return at


@compiled
def _add_host(data: Any, at: Any, end: Any, spans: Any, n: Any, first: Any, row: Any) -> Any:
    """Add a link's host, once, to the spans from `first` on; return their number, -1 for a link that needs parsing."""
    begin, host_end = plain_host(data, at, end)
    if begin < 0 or n == len(spans):
        return -1
    for other in range(first, n):
        other_begin, size = spans[other, SPAN_BEGIN], spans[other, SPAN_END] - spans[other, SPAN_BEGIN]
        if size == host_end - begin and same_bytes(data, begin, data, other_begin, size):
            return n
    return n if n - first == HOSTS_MAX else _add_span(spans, n, begin, host_end, HOST, row)


@compiled
def read_list(data: Any, slot: Any, words: Any, found: Any, spans: Any, n: Any, row: Any, adds: Any) -> Any:
    """Check a list of hashtags or links, and add its spans if asked; return their number, -1 for an unusual list."""
    first, of_objects, has_tags = n, slot < 2 * RETWEETED, _HAS_TAGS[slot]
    value = TAG_TEXT if has_tags else LINK_URL
    at = _next_element(data, found[slot, BEGIN] + 1)
    while at >= 0:
        if of_objects:
            at = _object_end(data, at, words, 1 + (TAG if has_tags else LINK), found)
            kind, begin, end = found[value, TYPE], found[value, BEGIN], found[value, END]
            if at < 0 or (kind != STRING and has_tags):
                return -1
        else:
            begin = at + 1
            end = np.int64(run_end(words, np.uint64(begin)))
            if data[at] != _QUOTE or data[end] != _QUOTE:
                return -1
            kind, at = STRING, end + 1
            begin = _sign_end(data, begin, end) if has_tags else begin
        if adds and has_tags:
            if n == len(spans) or n - first == MAX_HASHTAGS:
                return -1
            n = _add_span(spans, n, begin, end, NEW, row)
        elif adds and kind == ESCAPED:
            return -1
        elif adds and kind == STRING and end > begin:
            n = _add_host(data, begin, end, spans, n, first, row)
            if n < 0:
                return -1
        at = _next_element(data, at)
    return n


@compiled
def add_from_text(data: Any, at: Any, end: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the hashtags of a text in which each # follows a space; return the number of spans, -1 for another text.

    A hashtag here ends at a space or a plain sign. The grammar's match of such a word depends on the word alone, so the
    table of spellings knows whether it is one.
    """
    first, before = n, np.uint8(_SPACE)
    while at < end:
        byte = data[at]
        if byte != _SIGN:
            if byte == 0xEF and _sign_end(data, at, end) > at:
                return -1
            before = byte
            at += 1
            continue
        if before != _SPACE or n == len(spans) or n - first == MAX_HASHTAGS:
            return -1
        begin = at = at + 1
        while at < end and data[at] not in (_SPACE, _DOT, _COMMA, 33, 63):  # ! ?
            at += 1
        n = _add_span(spans, n, begin, at, NEW, row)
        before = np.uint8(_SIGN)
    return n
