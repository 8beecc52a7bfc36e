# ruff: noqa: I001  # constants in rows, not one a line
"""Choose what is read of ordinary native payloads; `streams.events.native` defines the result."""

from __future__ import annotations

from typing import Any

from models.compiled import compiled
from streams.events.fields import END_MS
from streams.events.kernels.members import (
    ABSENT, AUTHOR_ID, BEGIN, BORN_MS, COUNTRY, CREATED_AT_MS, END, HASHTAGS, ID, KIND, LANG, LIST, NULL, OBJECT,
    ORIGINAL_LANG, ORIGINAL_TAGS, ORIGINAL_TEXT, ORIGINAL_URLS, QUOTE_OF, RETWEET_OF, STRING, TEXT, TYPE, URLS,
)  # fmt: skip
from streams.events.kernels.values import allowed_types, country, has_allowed_types, integer
from streams.events.tweet_columns import AUTHOR, CREATED, IN_COUNTRY, RETWEET, TWEET, YOUNG_SINCE

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
def read_native(data: Any, found: Any, tweet: Any) -> Any:
    """Fill in the numbers of a tweet; return the slots of its text, language, hashtags and links.

    The first slot is -1 for an unusual payload.
    """
    unusual = -1, LANG, HASHTAGS, URLS
    tweet[TWEET], tweet[AUTHOR] = integer(data, found, ID), integer(data, found, AUTHOR_ID)
    tweet[CREATED], tweet[YOUNG_SINCE] = integer(data, found, CREATED_AT_MS), integer(data, found, BORN_MS)
    if tweet[TWEET] < 0 or tweet[AUTHOR] < 0 or not has_allowed_types(found, _ALLOWED):
        return unusual
    if not 0 <= tweet[CREATED] < END_MS or found[CREATED_AT_MS, BEGIN] > _PEEK or not -1 <= tweet[YOUNG_SINCE] < END_MS:
        return unusual
    if found[KIND, TYPE] == STRING and found[KIND, END] - found[KIND, BEGIN] == _DELETE_SIZE:
        return unusual
    tweet[IN_COUNTRY] = country(data, found, COUNTRY)
    tweet[RETWEET] = found[RETWEET_OF, TYPE] == OBJECT
    if tweet[IN_COUNTRY] < -1:
        return unusual
    if tweet[RETWEET]:
        return ORIGINAL_TEXT, ORIGINAL_LANG, ORIGINAL_TAGS, ORIGINAL_URLS
    return TEXT, LANG, HASHTAGS, URLS
