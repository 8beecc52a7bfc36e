"""Spans of a tweet: the hashtags that a payload lists or that its text has, and the hosts of its links."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.kernels.members import BEGIN, LIST, TYPE, past_spaces, same_bytes, string_end
from streams.events.kernels.spelling_table import JUDGED, slot_of
from streams.events.kernels.values import plain_host
from streams.events.links import HOSTS_MAX
from streams.events.tweet_columns import HOST, OF_ROW, SPAN_BEGIN, SPAN_END, SPELLING
from streams.events.uses import MAX_HASHTAGS

_SPACE, _QUOTE, _SIGN, _COMMA, _DOT, _CLOSE_LIST = 32, 34, 35, 44, 46, 93


@compiled
def next_element(data: Any, at: Any, end: Any) -> Any:
    """Return the place of the next element of a list, given the place after its bracket or an element; or -1."""
    at = past_spaces(data, at, end)
    if data[at] == _COMMA:
        at = past_spaces(data, at + 1, end)
    return -1 if data[at] == _CLOSE_LIST else at


@compiled
def element_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place of the quote that ends an element; -1 for another value than a string without escapes."""
    return string_end(data, at + 1, end) if data[at] == _QUOTE else np.int64(-1)


@compiled
def are_strings(data: Any, found: Any, slot: Any, end: Any) -> Any:
    """Check that a list, if there is one, has only strings without escapes."""
    if found[slot, TYPE] != LIST:
        return True
    at = next_element(data, found[slot, BEGIN] + 1, end)
    while at >= 0:
        at = element_end(data, at, end)
        if at < 0:
            return False
        at = next_element(data, at + 1, end)
    return True


@compiled
def _add_span(spans: Any, n: Any, begin: Any, end: Any, entry: Any, row: Any) -> Any:
    spans[n, SPAN_BEGIN], spans[n, SPAN_END], spans[n, SPELLING], spans[n, OF_ROW] = begin, end, entry, row
    return n + 1


@compiled
def add_spelling(data: Any, begin: Any, end: Any, table: Any, spans: Any, n: Any, first: Any, row: Any) -> Any:
    """Add a listed hashtag, without its #, to the spans from `first` on; return their number, -1 without room."""
    if n == len(spans) or n - first == MAX_HASHTAGS:
        return -1
    return _add_span(spans, n, begin, end, table.slots[slot_of(data, begin, end, table)], row)


@compiled
def _sign_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place after a # of either width, if there is one."""
    if at < end and data[at] == _SIGN:
        return at + 1
    return at + 3 if end - at >= 3 and data[at] == 0xEF and data[at + 1] == 0xBC and data[at + 2] == 0x83 else at


@compiled
def add_listed(data: Any, at: Any, end: Any, table: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the hashtags of a list of strings, with or without #; return the number of spans, -1 for an unusual list."""
    first, at = n, next_element(data, at, end)
    while at >= 0:
        stop = element_end(data, at, end)
        if stop < 0:
            return -1
        n = add_spelling(data, _sign_end(data, at + 1, stop), stop, table, spans, n, first, row)
        if n < 0:
            return -1
        at = next_element(data, stop + 1, end)
    return n


@compiled
def add_from_text(data: Any, at: Any, end: Any, table: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the hashtags of a text in which each # follows a space; return the number of spans, -1 for another text.

    A hashtag here ends at a space or a plain sign. The grammar's match of such a word depends on the word alone, so the
    table knows whether it is one.
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
        entry = table.slots[slot_of(data, begin, at, table)]
        if entry >= 0 and table.entries[entry, JUDGED] == 0:
            return -1
        n = _add_span(spans, n, begin, at, entry, row)
        before = np.uint8(_SIGN)
    return n


@compiled
def add_host(data: Any, at: Any, end: Any, spans: Any, n: Any, first: Any, row: Any) -> Any:
    """Add a link's host, once, to the spans from `first` on; return their number, -1 for a link that needs parsing."""
    begin, host_end = plain_host(data, at, end)
    if begin < 0 or n == len(spans):
        return -1
    for other in range(first, n):
        other_begin, size = spans[other, SPAN_BEGIN], spans[other, SPAN_END] - spans[other, SPAN_BEGIN]
        if size == host_end - begin and same_bytes(data, begin, data, other_begin, size):
            return n
    return n if n - first == HOSTS_MAX else _add_span(spans, n, begin, host_end, HOST, row)
