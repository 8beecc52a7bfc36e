"""Normalise hashtags: two spellings with the same normal form are the same hashtag.

One step: remove invisible code points (Unicode's Default_Ignorable_Code_Point: zero-width and bidi controls, variation
selectors), NFKC, casefold, NFKC, remove again, remove leading #. Steps repeat until the text no longer changes, at most
`MOST_STEPS` times. Therefore `normalise(normalise(x)) == normalise(x)` for every string.

Combining marks stay: in Indic scripts they carry meaning. Every service that reads flags must apply the same rule;
`docs/flags-contract.md` documents it and has test vectors.

The rule is that of one Unicode version, `UNICODE`. Its algorithms are stable for the code points that it assigns. A
Python with a newer version knows more code points, so the text is cut there, and they stay unchanged
(`normalise-data.json`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib import resources

UNICODE = "14.0.0"
"""Version of the rule: that of the oldest supported Python."""
MOST_STEPS = 4
"""Greatest number of steps. No known text needs more than one and a second that changes nothing."""

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties: soft hyphen, combining grapheme joiner, Arabic letter
# mark, Hangul fillers, Khmer inherent vowels, Mongolian selectors, zero-width space and joiners, bidi marks and
# controls, word joiner and invisible operators, variation selectors, byte order mark, shorthand and musical format
# controls, tags.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def fold_known(unassigned: str) -> Callable[[str], str]:
    """Return a function that folds the parts of a text between the code points of a character class.

    Args:
        unassigned: content of a character class: the code points that `UNICODE` does not assign.
    """
    cut = re.compile(f"([{unassigned}])")

    def fold(text: str) -> str:
        return "".join(part if at % 2 else _fold(part) for at, part in enumerate(cut.split(text)))

    return fold


def unassigned_class() -> str:
    """Read the code points that `UNICODE` does not assign, as the content of a character class."""
    data = json.loads(resources.files("hushtag_client").joinpath("normalise-data.json").read_text("ascii"))
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in data["unassigned"])


_folded = _fold if unicodedata.unidata_version == UNICODE else fold_known(unassigned_class())


def _step(text: str) -> str:
    return _IGNORABLE.sub("", _folded(_IGNORABLE.sub("", text))).lstrip("#")


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
    for _ in range(MOST_STEPS):
        stepped = _step(hashtag)
        if stepped == hashtag:
            break
        hashtag = stepped
    return hashtag
