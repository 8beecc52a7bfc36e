"""Find URLs in a text that could contain a hashtag: `example.com/#section` has none.

Linear in the text's length: each run of host characters is scanned once. A host without a scheme counts if it ends in
two letters or a well-known top level domain. twitter-text's full list changes every few weeks, and would change counts.
"""

from __future__ import annotations

import re

_TOP_LEVEL = re.compile(
    "aero|agency|app|art|biz|blog|cat|chat|click|cloud|club|com|coop|dev|edu|email|events|fun|fund|global|gov|group|guru"
    "|help|host|info|int|jobs|life|link|live|media|mil|mobi|money|museum|name|net|network|news|one|online|ooo|org|party"
    "|photo|photos|pics|plus|press|pro|run|sale|shop|site|social|space|store|stream|studio|team|tech|tel|today|top"
    "|travel|tube|video|vip|web|website|wiki|win|work|works|world|wtf|xyz|zone|[a-z]{2}|xn--[a-z0-9-]+"
)
_NOT_BEFORE = "a-z0-9@\uff20$#\uff03"
_HOST = re.compile(
    f"(?:(?<![{_NOT_BEFORE}])(https?://)([^\\s/?#:@]++)|(?<![{_NOT_BEFORE}_.-])([a-z0-9][a-z0-9._-]*+))"
    "(?::[0-9]++)?(?=[/?])",
    re.IGNORECASE,
)
_IN_PATH = "a-z0-9\u00c0-\u024f\u0400-\u04ff!*';:=+,.$/%#\\[\\]\\-\u2013_~@|&?"
_PATH = re.compile(f"(?:[{_IN_PATH}]++|\\([{_IN_PATH}]*+\\))++", re.IGNORECASE)
_SHORT_LINK = re.compile("/[a-z0-9]*+", re.IGNORECASE)


def _is_host(host: str) -> bool:
    name, _, top = host.lower().rpartition(".")
    return bool(name.strip(".") and _TOP_LEVEL.fullmatch(top))


def url_spans(text: str) -> list[tuple[int, int]]:
    """Find the URLs that have a path or a query; return half-open code point spans, in order.

    >>> url_spans("see example.com/#top now")
    [(4, 20)]
    """
    if "/" not in text and "?" not in text:
        return []
    spans: list[tuple[int, int]] = []
    position = 0
    while found := _HOST.search(text, position):
        scheme, full, bare = found.groups()
        position = found.end()
        host = full or bare
        if not _is_host(host):
            continue
        path = (_SHORT_LINK if scheme and host.lower() == "t.co" else _PATH).match(text, position)
        if path:
            position = path.end()
            spans.append((found.start(), position))
    return spans
