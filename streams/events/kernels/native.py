"""Read ordinary native payloads into columns; see `streams.events.tweet_columns` for the columns.

A payload that is unusual in any way stays `SLOW`: it has an escape, a fraction, a nested or repeated member, a value of
another type or out of range, a link that needs parsing, or a hashtag that only the grammar can find.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.fields import END_MS, MAX_TEXT
from streams.events.kernels.members import (
    ABSENT,
    AUTHOR_ID,
    BEGIN,
    BORN_MS,
    COUNTRY,
    CREATED_AT_MS,
    END,
    HASHTAGS,
    ID,
    INTEGER,
    KIND,
    LANG,
    NULL,
    OBJECT,
    QUOTE_OF,
    RETWEET_OF,
    RETWEETED,
    SLOTS,
    STRING,
    STRINGS,
    TEXT,
    TYPE,
    URLS,
    find_members,
    is_utf8,
    same_bytes,
    string_end,
)  # fmt: skip
from streams.events.kernels.spelling_table import JUDGED, slot_of
from streams.events.links import HOST_MAX, HOSTS_MAX
from streams.events.tweet_columns import (
    AUTHOR,
    CREATED,
    END_HOST,
    END_TAG,
    FAST,
    FIRST_TAG,
    FROM_TEXT,
    HOST,
    IN_COUNTRY,
    IN_LANGUAGE,
    OF_ROW,
    RETWEET,
    SLOW,
    SPAN_BEGIN,
    SPAN_END,
    SPELLING,
    STATUS,
    TEXT_BEGIN,
    TEXT_END,
    TWEET,
    YOUNG_SINCE,
)  # fmt: skip
from streams.events.uses import MAX_HASHTAGS

MOST_BYTES = 16_384
"""Longest payload that is read here; no text of it exceeds the grammar's limit."""
_PEEK = 512
_DELETE_SIZE = 6
_SCHEME = np.frombuffer(b"https://", np.uint8)
_UNREADABLE = -2
_SPACE, _QUOTE, _SIGN, _LIST_END, _DOT, _SLASH = 32, 34, 35, 93, 46, 47


@compiled
def _integer(data: Any, found: Any, slot: Any) -> Any:
    """Return a whole number in [0, 2**63); -1 for none, -2 for another value."""
    kind, at, end = found[slot, TYPE], found[slot, BEGIN], found[slot, END]
    if kind in (ABSENT, NULL):
        return np.int64(-1)
    size = end - at
    if kind not in (STRING, INTEGER) or size < 1 or size > 19 or (size > 1 and data[at] == 48):
        return np.int64(_UNREADABLE)
    value = np.uint64(0)
    for place in range(at, end):
        if data[place] < 48 or data[place] > 57:
            return np.int64(_UNREADABLE)
        value = value * np.uint64(10) + np.uint64(data[place] - 48)
    return np.int64(value) if value < np.uint64(1 << 63) else np.int64(_UNREADABLE)


@compiled
def _language(data: Any, found: Any, slot: Any) -> Any:
    """Return the primary subtag of two or three letters as a number of base 27; 0 for none, -2 for an unusual one."""
    code = np.int64(0)
    if found[slot, TYPE] != STRING:
        return code
    at, end = found[slot, BEGIN], found[slot, END]
    for place in range(at, end):
        if data[place] > 127:
            return np.int64(_UNREADABLE)
    size = 0
    while size < min(end - at, 12) and data[at + size] != 45 and data[at + size] != 95:
        letter = data[at + size] | 32
        if letter < 97 or letter > 122:
            return np.int64(0)
        code = code * 27 + np.int64(letter - 96)
        size += 1
    return code if 2 <= size <= 3 else np.int64(0)


@compiled
def _country(data: Any, found: Any) -> Any:
    """Return two letters as a number of base 26; -1 for no country, -2 for another spelling."""
    if found[COUNTRY, TYPE] != STRING or found[COUNTRY, END] == found[COUNTRY, BEGIN]:
        return np.int64(-1)
    at = found[COUNTRY, BEGIN]
    if found[COUNTRY, END] - at != 2:
        return np.int64(_UNREADABLE)
    code = np.int64(0)
    for place in range(at, at + 2):
        letter = data[place] | 32
        if letter < 97 or letter > 122:
            return np.int64(_UNREADABLE)
        code = code * 26 + np.int64(letter - 97)
    return code


