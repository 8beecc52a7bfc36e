"""From what a moderator typed to what may be written: everything is checked here, before anything is sent.

Pure, so that the command line and an HTTP API refuse the same things in the same words.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hushtag_client.normalise import normalise
from streams.errors import CallerMistake
from streams.log.moderation import Verb
from streams.policy.countries import COUNTRIES, WORLD, nearest_country

SURFACES = ("search", "trends")
"""Where hashtags are hidden, unless the policy says otherwise."""
LONGEST_MS = 366 * 86_400_000
"""A human override must be renewed at least once a year."""
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_SURFACE = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_CONFUSED = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


@dataclass(frozen=True, slots=True)
class Tag:
    """A hashtag as meant and as written; `notes` are for the moderator's eyes."""

    hashtag: str
    """Normalised."""
    display: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An override that may be written."""

    tag: Tag
    action: Verb
    country: str
    surfaces: tuple[str, ...]
    actor: str
    reason: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class UndoDraft:
    """A wish to undo the last override in a scope. `country` and `surfaces` None: wherever it stands."""

    tag: Tag
    country: str | None
    surfaces: tuple[str, ...] | None
    actor: str
    reason: str


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
    notes = [] if display == hashtag else [f"#{display} means #{hashtag}"]
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


def surfaces_of(written: Sequence[str], known: Sequence[str], *, closed: bool) -> tuple[str, ...]:
    """The surfaces meant, sorted; none given means all that are known.

    Args:
        closed: whether `known` is all there is, so that another one is a mistake.

    Raises:
        CallerMistake: one is unknown, or cannot be a surface.
    """
    for surface in written:
        if _SURFACE.fullmatch(surface) and (surface in known or not closed):
            continue
        near = difflib.get_close_matches(surface, known, 1, 0.5)
        fix = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
        raise CallerMistake(f"there is no surface {surface[:40]!r}", fix=fix)
    return tuple(sorted(set(written or known)))


def expiry_of(lasts: str | None, until: str | None, default: str, now_ms: int) -> int:
    """When an override ends, in ms: after a duration such as `2h`, `7d`, `1d12h`, or at a date and time in ISO 8601.

    A date without an offset is in UTC. Within a year from now, so that nothing is forgotten for ever.

    Raises:
        CallerMistake: both are given, one cannot be read, or the time lies in the past or too far off.
    """
    if lasts and until:
        raise CallerMistake("--for and --until are two ways of saying one thing", fix="give one of them")
    if until:
        try:
            at = datetime.fromisoformat(until)
        except ValueError:
            raise CallerMistake(
                f"{until[:40]!r} is not a date and time", fix="such as 2026-12-31T18:00:00+05:30"
            ) from None
        expires_at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    else:
        expires_at_ms = now_ms + _duration_ms(lasts or default)
    if expires_at_ms <= now_ms:
        raise CallerMistake("it would be over before it begins", fix="give a time to come, or a longer duration")
    if expires_at_ms > now_ms + LONGEST_MS:
        raise CallerMistake("an override lasts at most 366 days", fix="renew it before it ends")
    return expires_at_ms


def words_of(actor: str, reason: str) -> tuple[str, str]:
    """Actor and reason, trimmed.

    Raises:
        CallerMistake: one is empty or longer than 2,000 characters.
    """
    for name, text in (("actor", actor), ("reason", reason)):
        if not 0 < len(text.strip()) <= 2_000:
            raise CallerMistake(
                f"every decision needs {'a reason' if name == 'reason' else 'an actor'}",
                fix=f"give --{name}, at most 2,000 characters",
            )
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise CallerMistake(f"the {name} is not UTF-8", fix=f"give --{name} in UTF-8")
    return actor.strip(), reason.strip()


def _duration_ms(text: str) -> int:
    parts = re.findall(r"([0-9]{1,9})([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise CallerMistake(f"{text[:40]!r} is not a duration", fix="such as 30m, 2h, 7d or 1d12h")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


def _scripts(text: str) -> list[str]:
    """The scripts in it whose letters pass for each other's, the commonest first."""
    found = [script for c in text if (script := _script(c))]
    return sorted(dict.fromkeys(found), key=found.count, reverse=True)


def _script(character: str) -> str:
    first = unicodedata.name(character, "").split(" ")[0]
    return first if first in _CONFUSED else ""
