"""Canonical form of a hashtag."""

from __future__ import annotations

import re
from functools import lru_cache

from hushtag_client.normalise import normalise

MAX_HASHTAG = 280
"""Maximum length in code points, as written and normalised: that of a tweet. A longer hashtag does not count."""

_NEVER_IN_ONE = re.compile("[\\s#\uff03\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


@lru_cache(maxsize=65_536)
def _canonical(display: str) -> str:
    if _NEVER_IN_ONE.search(display):
        return ""
    hashtag = normalise(display)
    return hashtag if len(hashtag) <= MAX_HASHTAG else ""


def canonical(display: str) -> str:
    """Normalise a hashtag as written, without its #; return "" for an invalid one.

    A hashtag is invalid if it is empty after normalisation, is longer than `MAX_HASHTAG`, or contains white space,
    control characters, a # or half a surrogate pair. Such a hashtag cannot be typed, and the grammar does not match it.
    """
    return _canonical(display) if len(display) <= MAX_HASHTAG else ""
