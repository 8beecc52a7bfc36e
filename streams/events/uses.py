"""Distinct hashtags of one tweet, from its entities, from a list of names, or from its text."""

from __future__ import annotations

from collections.abc import Iterable

from streams.events.grammar import SIGNS, canonical, extract_hashtags
from streams.events.tweet import NOWHERE, HashtagUse

MAX_HASHTAGS = 100
"""Maximum number of distinct hashtags of one tweet; later ones do not count. 280 characters have room for 93."""

MAX_SEARCHED = 25_000
"""Code points of a text that are searched: the length of the longest post. Bounds the cost of one record."""

Uses = tuple[HashtagUse, ...]

_PLAIN_ENDS = " \n\t.,;!?)\"'"


def from_text(text: str) -> Uses:
    """Extract hashtags with the grammar, for a payload that does not list them."""
    return _distinct(extract_hashtags(text[:MAX_SEARCHED]))


def from_names(names: Iterable[str]) -> Uses:
    """Convert a list of hashtags as written, with or without #; their positions are unknown."""
    return from_entities(name[1:] if name and name[0] in SIGNS else name for name in names)


def from_entities(displays: Iterable[str]) -> Uses:
    """Convert a payload's entities, given by their spellings without #; their positions are unknown."""
    return _distinct(HashtagUse(canonical(display), display, NOWHERE, NOWHERE) for display in displays)


def _distinct(uses: Iterable[HashtagUse]) -> Uses:
    by_hashtag: dict[str, HashtagUse] = {}
    for use in uses:
        if use.hashtag:
            by_hashtag.setdefault(use.hashtag, use)
            if len(by_hashtag) == MAX_HASHTAGS:
                break
    return tuple(by_hashtag.values())


def located(uses: Iterable[HashtagUse], text: str) -> Uses:
    """Find the positions of hashtags that have none: those before a plain delimiter, and with the grammar."""
    places = {other.display: other for other in reversed(extract_hashtags(text))}
    return tuple(use if use.start >= 0 else _place(use, text) or places.get(use.display, use) for use in uses)


def _place(use: HashtagUse, text: str) -> HashtagUse | None:
    start = text.find("#" + use.display)
    end = start + 1 + len(use.display)
    if start >= 0 and text[end : end + 1] in _PLAIN_ENDS:  # also true for "", the end of the text
        return HashtagUse(use.hashtag, use.display, start, end)
    return None
