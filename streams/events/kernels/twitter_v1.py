# ruff: noqa: I001  # constants in rows, not one a line
"""Read ordinary payloads of API v1.1 into columns; see `streams.events.tweet_columns` for the columns.

`streams.events.twitter_v1` defines the result. A text with an escape or an & is unusual.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.kernels.members import (
    ABSENT, BEGIN, BOOLEAN, COUNTRY_CODE, CREATED_AT, END, ENTITIES, ENTITY_TAGS, ENTITY_URLS, ESCAPED, EXTENDED,
    EXTENDED_ENTITIES, EXTENDED_TAGS, EXTENDED_TEXT, EXTENDED_URLS, FULL_TEXT, ID, ID_STR, IS_QUOTE, LANG, LINK,
    LINK_URL, LIST, NULL, OBJECT, PLACE, QUOTED_STATUS, RETWEETED, RETWEETED_STATUS, STRING, TAG, TAG_INDICES, TAG_TEXT,
    TEXT, TYPE, USER_CREATED_AT, USER_ID, USER_ID_STR, find_members,
)  # fmt: skip
from streams.events.kernels.spans import add_from_text, add_host, add_spelling, next_element
from streams.events.kernels.values import (
    allowed_types,
    country,
    has_allowed_types,
    integer,
    language,
    text_end,
    v1_time,
)
from streams.events.tweet_columns import (
    AUTHOR, CREATED, END_HOST, END_TAG, FIRST_TAG, FROM_TEXT, IN_COUNTRY, IN_LANGUAGE, RETWEET, TEXT_BEGIN, TEXT_END,
    TWEET, YOUNG_SINCE,
)  # fmt: skip

_AMPERSAND = 38


_OPTIONAL = (ABSENT, NULL)
_STATUS = allowed_types({
    (TEXT, FULL_TEXT, LANG, EXTENDED_TEXT): (*_OPTIONAL, STRING, ESCAPED),
    (ENTITIES, EXTENDED, EXTENDED_ENTITIES): (*_OPTIONAL, OBJECT),
    (ENTITY_TAGS, ENTITY_URLS, EXTENDED_TAGS, EXTENDED_URLS): (*_OPTIONAL, LIST),
})  # fmt: skip
_ALLOWED = np.concatenate((_STATUS, _STATUS + np.array([RETWEETED, 0]), allowed_types({
    (RETWEETED_STATUS, QUOTED_STATUS, PLACE): (*_OPTIONAL, OBJECT),
    (COUNTRY_CODE,): (*_OPTIONAL, STRING),
    (IS_QUOTE,): (*_OPTIONAL, BOOLEAN),
})))  # fmt: skip
_OF_ELEMENT = allowed_types({(TAG_INDICES,): (*_OPTIONAL, LIST), (LINK_URL,): (*_OPTIONAL, STRING, ESCAPED)})


@compiled
def _element_end(data: Any, at: Any, end: Any, state: Any, found: Any, stack: Any) -> Any:
    """Read an element of a list of hashtags or links; return its end, -1 for an unusual one."""
    for slot in range(TAG, LINK_URL + 1):
        found[slot, TYPE] = ABSENT
    at = find_members(data, at, end, state, found, stack)
    if at < 0 or not has_allowed_types(found, _OF_ELEMENT) or (state != 1 + LINK and found[TAG_TEXT, TYPE] != STRING):
        return -1
    if found[TAG_INDICES, TYPE] == LIST:
        for place in range(found[TAG_INDICES, BEGIN] + 1, found[TAG_INDICES, END] - 1):
            if not 48 <= data[place] <= 57 and data[place] != 44 and data[place] != 32:  # , and a space
                return -1
        if found[TAG_INDICES, END] - found[TAG_INDICES, BEGIN] > 30:
            return -1
    return at


@compiled
def _read_list(
    data: Any, slot: Any, end: Any, found: Any, stack: Any, table: Any, spans: Any, n: Any, adds: Any, row: Any
) -> Any:
    """Check a list of hashtags or links, and add its spans if asked; return their number, -1 for an unusual list."""
    if found[slot, TYPE] != LIST:
        return n
    is_tags = slot % RETWEETED in (ENTITY_TAGS, EXTENDED_TAGS)
    first, at = n, next_element(data, found[slot, BEGIN] + 1, end)
    while at >= 0:
        at = _element_end(data, at, end, 1 + (TAG if is_tags else LINK), found, stack)
        if at < 0:
            return -1
        value = TAG_TEXT if is_tags else LINK_URL
        begin, stop = found[value, BEGIN], found[value, END]
        if adds and is_tags:
            n = add_spelling(data, begin, stop, table, spans, n, first, row)
        elif adds and found[value, TYPE] == ESCAPED:
            return -1
        elif adds and found[value, TYPE] == STRING and stop > begin:
            n = add_host(data, begin, stop, spans, n, first, row)
        if n < 0:
            return n
        at = next_element(data, at, end)
    return n


@compiled
def _exact(data: Any, found: Any, exact: Any, number: Any) -> Any:
    """Return an id from its string, else from its number; -1 without one, -2 for an unusual one."""
    first, second = integer(data, found, exact), integer(data, found, number)
    return min(first, second) if first == -2 or second == -2 else first if first >= 0 else second


@compiled
def read_v1(data: Any, end: Any, found: Any, stack: Any, table: Any, fields: Any, spans: Any, n: Any, row: Any) -> Any:
    """Fill a row from its members; return the number of spans, -1 for an unusual payload."""
    tweet, author = _exact(data, found, ID_STR, ID), _exact(data, found, USER_ID_STR, USER_ID)
    created_ms, born_ms = v1_time(data, found, CREATED_AT), v1_time(data, found, USER_CREATED_AT)
    if tweet < 0 or author < 0 or created_ms < 0 or born_ms < -1:
        return -1
    retweet = found[RETWEETED_STATUS, TYPE] == OBJECT
    base = RETWEETED if retweet else 0
    if not has_allowed_types(found, _ALLOWED):
        return -1
    for other in (0, RETWEETED):
        if found[other + EXTENDED, TYPE] == OBJECT and found[other + EXTENDED_TEXT, TYPE] in (ABSENT, NULL):
            return -1
    of_original = found[base + LANG, TYPE] != NULL and found[base + LANG, END] > found[base + LANG, BEGIN]
    lang = base + LANG if found[base + LANG, TYPE] != ABSENT and of_original else LANG
    in_language, in_country = language(data, found, lang), country(data, found, COUNTRY_CODE)
    text, tags, urls = base + TEXT, base + ENTITY_TAGS, base + ENTITY_URLS
    if found[base + EXTENDED, TYPE] == OBJECT:
        text, tags, urls = base + EXTENDED_TEXT, base + EXTENDED_TAGS, base + EXTENDED_URLS
    elif found[base + FULL_TEXT, TYPE] not in (ABSENT, NULL):
        text = base + FULL_TEXT
    if found[lang, TYPE] == ESCAPED or in_language < 0 or found[text, TYPE] != STRING:
        return -1
    begin, stop = found[text, BEGIN], found[text, END]
    for place in range(begin, stop):
        if data[place] == _AMPERSAND:
            return -1
    first, from_text = n, found[tags, TYPE] != LIST
    if from_text:
        n = add_from_text(data, begin, stop, table, spans, n, row)
    else:
        n = _read_list(data, tags, end, found, stack, table, spans, n, True, row)
    fields[row, FIRST_TAG], fields[row, END_TAG] = first, n
    if n >= 0:
        n = _read_list(data, urls, end, found, stack, table, spans, n, True, row)
    for other in (0, RETWEETED):
        for slot in (ENTITY_TAGS, ENTITY_URLS, EXTENDED_TAGS, EXTENDED_URLS):
            if n >= 0 and other + slot != tags and other + slot != urls:
                n = _read_list(data, other + slot, end, found, stack, table, spans, n, False, row)
    fields[row, END_HOST] = n
    fields[row, TWEET], fields[row, AUTHOR], fields[row, CREATED] = tweet, author, created_ms
    fields[row, YOUNG_SINCE], fields[row, IN_LANGUAGE], fields[row, IN_COUNTRY] = (
        born_ms,
        in_language,
        max(in_country, -1),
    )
    fields[row, RETWEET], fields[row, FROM_TEXT] = retweet, from_text
    fields[row, TEXT_BEGIN], fields[row, TEXT_END] = begin, text_end(data, begin, stop)
    return n
