"""Normalise hashtags: two spellings with the same normal form are the same hashtag.

One step: remove invisible code points (Unicode's Default_Ignorable_Code_Point: zero-width and bidi controls, variation
selectors), NFKC, casefold, NFKC, remove again, remove leading #. Steps repeat until the text no longer changes, because
one part can create work for another. For example, a half-width Hangul filler becomes ignorable only under NFKC, and
its neighbours may compose once it is removed. Therefore `normalise(normalise(x)) == normalise(x)` for every string.

Combining marks stay: in Indic scripts they carry meaning. Every service that reads flags must apply the same rule;
`docs/flags-contract.md` documents it and has test vectors.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties: soft hyphen, combining grapheme joiner, Arabic letter
# mark, Hangul fillers, Khmer inherent vowels, Mongolian selectors, zero-width space and joiners, bidi marks and
# controls, word joiner and invisible operators, variation selectors, byte order mark, shorthand and musical format
# controls, tags.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def _step(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _IGNORABLE.sub("", text)).casefold()
    return _IGNORABLE.sub("", unicodedata.normalize("NFKC", folded)).lstrip("#")


@lru_cache(maxsize=65_536)
def normalise(hashtag: str) -> str:
    """Return the canonical form of a hashtag, without its leading # (either width).

    It is idempotent and never raises on a string; the result is "" if no code point remains.

    >>> normalise("#FarmersProtest")
    'farmersprotest'
    >>> normalise("किसान") == "किसान"
    True
    """
    if hashtag.isascii():
        return hashtag.lower().lstrip("#")
    while (stepped := _step(hashtag)) != hashtag:
        hashtag = stepped
    return hashtag
