"""Compose a tweet's text: place hashtags, prefix a retweet, vary copies."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

MAX_TEXT = 280
_SHOUTS = ("!", "!!!", " 🔥", " 😡😡", " 👇", "...", " 💯", " ‼️")


def with_tags(text: str, tags: Sequence[str], rng: Random) -> str:
    """Add hashtags after, before or within a text, and cut the text so that all has at most 280 code points."""
    if not tags:
        return text[:MAX_TEXT]
    room = MAX_TEXT - sum(len(tag) + 2 for tag in tags)
    if len(text) > room:
        text = text[: max(room - 1, 0)].rstrip() + "…"
    marked = ["#" + tag for tag in tags]
    how = rng.random()
    if how < 0.12:
        return " ".join([marked[0], text, *marked[1:]])
    if how < 0.27:
        words = text.split(" ")
        at = int(rng.random() * len(words))
        return " ".join([*words[:at], marked[0], *words[at:], *marked[1:]])
    return " ".join([text, *marked])


def retweet_text(screen_name: str, text: str) -> str:
    """Compose a retweet's text: the original after "RT @name:", cut to 140 code points."""
    whole = f"RT @{screen_name}: {text}"
    return whole if len(whole) <= 140 else whole[:139] + "…"


def varied(text: str, rng: Random) -> str:
    """Copy a text with a small edit: mostly decoration, sometimes a missing or stretched word."""
    how = rng.random()
    if how < 0.35:
        return text
    if how < 0.60:
        return text.rstrip(".!।") + _SHOUTS[int(rng.random() * len(_SHOUTS))]
    if how < 0.70:
        return text.upper()
    if how < 0.78:
        return f"{text} {int(rng.random() * 900) + 100}"
    if how < 0.86:
        return f"@user{int(rng.random() * 9000) + 1000} {text}"
    words = text.split(" ")
    at = int(rng.random() * len(words))
    if how < 0.93 and len(words) > 4:
        del words[at]
    else:
        words[at] += words[at][-1:] * 2
    return " ".join(words)
