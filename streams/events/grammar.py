"""Hashtag grammar of twitter-text, built from Unicode categories, and the canonical form of a hashtag.

A hashtag is a # (either width) that does not follow a letter, mark, digit or &, then a run of letters, marks, digits
and some joining signs of various scripts. The run has at least one letter or mark, and no # or :// follows it. A match
within a URL is not a hashtag. The grammar passes twitter-text's conformance cases.

Categories come from the Unicode tables of the running Python, so new letters follow its version. The planes of
ideographs are matched whole.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache, lru_cache

from hushtag_client.normalise import normalise

from streams.events.tweet import HashtagUse

SIGNS = "#\uff03"
MAX_HASHTAG = 280
"""Maximum length in code points, as written and normalised: that of a tweet. A longer hashtag does not count."""

_NEVER_IN_ONE = re.compile("[\\s#\uff03\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")

# Signs within words: underscore, middle dot, Hebrew maqaf, geresh and gershayim, Tibetan tsek, joiners (Persian and
# Indic scripts need them), Japanese marks and dashes, the Cyrillic kavyka.
_JOINING = "_\u00b7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e"


def _ranges(first: int, last: int) -> str:
    """Build regular expression ranges of all letters, marks and decimal digits in [first, last]."""
    parts: list[str] = []
    start = -1
    for code in range(first, last + 2):
        category = unicodedata.category(chr(code)) if code <= last else "--"
        if category[0] in "LM" or category == "Nd":
            start = code if start < 0 else start
        elif start >= 0:
            parts.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = -1
    return "".join(parts)


_SIGN = re.compile(f"[{SIGNS}]")


@cache
def _tag() -> re.Pattern[str]:
    """Compile the pattern of a hashtag, at its first use: a tenth of a second, which few commands need."""
    # Separate sets: `re` tests ranges above the basic plane one by one, and most characters must not get that far.
    basic = _ranges(0, 0xFFFF) + _JOINING
    astral = _ranges(0x10000, 0x1FFFF) + "\U00020000-\U0003ffff"  # ideographs
    astral += "\U000e0100-\U000e01ef"  # variation selectors
    astral_character = f"(?=[\U00010000-\U0010ffff])[{astral}]"
    return re.compile(
        f"[{SIGNS}]"
        # An emoji's variation selector may precede.
        f"(?:(?<![&{basic}].)(?<!{astral_character}.)|(?<=[\ufe0e\ufe0f].))"
        "(?![\ufe0f\u20e3])"  # the # keycap emoji
        f"(?=[\\d{_JOINING}]*+(?:[{basic}]|{astral_character}))"  # a letter or mark somewhere
        f"([{basic}]*+(?:{astral_character}[{basic}]*+)*+)"
        f"(?![{SIGNS}]|://)",
        re.DOTALL,
    )


_TOP_LEVEL = re.compile(
    "aero|agency|app|art|biz|blog|cat|chat|click|cloud|club|com|coop|dev|edu|email|events|fun|fund|global|gov|group|guru"
    "|help|host|info|int|jobs|life|link|live|media|mil|mobi|money|museum|name|net|network|news|one|online|ooo|org|party"
    "|photo|photos|pics|plus|press|pro|run|sale|shop|site|social|space|store|stream|studio|team|tech|tel|today|top"
    "|travel|tube|video|vip|web|website|wiki|win|work|works|world|wtf|xyz|zone|[a-z]{2}|xn--[a-z0-9-]+"
)
_NO_HOST_AFTER = "a-z0-9@\uff20$#\uff03"
_HOST = re.compile(
    f"(?:(?<![{_NO_HOST_AFTER}])(https?://)([^\\s/?#:@]++)|(?<![{_NO_HOST_AFTER}_.-])([a-z0-9][a-z0-9._-]*+))"
    "(?::[0-9]++)?(?=[/?])",
    re.IGNORECASE,
)
_IN_PATH = "a-z0-9\u00c0-\u024f\u0400-\u04ff!*';:=+,.$/%#\\[\\]\\-\u2013_~@|&?"
_PATH = re.compile(f"(?:[{_IN_PATH}]++|\\([{_IN_PATH}]*+\\))++", re.IGNORECASE)
_SHORT_LINK = re.compile("/[a-z0-9]*+", re.IGNORECASE)


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


def extract_hashtags(text: str) -> list[HashtagUse]:
    """Find all hashtags of a text, in order, with repeats. Linear in the text's length.

    >>> extract_hashtags("on the #16 bus to #Köln")
    [HashtagUse(hashtag='köln', display='Köln', start=18, end=23)]
    """
    uses: list[HashtagUse] = []
    urls: list[tuple[int, int]] | None = None
    match_tag = _tag().match
    end, is_wide = 0, SIGNS[1] in text
    while (start := _next_sign(text, end, is_wide)) >= 0:
        match, end = match_tag(text, start), start + 1
        if match:
            end = match.end()
            hashtag = canonical(match[1])
            if start and not text[start - 1].isspace():
                urls = url_spans(text) if urls is None else urls
                before = bisect_right(urls, (start, end))
                if before and start < urls[before - 1][1]:
                    hashtag = ""
            if hashtag:
                uses.append(HashtagUse(hashtag, match[1], start, end))
    return uses


def _next_sign(text: str, position: int, is_wide: bool) -> int:
    if not is_wide:
        return text.find("#", position)
    sign = _SIGN.search(text, position)
    return sign.start() if sign else -1


def _is_host(host: str) -> bool:
    name, _, top = host.lower().rpartition(".")
    return bool(name.strip(".") and _TOP_LEVEL.fullmatch(top))


def url_spans(text: str) -> list[tuple[int, int]]:
    """Find the URLs that could contain a hashtag, those with a path or a query: half-open code point spans, in order.

    Linear in the text's length: each run of host characters is scanned once. A host without a scheme counts if it ends
    in two letters or a well-known top level domain. twitter-text's full list changes every few weeks, and would change
    counts.

    >>> url_spans("see example.com/#top now")
    [(4, 20)]
    """
    if "/" not in text and "?" not in text:
        return []
    spans: list[tuple[int, int]] = []
    position = 0
    while host_match := _HOST.search(text, position):
        scheme, full, bare = host_match.groups()
        position = host_match.end()
        host = full or bare
        if not _is_host(host):
            continue
        path = (_SHORT_LINK if scheme and host.lower() == "t.co" else _PATH).match(text, position)
        if path:
            position = path.end()
            spans.append((host_match.start(), position))
    return spans