@compiled
def _cut(data: Any, at: Any, end: Any) -> Any:
    """Return the end of the first `MAX_TEXT` code points."""
    if end - at <= MAX_TEXT:
        return end
    points = 0
    while at < end:
        if data[at] & 0xC0 != 0x80:
            if points == MAX_TEXT:
                return at
            points += 1
        at += 1
    return end


@compiled
def _add_span(spans: Any, n: Any, begin: Any, end: Any, entry: Any, row: Any) -> Any:
    spans[n, SPAN_BEGIN], spans[n, SPAN_END], spans[n, SPELLING], spans[n, OF_ROW] = begin, end, entry, row
    return n + 1


@compiled
def _next_string(data: Any, at: Any) -> Any:
    """Return the place after the next opening quote of a list of plain strings; -1 at the list's end."""
    while data[at] != _QUOTE:
        if data[at] == _LIST_END:
            return -1
        at += 1
    return at + 1


@compiled
def _sign_end(data: Any, at: Any, end: Any) -> Any:
    """Return the place after a # of either width, if there is one."""
    if at < end and data[at] == _SIGN:
        return at + 1
    return at + 3 if end - at >= 3 and data[at] == 0xEF and data[at + 1] == 0xBC and data[at + 2] == 0x83 else at


@compiled
def _listed(data: Any, at: Any, end: Any, table: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the spellings of a list, from the place after its bracket; return the number of spans, -1 for a long list."""
    first, at = n, _next_string(data, at)
    while at >= 0:
        stop = string_end(data, at, end)
        begin = _sign_end(data, at, stop)
        if n == len(spans) or n - first == MAX_HASHTAGS:
            return -1
        n = _add_span(spans, n, begin, stop, table.slots[slot_of(data, begin, stop, table)], row)
        at = _next_string(data, stop + 1)
    return n


@compiled
def _in_text(data: Any, at: Any, end: Any, table: Any, spans: Any, n: Any, row: Any) -> Any:
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
        while at < end and data[at] not in (_SPACE, _DOT, 44, 33, 63):  # , ! ?
            at += 1
        entry = table.slots[slot_of(data, begin, at, table)]
        if entry >= 0 and table.entries[entry, JUDGED] == 0:
            return -1
        n = _add_span(spans, n, begin, at, entry, row)
        before = np.uint8(_SIGN)
    return n


@compiled
def _plain_host(data: Any, at: Any, end: Any) -> Any:
    """Return the host's byte range in a plain link; -1, -1 for a link that needs parsing."""
    size = 8 if end - at > 8 and data[at + 4] == 115 else 7  # https or http
    if (
        end - at <= size
        or not same_bytes(data, at, _SCHEME, 0, size - 3)
        or not same_bytes(data, at + size - 3, _SCHEME, 5, 3)
    ):
        return np.int64(-1), np.int64(-1)
    begin = at = label = at + size
    while at < end and data[at] not in (_SLASH, 63, _SIGN):
        byte = data[at]
        if byte == _DOT and at > label:
            label = at + 1
        elif not (97 <= byte <= 122 or 48 <= byte <= 57 or byte == 45):
            return np.int64(-1), np.int64(-1)
        at += 1
    if label == begin or at == label or at - begin > HOST_MAX:
        return np.int64(-1), np.int64(-1)
    return np.int64(begin), np.int64(at)


@compiled
def _hosts(data: Any, at: Any, end: Any, spans: Any, n: Any, row: Any) -> Any:
    """Add the distinct hosts of a list of plain links; return the number of spans, -1 for another list."""
    first, at = n, _next_string(data, at)
    while at >= 0:
        stop = string_end(data, at, end)
        begin, host_end = _plain_host(data, at, stop)
        if begin < 0 or n == len(spans):
            return -1
        known = n - first == HOSTS_MAX
        for other in range(first, n):
            other_begin, size = spans[other, SPAN_BEGIN], spans[other, SPAN_END] - spans[other, SPAN_BEGIN]
            known = known or (size == host_end - begin and same_bytes(data, begin, data, other_begin, size))
        if not known:
            n = _add_span(spans, n, begin, host_end, HOST, row)
        at = _next_string(data, stop + 1)
    return n


@compiled
def _has_type(found: Any, slot: Any, kind: Any) -> Any:
    """Return whether an optional member is absent, null or of a type."""
    return found[slot, TYPE] in (ABSENT, NULL, kind)


@compiled
def _types_are_ordinary(found: Any) -> Any:
    """Check the types of the members of the tweet and of its original; a `kind` may not be a deletion's."""
    for base in (0, RETWEETED):
        if found[base + TEXT, TYPE] != STRING and (base == 0 or found[RETWEET_OF, TYPE] == OBJECT):
            return False
        if not (_has_type(found, base + LANG, STRING) and _has_type(found, base + HASHTAGS, STRINGS)):
            return False
        if not _has_type(found, base + URLS, STRINGS):
            return False
    if found[KIND, TYPE] == STRING and found[KIND, END] - found[KIND, BEGIN] == _DELETE_SIZE:
        return False
    texts = _has_type(found, COUNTRY, STRING) and _has_type(found, KIND, STRING)
    return texts and _has_type(found, RETWEET_OF, OBJECT) and _has_type(found, QUOTE_OF, OBJECT)


@compiled
def _read(data: Any, at: Any, end: Any, found: Any, table: Any, fields: Any, spans: Any, n: Any, row: Any) -> Any:
    """Fill a row from its members; return the number of spans, -1 for an unusual payload."""
    tweet, author = _integer(data, found, ID), _integer(data, found, AUTHOR_ID)
    created_ms, born_ms = _integer(data, found, CREATED_AT_MS), _integer(data, found, BORN_MS)
    if tweet < 0 or author < 0 or not 0 <= created_ms < END_MS or not -1 <= born_ms < END_MS:
        return -1
    if found[CREATED_AT_MS, BEGIN] - at > _PEEK or not _types_are_ordinary(found):
        return -1
    retweet = found[RETWEET_OF, TYPE] == OBJECT
    base = RETWEETED if retweet else 0
    in_original = retweet and found[base + LANG, TYPE] == STRING and found[base + LANG, END] > found[base + LANG, BEGIN]
    language, country = _language(data, found, base + LANG if in_original else LANG), _country(data, found)
    if language < 0 or country < -1:
        return -1
    text, text_end, first = found[base + TEXT, BEGIN], found[base + TEXT, END], n
    from_text = found[base + HASHTAGS, TYPE] != STRINGS
    if from_text:
        n = _in_text(data, text, text_end, table, spans, n, row)
    else:
        n = _listed(data, found[base + HASHTAGS, BEGIN] + 1, end, table, spans, n, row)
    fields[row, FIRST_TAG], fields[row, END_TAG] = first, n
    if n >= 0 and found[base + URLS, TYPE] == STRINGS:
        n = _hosts(data, found[base + URLS, BEGIN] + 1, end, spans, n, row)
    fields[row, END_HOST] = n
    fields[row, TWEET], fields[row, AUTHOR], fields[row, CREATED] = tweet, author, created_ms
    fields[row, YOUNG_SINCE], fields[row, IN_LANGUAGE], fields[row, IN_COUNTRY] = born_ms, language, country
    fields[row, RETWEET], fields[row, FROM_TEXT] = retweet, from_text
    fields[row, TEXT_BEGIN], fields[row, TEXT_END] = text, _cut(data, text, text_end)
    return n


@compiled
def read_native(data: Any, ranges: Any, table: Any, fields: Any, spans: Any) -> Any:
    """Read payloads into columns.

    Args:
        data: (b,) uint8, read-only.
        ranges: (n, 2) int64 byte ranges of the payloads; -1 for none.
        table: the spelling table.
        fields: (n, FIELDS) int64, to be filled.
        spans: (s, SPANS) int64, to be filled with the hashtags and the hosts of each tweet.

    Returns:
        The number of spans.
    """
    n = np.int64(0)
    found = np.empty((3 * SLOTS, 3), np.int64)
    for row in range(len(ranges)):
        fields[row, STATUS] = SLOW
        at, end = ranges[row, 0], ranges[row, 1]
        if at < 0 or end - at > MOST_BYTES or not find_members(data, at, end, found) or not is_utf8(data, at, end):
            continue
        after = _read(data, at, end, found, table, fields, spans, n, row)
        if after >= 0:
            n = after
            fields[row, STATUS] = FAST
    return n
