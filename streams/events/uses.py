"""Distinct hashtags of one tweet, from its entities, from a list of names, or from its text."""

from __future__ import annotations

from collections.abc import Iterable

from streams.events.canonical import canonical
from streams.events.fields import unescape
from streams.events.grammar import SIGNS, extract_hashtags
from streams.events.tweet import NOWHERE, HashtagUse

MAX_HASHTAGS = 100
"""Maximum number of distinct hashtags of one tweet; later ones do not count. 280 characters have room for 93."""

MAX_SEARCHED = 25_000
"""Code points of a text that are searched: the length of the longest post. Bounds the cost of one record."""

Uses = tuple[HashtagUse, ...]

_PLAIN_ENDS = " \n\t.,;!?)\"'"


def from_text(text: str) -> Uses:
    """Extract hashtags with the grammar, for a payload that does not list them."""
    uses = extract_hashtags(text[:MAX_SEARCHED])
    if len(uses) < 2:
        return tuple(uses)
    found: dict[str, HashtagUse] = {}
    for use in uses:
        found.setdefault(use.hashtag, use)
    return tuple(found.values())[:MAX_HASHTAGS]


def from_names(names: Iterable[str]) -> Uses:
    """Convert a list of hashtags as written, with or without #; their positions are unknown."""
    found: dict[str, HashtagUse] = {}
    for name in names:
        display = name[1:] if name and name[0] in SIGNS else name
        hashtag = canonical(display)
        if hashtag and hashtag not in found:
            found[hashtag] = HashtagUse(hashtag, display, NOWHERE, NOWHERE)
            if len(found) == MAX_HASHTAGS:
                break
    return tuple(found.values())


def located(uses: Iterable[HashtagUse], text: str) -> Uses:
    """Find the positions of hashtags that have none in the text."""
    placed = [use if use.start >= 0 else _place(use.hashtag, use.display, text) for use in uses]
    return _settle({use.hashtag: use for use in placed}, text)


def from_entities(entities: Iterable[tuple[str, int, int]], raw: str, text: str) -> Uses:
    """Convert a payload's entities.

    Args:
        entities: (spelling without #, start, end) of each, in code points of `raw`.
        raw: text as in the payload, escaped.
        text: same text unescaped; the positions of the result refer to it.
    """
    found: dict[str, HashtagUse] = {}
    for display, start, end in entities:
        hashtag = canonical(display)
        if not hashtag or hashtag in found:
            continue
        if (
            start < 0
            or end != start + 1 + len(display)
            or not raw.startswith(display, start + 1)
            or raw[start] not in SIGNS
        ):
            found[hashtag] = _place(hashtag, display, text)
        else:
            shift = 0 if raw is text else start - len(unescape(raw[:start]))
            found[hashtag] = HashtagUse(hashtag, display, start - shift, end - shift)
        if len(found) == MAX_HASHTAGS:
            break
    return _settle(found, text)


def _place(hashtag: str, display: str, text: str) -> HashtagUse:
    """Locate #display if a plain delimiter follows it; otherwise leave it for the grammar."""
    start = text.find("#" + display)
    end = start + 1 + len(display)
    if start >= 0 and text[end : end + 1] in _PLAIN_ENDS:  # also true for "", the end of the text
        return HashtagUse(hashtag, display, start, end)
    return HashtagUse(hashtag, display, NOWHERE, NOWHERE)


def _settle(found: dict[str, HashtagUse], text: str) -> Uses:
    """Locate the remaining uses with the grammar."""
    uses = tuple(found.values())
    for use in uses:
        if use.start < 0 and ("#" in text or "\uff03" in text):
            places: dict[str, HashtagUse] = {}
            for other in extract_hashtags(text[:MAX_SEARCHED]):
                places.setdefault(other.display, other)
            return tuple(places.get(use.display, use) if use.start < 0 else use for use in uses)
    return uses
