"""What a hashtag counts as: its normal form, or nothing."""

from __future__ import annotations

import re
from functools import lru_cache

from hushtag_client.normalise import normalise

MAX_HASHTAG = 280
"""Code points of a hashtag, as written and normalised: the length of a tweet. A longer one does not count."""

_NEVER_IN_ONE = re.compile("[\\s#\uff03\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


@lru_cache(maxsize=65_536)
def _canonical(display: str) -> str:
    if _NEVER_IN_ONE.search(display):
        return ""
    hashtag = normalise(display)
    return hashtag if len(hashtag) <= MAX_HASHTAG else ""


def canonical(display: str) -> str:
    """The normal form of a hashtag as written (without its #), or "" where it can be none.

    It can be none if it is empty once normalised, longer than `MAX_HASHTAG`, or has white space, control characters,
    a # or half a surrogate pair in it: nobody could type it, and no grammar finds it.
    """
    if len(display) > MAX_HASHTAG:
        return ""
    if display.isascii() and display.isalnum():  # most are, and a table of all that were seen is slower than this
        return display.lower()
    return _canonical(display)
