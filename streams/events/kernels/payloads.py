# ruff: noqa: I001  # constants in rows, not one a line
"""Read the payloads of a batch into columns; see `streams.events.tweet_columns`.

A payload that is unusual in any way stays `SLOW`. It repeats a member, or has a hashtag that only the grammar can find.
Or a value that is read has an escape, another type, or is out of range; or a link needs parsing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.kernels.members import BEGIN, DEPTH, END, SLOTS, TYPE, find_members
from streams.events.kernels.paths import ABSENT, LIST, OBJECT, STRING
from streams.events.kernels.shapes import (
    CREATED_AT, CREATED_AT_MS, LANG, LINK, SOURCES, TAG, TAGS, TEXT, USER, read_native, read_v1,
)  # fmt: skip
from streams.events.kernels.spans import add_from_text, add_hosts, add_listed
from streams.events.kernels.values import language, text_end
from streams.events.tweet_columns import (
    END_HOST, END_TAG, FAST, FIRST_TAG, FROM_TEXT, IN_LANGUAGE, SLOW, SPAN_BEGIN, SPAN_END, STATUS, TEXT_BEGIN,
    TEXT_END,
)  # fmt: skip

MOST_BYTES = 16_384
"""Longest payload that is read here; no text of it exceeds the grammar's limit."""
_MOST_LISTED = 256
"""Strings in the lists of a payload."""


@compiled
def _read(data: Any, members: Any, listed: Any, tweet: Any, spans: Any, n: Any, row: Any) -> Any:
    """Fill in a row from its members; return the number of spans, -1 for an unusual payload."""
    is_native, source = members[CREATED_AT_MS, TYPE] != ABSENT, np.int64(-1)
    if is_native:
        source = read_native(data, members, tweet)
    elif members[USER, TYPE] == OBJECT and members[CREATED_AT, TYPE] == STRING:
        source = read_v1(data, members, tweet)
    if source < 0:
        return -1
    text, lang = SOURCES[source, TEXT], SOURCES[source, LANG]
    if members[lang, TYPE] != STRING or members[lang, BEGIN] == members[lang, END]:
        lang = SOURCES[0, LANG]
    tweet[IN_LANGUAGE] = language(data, members, lang)
    if members[text, TYPE] != STRING or tweet[IN_LANGUAGE] < 0:
        return -1
    begin, end = members[text, BEGIN], members[text, END]
    tweet[TEXT_BEGIN], tweet[TEXT_END] = begin, text_end(data, begin, end)
    tweet[FIRST_TAG], tweet[FROM_TEXT] = n, members[SOURCES[source, TAGS], TYPE] != LIST
    if tweet[FROM_TEXT]:
        n = add_from_text(data, begin, end, spans, n, row)
    else:
        n = add_listed(data, listed, SOURCES[source, TAG], is_native, spans, n, row)
    tweet[END_TAG] = n
    if n >= 0:
        n = add_hosts(data, listed, SOURCES[source, LINK], spans, n, row)
    tweet[END_HOST] = n
    return n


@compiled
def read_payloads(data: Any, ranges: Any, fields: Any, spans: Any) -> Any:
    """Read payloads into columns.

    Args:
        data: (b,) uint8, read-only.
        ranges: (n, 2) int64 byte ranges of the payloads; -1 for none.
        fields: (n, FIELDS) int64, to be filled.
        spans: (s, SPANS) int64, to be filled with the hashtags and the hosts of each tweet.

    Returns:
        The number of spans.
    """
    n = np.int64(0)
    members, listed = np.empty((SLOTS, 3), np.int64), np.empty((_MOST_LISTED, 3), np.int64)
    holders = np.empty((DEPTH, 2), np.int64)
    for row in range(len(ranges)):
        begin, end, tweet = ranges[row, 0], ranges[row, 1], fields[row]
        tweet[STATUS] = SLOW
        if begin < 0 or end - begin > MOST_BYTES:
            continue
        payload = data[begin:end]
        members[:] = ABSENT  # empty ranges too, so that no range of another payload is ever read
        size = find_members(payload, members, listed, holders)
        if size < 0:
            continue
        after = _read(payload, members, listed[:size], tweet, spans, n, row)
        if after >= 0:
            tweet[TEXT_BEGIN] += begin
            tweet[TEXT_END] += begin
            spans[n:after, SPAN_BEGIN : SPAN_END + 1] += begin
            n, tweet[STATUS] = after, FAST
    return n
