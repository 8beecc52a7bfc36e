# ruff: noqa: I001  # constants in rows, not one a line
"""Read ordinary native payloads into columns; see `streams.events.tweet_columns` for the columns."""

from __future__ import annotations

from typing import Any

from models.compiled import compiled
from streams.events.fields import END_MS
from streams.events.kernels.members import (
    ABSENT, AUTHOR_ID, BEGIN, BORN_MS, COUNTRY, CREATED_AT_MS, END, HASHTAGS, ID, KIND, LANG, LIST, NULL, OBJECT,
    ORIGINAL_LANG, ORIGINAL_TAGS, ORIGINAL_TEXT, ORIGINAL_URLS, QUOTE_OF, RETWEET_OF, STRING, TEXT, TYPE, URLS,
)  # fmt: skip
from streams.events.kernels.spans import add_from_text, add_host, add_listed, are_strings, element_end, next_element
from streams.events.kernels.values import allowed_types, country, has_allowed_types, integer, language, text_end
from streams.events.tweet_columns import (
    AUTHOR, CREATED, END_HOST, END_TAG, FIRST_TAG, FROM_TEXT, IN_COUNTRY, IN_LANGUAGE, RETWEET, TEXT_BEGIN, TEXT_END,
    TWEET, YOUNG_SINCE,
)  # fmt: skip

_PEEK = 512
"""Bytes in which `parse` looks for `created_at_ms`."""
_DELETE_SIZE = 6


_ALLOWED = allowed_types({
    (TEXT,): (STRING,),
    (LANG, COUNTRY, KIND, ORIGINAL_LANG): (ABSENT, NULL, STRING),
    (HASHTAGS, URLS, ORIGINAL_TAGS, ORIGINAL_URLS): (ABSENT, NULL, LIST),
    (RETWEET_OF, QUOTE_OF): (ABSENT, NULL, OBJECT),
})  # fmt: skip


@compiled
def read_native(data: Any, at: Any, end: Any, found: Any, table: Any, fields: Any, spans: Any, n: Any, row: Any) -> Any:
    """Fill a row from its members; return the number of spans, -1 for an unusual payload."""
    tweet, author = integer(data, found, ID), integer(data, found, AUTHOR_ID)
    created_ms, born_ms = integer(data, found, CREATED_AT_MS), integer(data, found, BORN_MS)
    if tweet < 0 or author < 0 or not 0 <= created_ms < END_MS or not -1 <= born_ms < END_MS:
        return -1
    if found[CREATED_AT_MS, BEGIN] - at > _PEEK or not has_allowed_types(found, _ALLOWED):
        return -1
    if found[KIND, TYPE] == STRING and found[KIND, END] - found[KIND, BEGIN] == _DELETE_SIZE:
        return -1
    text, lang, tags, urls = TEXT, LANG, HASHTAGS, URLS
    retweet = found[RETWEET_OF, TYPE] == OBJECT
    if retweet:
        if not (are_strings(data, found, HASHTAGS, end) and are_strings(data, found, URLS, end)):
            return -1
        text, tags, urls = ORIGINAL_TEXT, ORIGINAL_TAGS, ORIGINAL_URLS
        if found[ORIGINAL_LANG, TYPE] == STRING and found[ORIGINAL_LANG, END] > found[ORIGINAL_LANG, BEGIN]:
            lang = ORIGINAL_LANG
    in_language, in_country = language(data, found, lang), country(data, found, COUNTRY)
    if in_language < 0 or in_country < -1 or found[text, TYPE] != STRING:
        return -1
    begin, stop = found[text, BEGIN], found[text, END]
    first, from_text = n, found[tags, TYPE] != LIST
    if from_text:
        n = add_from_text(data, begin, stop, table, spans, n, row)
    else:
        n = add_listed(data, found[tags, BEGIN] + 1, end, table, spans, n, row)
    fields[row, FIRST_TAG] = first
    fields[row, END_TAG] = first = n
    if n >= 0 and found[urls, TYPE] == LIST:
        place = next_element(data, found[urls, BEGIN] + 1, end)
        while n >= 0 and place >= 0:
            url_end = element_end(data, place, end)
            n = add_host(data, place + 1, url_end, spans, n, first, row) if url_end >= 0 else -1
            place = next_element(data, url_end + 1, end)
    fields[row, END_HOST] = n
    fields[row, TWEET], fields[row, AUTHOR], fields[row, CREATED] = tweet, author, created_ms
    fields[row, YOUNG_SINCE], fields[row, IN_LANGUAGE], fields[row, IN_COUNTRY] = born_ms, in_language, in_country
    fields[row, RETWEET], fields[row, FROM_TEXT] = retweet, from_text
    fields[row, TEXT_BEGIN], fields[row, TEXT_END] = begin, text_end(data, begin, stop)
    return n
