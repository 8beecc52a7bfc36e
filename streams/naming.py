"""Between people and records: what they mean by a hashtag or a country that they type, and how long a time is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from hushtag_client.normalise import normalise

from streams.errors import CallerMistake
from streams.policy.countries import COUNTRIES, WORLD, nearest_country

_CONFUSED = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Scripts whose letters pass for each other's."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A hashtag as meant and as written; `notes` are for the moderator's eyes."""

    hashtag: str
    """Normalised."""
    display: str
    notes: tuple[str, ...] = ()


def tag_of(written: str) -> Tag:
    """What a moderator's spelling means.

    Raises:
        CallerMistake: it cannot be a hashtag.

    >>> tag_of("#Ｔａｇ").hashtag, tag_of("#Ｔａｇ").notes
    ('tag', ('#Ｔａｇ means #tag',))
    """
    display = written.strip().removeprefix("#").removeprefix("＃")
    wrong = ""
    if any("\ud800" <= c <= "\udfff" for c in display):
        wrong = "it is not UTF-8"
    elif not normalise(display):
        wrong = "nothing of it is left when it is normalised" if display else "it is empty"
    elif len(display) > 280 or len(normalise(display)) > 280:
        wrong = "longer than a tweet"
    elif any(c.isspace() or unicodedata.category(c) == "Cc" or c in "#＃*" for c in display):
        wrong = "one hashtag has no spaces, control characters, # or *"
    if wrong:
        raise CallerMistake(
            f"{ascii(written)[:80]} is not a hashtag: {wrong}", fix="give it as it is shown, with or without #"
        )
    hashtag = normalise(display)
    notes = [] if display.lower() == hashtag else [f"#{display} means #{hashtag}"]
    if len(mixed := _scripts(hashtag)) > 1:
        odd = ", ".join(f"{c} {unicodedata.name(c)}" for c in dict.fromkeys(hashtag) if _script(c) in mixed[1:])
        notes.append(
            f"#{hashtag} mixes {' and '.join(s.title() for s in mixed)} ({odd}): look-alikes are tags of their own"
        )
    return Tag(hashtag, display, tuple(notes))


def country_of(written: str | None) -> str:
    """A country as the records have it; None means the world.

    Raises:
        CallerMistake: no such country; the nearest is named.
    """
    if written is None or written == WORLD:
        return WORLD
    if (code := written.upper()) in COUNTRIES:
        return code
    meant = nearest_country(written)
    raise CallerMistake(
        f"{written[:20]!r} is not a country",
        fix=f"did you mean {meant}?" if meant else "an ISO 3166-1 code such as IN, or *",
    )


def in_words(duration_ms: int) -> str:
    """A duration in its handiest unit, rounded.

    >>> [in_words(ms) for ms in (30_000, 5_400_000, 7 * 86_400_000)]
    ['30 s', '90 min', '7 days']
    """
    seconds = max(0, duration_ms // 1000)
    for unit_seconds, limit, name in ((1, 120, "s"), (60, 7_200, "min"), (3_600, 172_800, "h")):
        if seconds < limit:
            return f"{round(seconds / unit_seconds)} {name}"
    return f"{round(seconds / 86_400)} days"


def _scripts(text: str) -> list[str]:
    """The scripts in it whose letters pass for each other's, the commonest first."""
    found = [script for c in text if (script := _script(c))]
    return sorted(dict.fromkeys(found), key=found.count, reverse=True)


def _script(character: str) -> str:
    first = unicodedata.name(character, "").split(" ")[0]
    return first if first in _CONFUSED else ""
