"""Escaping, entities and times of both Twitter shapes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_URL = re.compile(r"https?://\S+")
_MENTION = re.compile(r"(?<!\w)@(\w{1,15})", re.ASCII)


def escaped(text: str) -> str:
    """Escape a text as Twitter's API does: &, < and >, nothing else."""
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def tag_spans(text: str, tags: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """Locate hashtags in the escaped text: (tag, start, end), half-open code points with the #; skip a cut one."""
    spans = []
    for tag in tags:
        at = text.find("#" + tag)
        end = at + 1 + len(tag)
        while at >= 0 and end < len(text) and text[end] != " ":  # the beginning of a longer tag
            at = text.find("#" + tag, end)
            end = at + 1 + len(tag)
        if at >= 0:
            spans.append((tag, at, end))
    spans.sort(key=lambda span: span[1])
    return spans


def url_spans(text: str) -> list[tuple[str, int, int]]:
    """Locate links: (url, start, end) of each."""
    return [(match[0], match.start(), match.end()) for match in _URL.finditer(text)] if "://" in text else []


def mention_spans(text: str) -> list[tuple[str, int, int]]:
    """Locate mentions: (screen name, start, end) of each @name."""
    return [(match[1], match.start(), match.end()) for match in _MENTION.finditer(text)] if "@" in text else []


@lru_cache(maxsize=4096)
def v1_time(second: int) -> str:
    """Format seconds since the epoch as `Thu Mar 10 23:12:12 +0000 2016`.

    >>> v1_time(1_457_651_532)
    'Thu Mar 10 23:12:12 +0000 2016'
    """
    at = _EPOCH + timedelta(seconds=second)
    return f"{_DAYS[at.weekday()]} {MONTHS[at.month - 1]} {at.day:02} {at:%H:%M:%S} +0000 {at.year:04}"


def v2_time(at_ms: int) -> str:
    """Format milliseconds since the epoch as `2021-03-01T12:34:56.000Z`.

    >>> v2_time(1_614_602_096_007)
    '2021-03-01T12:34:56.007Z'
    """
    second, ms = divmod(at_ms, 1000)
    return f"{_v2_second(second)}.{ms:03}Z"


@lru_cache(maxsize=4096)
def _v2_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat()
