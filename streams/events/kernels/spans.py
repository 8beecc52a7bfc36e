"""Spans of a tweet: the hashtags that a payload lists or that its text has, and the hosts of its links."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled, inlined
from streams.events.kernels.members import BEGIN, END, same_bytes
from streams.events.kernels.values import plain_host
from streams.events.links import HOSTS_MAX
from streams.events.tweet_columns import HOST, NEW, OF_ROW, SPAN_BEGIN, SPAN_END, SPELLING
from streams.events.uses import MAX_HASHTAGS

_SPACE, _SIGN, _COMMA, _DOT = 32, 35, 44, 46


@inlined
def _add_span(spans: Any, n: Any, begin: Any, end: Any, entry: Any, row: Any) -> Any:
    spans[n, SPAN_BEGIN], spans[n, SPAN_END], spans[n, SPELLING], spans[n, OF_ROW] = begin, end, entry, row
    return n + 1


@inlined
def _is_wide_sign(data: Any, at: Any) -> Any:
    return data[at] == 0xEF and data[at + 1] == 0xBC and data[at + 2] == 0x83


@compiled
def add_listed(data: Any, listed: Any, slot: Any, has_signs: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the hashtags of a slot; return the number of spans, -1 if there are too many, or with a wide sign."""
    first = n
    for at in range(len(listed)):
        if listed[at, 0] == slot:
            begin, end = listed[at, BEGIN], listed[at, END]
            if n == len(spans) or n - first == MAX_HASHTAGS or (has_signs and _is_wide_sign(data, begin)):
                return -1
            begin += has_signs and data[begin] == _SIGN
            n = _add_span(spans, n, begin, end, NEW, row)
    return n


@compiled
def add_hosts(data: Any, listed: Any, slot: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the hosts of a slot's links, each once; return the number of spans, -1 for a link that needs parsing."""
    first = n
    for at in range(len(listed)):
        if listed[at, 0] == slot and listed[at, BEGIN] < listed[at, END]:
            begin, end = plain_host(data, listed[at, BEGIN], listed[at, END])
            if begin < 0 or n == len(spans):
                return -1
            is_new = n - first < HOSTS_MAX
            for other in range(first, n):
                other_begin, size = spans[other, SPAN_BEGIN], spans[other, SPAN_END] - spans[other, SPAN_BEGIN]
                is_new &= size != end - begin or not same_bytes(data, begin, data, other_begin, size)
            if is_new:
                n = _add_span(spans, n, begin, end, HOST, row)
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
            if _is_wide_sign(data, at):
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
