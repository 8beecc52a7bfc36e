"""Resolve hashtags and countries that people type, and format durations."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from hushtag_client.normalise import normalise

from streams.countries import COUNTRIES, WORLD, country_name, nearest_countries
from streams.errors import CallerMistake

JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner: Persian and the scripts of India are written with them."""
_CONFUSED = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Scripts with letters that look alike."""


@dataclass(frozen=True, slots=True)
class TypedHashtag:
    """Hashtag that a person typed; `notes` are hints for the moderator."""

    hashtag: str
    """Normalised form of the hashtag."""
    display: str
    notes: tuple[str, ...] = ()


def tag_of(written: str) -> TypedHashtag:
    """Normalise a hashtag that a person typed.

    Raises:
        CallerMistake: it is not a valid hashtag.

    >>> tag_of("#Ｔａｇ").hashtag, tag_of("#Ｔａｇ").notes
    ('tag', ('#Ｔａｇ means #tag',))
    """
    display = written.strip().removeprefix("#").removeprefix("＃")
    wrong = ""
    if any("\ud800" <= c <= "\udfff" for c in display):
        wrong = "it is not UTF-8"
    elif not normalise(display):
        wrong = "it is empty after normalisation" if display else "it is empty"
    elif len(display) > 280 or len(normalise(display)) > 280:
        wrong = "longer than a tweet"
    elif any(c.isspace() or unicodedata.category(c) == "Cc" or c in "#＃*" for c in display):
        wrong = "one hashtag has no spaces, control characters, # or *"
    if wrong:
        raise CallerMistake(
            f"{ascii(written)[:80]} is not a hashtag: {wrong}", fix="write it as shown in tweets, with or without #"
        )
    hashtag = normalise(display)
    notes = [] if display.lower() == hashtag else [f"#{display} means #{hashtag}"]
    if len(mixed := _scripts(hashtag)) > 1:
        odd = ", ".join(f"{c} {unicodedata.name(c)}" for c in dict.fromkeys(hashtag) if _script(c) in mixed[1:])
        notes.append(
            f"#{hashtag} mixes {' and '.join(s.title() for s in mixed)} ({odd}): look-alikes are other hashtags"
        )
    return TypedHashtag(hashtag, display, tuple(notes))


def unseen_character(text: str) -> str:
    """Name the first control or format character of a text, but for joiners; "" without one.

    They are the categories Cc, Cf, Zl and Zp of Unicode: bidi controls such as U+202E and U+2066, which reverse the
    words around them, marks of direction, and others that cannot be seen.

    >>> unseen_character(f"abc{chr(0x202E)}def"), unseen_character("abc")
    ('U+202E RIGHT-TO-LEFT OVERRIDE', '')
    """
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and character not in JOINERS:
            return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    return ""


def recordable_tag(written: str) -> TypedHashtag:
    """Normalise a hashtag whose spelling a decision will show.

    Raises:
        CallerMistake: it is not a valid hashtag, or has a character that cannot be seen.
    """
    tag = tag_of(written)
    if unseen := unseen_character(tag.display):
        raise CallerMistake(
            f"{ascii(written)[:80]} has the invisible character {unseen}", fix=f"write it without: {tag.hashtag}"
        )
    return tag


def country_of(written: str | None) -> str:
    """Convert a country that a person typed to its code in records; None means the world.

    Raises:
        CallerMistake: there is no such country; the error suggests the nearest.

    >>> country_of("in"), country_of(None)
    ('IN', '*')
    """
    if written is None or written == WORLD:
        return WORLD
    if (code := written.upper()) in COUNTRIES:
        return code
    near = [code if code == WORLD else f"{code} ({country_name(code)})" for code in nearest_countries(written)]
    meant = f"did you mean {', '.join(near)}? " if near else ""
    raise CallerMistake(
        f"unknown country {written[:20]!r}",
        fix=f"{meant}use two letters of ISO 3166-1, such as IN; or * for everywhere",
    )


def format_duration(duration_ms: int) -> str:
    """Format a duration in a suitable unit, rounded.

    >>> [format_duration(ms) for ms in (30_000, 5_400_000, 7 * 86_400_000)]
    ['30 s', '90 min', '7 days']
    """
    seconds = max(0, duration_ms // 1000)
    for unit_seconds, limit, name in ((1, 120, "s"), (60, 7_200, "min"), (3_600, 172_800, "h")):
        if seconds < limit:
            return f"{round(seconds / unit_seconds)} {name}"
    return f"{round(seconds / 86_400)} days"


def _scripts(text: str) -> list[str]:
    """List the confusable scripts of a text, the most frequent first."""
    scripts = [script for c in text if (script := _script(c))]
    return sorted(dict.fromkeys(scripts), key=scripts.count, reverse=True)


def _script(character: str) -> str:
    first = unicodedata.name(character, "").split(" ")[0]
    return first if first in _CONFUSED else ""
