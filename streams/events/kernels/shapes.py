"""Choose what is read of ordinary payloads; `streams.events.native` and `.twitter_v1` define the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.fields import END_MS
from streams.events.kernels.members import BEGIN, END, TYPE
from streams.events.kernels.paths import NULL, OBJECT, STRING, slot_of
from streams.events.kernels.values import country, integer, v1_time
from streams.events.tweet_columns import AUTHOR, CREATED, IN_COUNTRY, RETWEET, TWEET, YOUNG_SINCE

_PEEK = 512
"""Bytes in which `parse` looks for `created_at_ms`."""
_DELETE_SIZE = 6
_AMPERSAND = 38
ID, ID_STR, AUTHOR_ID, USER, USER_ID, USER_ID_STR = map(
    slot_of, ("id", "id_str", "author_id", "user", "user.id", "user.id_str")
)
CREATED_AT_MS, CREATED_AT, BORN_MS, USER_CREATED_AT = map(
    slot_of, ("created_at_ms", "created_at", "author_created_at_ms", "user.created_at")
)
KIND, COUNTRY, COUNTRY_CODE = map(slot_of, ("kind", "country", "place.country_code"))
RETWEET_OF, RETWEETED_STATUS = map(slot_of, ("retweet_of", "retweeted_status"))

TEXT, LANG, TAGS, TAG, LINK = range(5)
"""Columns of a source: the slots of its text, language and list of hashtags, and of each hashtag and each link."""
_OF_V1 = 2
_PLACES = ("extended_tweet.full_text", "extended_tweet.entities"), ("full_text", "entities"), ("text", "entities")


def _sources() -> Iterator[tuple[str, ...]]:
    for at in ("", "retweet_of."):
        yield f"{at}text", f"{at}lang", f"{at}hashtags", f"{at}hashtags[]", f"{at}urls[]"
    for at in ("", "retweeted_status."):
        for text, entities in _PLACES:
            tags, links = f"{at}{entities}.hashtags", f"{at}{entities}.urls"
            yield f"{at}{text}", f"{at}lang", tags, f"{tags}[].text", f"{links}[].expanded_url"


SOURCES = np.array([[slot_of(path) for path in source] for source in _sources()])
"""Places of a text that may count, with its hashtags and links; those of v1.1 in order of precedence."""


@compiled
def read_native(data: Any, members: Any, tweet: Any) -> Any:
    """Fill in the numbers of a tweet; return the source of its text, -1 for an unusual payload."""
    tweet[TWEET], tweet[AUTHOR] = integer(data, members, ID), integer(data, members, AUTHOR_ID)
    tweet[CREATED], tweet[YOUNG_SINCE] = integer(data, members, CREATED_AT_MS), integer(data, members, BORN_MS)
    tweet[IN_COUNTRY], tweet[RETWEET] = country(data, members, COUNTRY), members[RETWEET_OF, TYPE] == OBJECT
    is_usual = (
        min(tweet[TWEET], tweet[AUTHOR], tweet[CREATED], tweet[IN_COUNTRY], tweet[YOUNG_SINCE] + 1) >= 0
        and max(tweet[CREATED], tweet[YOUNG_SINCE]) < END_MS
        and members[CREATED_AT_MS, BEGIN] <= _PEEK
        and members[SOURCES[0, TEXT], TYPE] > NULL
        and (members[KIND, TYPE] != STRING or members[KIND, END] - members[KIND, BEGIN] != _DELETE_SIZE)
    )
    return tweet[RETWEET] if is_usual else np.int64(-1)


@compiled
def read_v1(data: Any, members: Any, tweet: Any) -> Any:
    """Fill in the numbers of a tweet; return the source of its text, -1 for an unusual payload.

    A text with an escape or an & is unusual, and an id without `id_str`.
    """
    tweet[TWEET], tweet[AUTHOR] = integer(data, members, ID_STR), integer(data, members, USER_ID_STR)
    tweet[CREATED], tweet[YOUNG_SINCE] = v1_time(data, members, CREATED_AT), v1_time(data, members, USER_CREATED_AT)
    tweet[IN_COUNTRY], tweet[RETWEET] = country(data, members, COUNTRY_CODE), members[RETWEETED_STATUS, TYPE] == OBJECT
    rounded = min(integer(data, members, ID), integer(data, members, USER_ID))
    if min(tweet[TWEET], tweet[AUTHOR], tweet[CREATED], tweet[YOUNG_SINCE] + 1, rounded + 1) < 0:
        return np.int64(-1)
    tweet[IN_COUNTRY] = max(tweet[IN_COUNTRY], 0)
    first = _OF_V1 + len(_PLACES) * tweet[RETWEET]
    for source in range(first, first + len(_PLACES)):
        text = SOURCES[source, TEXT]
        if members[text, TYPE] > NULL:
            return np.int64(-1) if np.any(data[members[text, BEGIN] : members[text, END]] == _AMPERSAND) else source
    return np.int64(-1)
