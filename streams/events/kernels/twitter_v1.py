# ruff: noqa: I001  # constants in rows, not one a line
"""Choose what is read of ordinary payloads of API v1.1; `streams.events.twitter_v1` defines the result.

A text with an escape or an & is unusual.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.kernels.members import (
    ABSENT, BEGIN, BOOLEAN, COUNTRY_CODE, CREATED_AT, END, ENTITIES, ENTITY_TAGS, ENTITY_URLS, ESCAPED, EXTENDED,
    EXTENDED_ENTITIES, EXTENDED_TAGS, EXTENDED_TEXT, EXTENDED_URLS, FULL_TEXT, ID, ID_STR, IS_QUOTE, LANG, LIST, NULL,
    OBJECT, PLACE, QUOTED_STATUS, RETWEETED, RETWEETED_STATUS, STRING, TEXT, TYPE, USER_CREATED_AT, USER_ID,
    USER_ID_STR,
)  # fmt: skip
from streams.events.kernels.runs import has_byte
from streams.events.kernels.values import allowed_types, country, has_allowed_types, integer, v1_time
from streams.events.tweet_columns import AUTHOR, CREATED, IN_COUNTRY, RETWEET, TWEET, YOUNG_SINCE

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


@compiled
def _exact(data: Any, found: Any, exact: Any, number: Any) -> Any:
    """Return an id from its string, else from its number; -1 without one, -2 for an unusual one."""
    first, second = integer(data, found, exact), integer(data, found, number)
    return min(first, second) if first == -2 or second == -2 else first if first >= 0 else second


@compiled
def read_v1(data: Any, found: Any, tweet: Any) -> Any:
    """Fill in the numbers of a tweet; return the slots of its text, language, hashtags and links.

    The first slot is -1 for an unusual payload.
    """
    unusual = -1, LANG, ENTITY_TAGS, ENTITY_URLS
    tweet[TWEET], tweet[AUTHOR] = _exact(data, found, ID_STR, ID), _exact(data, found, USER_ID_STR, USER_ID)
    tweet[CREATED], tweet[YOUNG_SINCE] = v1_time(data, found, CREATED_AT), v1_time(data, found, USER_CREATED_AT)
    if tweet[TWEET] < 0 or tweet[AUTHOR] < 0 or tweet[CREATED] < 0 or tweet[YOUNG_SINCE] < -1:
        return unusual
    if not has_allowed_types(found, _ALLOWED):
        return unusual
    for status in (0, RETWEETED):
        if found[status + EXTENDED, TYPE] == OBJECT and found[status + EXTENDED_TEXT, TYPE] in (ABSENT, NULL):
            return unusual
    tweet[IN_COUNTRY] = max(country(data, found, COUNTRY_CODE), -1)
    tweet[RETWEET] = found[RETWEETED_STATUS, TYPE] == OBJECT
    status = RETWEETED if tweet[RETWEET] else 0
    text, tags, urls = status + TEXT, status + ENTITY_TAGS, status + ENTITY_URLS
    if found[status + EXTENDED, TYPE] == OBJECT:
        text, tags, urls = status + EXTENDED_TEXT, status + EXTENDED_TAGS, status + EXTENDED_URLS
    elif found[status + FULL_TEXT, TYPE] not in (ABSENT, NULL):
        text = status + FULL_TEXT
    if found[text, TYPE] != STRING or has_byte(data, found[text, BEGIN], found[text, END], _AMPERSAND):
        return unusual
    return text, status + LANG, tags, urls
