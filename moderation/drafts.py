"""From what a moderator typed to what may be written: everything is checked here, before anything is sent.

Pure, so that the command line and an HTTP API refuse the same things in the same words.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from moderation.times import moment_ms
from streams.errors import CallerMistake
from streams.log.fields import RESERVED_SURFACES
from streams.log.moderation import Verb
from streams.naming import Tag, country_of, tag_of

SURFACES = ("search", "trends")
"""Where hashtags are hidden, unless the policy says otherwise."""
LONGEST_MS = 366 * 86_400_000
"""A human override must be renewed at least once a year."""
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_SURFACE = re.compile(r"[a-z][a-z0-9_-]{0,39}")


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
    family: str = ""
    """The hashtag whose look-alikes are decided on together."""
    category: str = ""
    """Of the stop button alone: it lifts only this category."""


@dataclass(frozen=True, slots=True)
class UndoDraft:
    """A wish to undo the last override in a scope. `country` and `surfaces` None: wherever it stands."""

    tag: Tag
    country: str | None
    surfaces: tuple[str, ...] | None
    actor: str
    reason: str


def surfaces_of(written: Sequence[str], known: Sequence[str], *, closed: bool) -> tuple[str, ...]:
    """The surfaces meant, sorted; none given means all that are known.

    Args:
        closed: whether `known` is all there is, so that another one is a mistake.

    Raises:
        CallerMistake: one is unknown, or cannot be a surface.
    """
    for surface in written:
        if surface in RESERVED_SURFACES:
            raise CallerMistake(
                f"on {surface!r} no hashtag is shown", fix="accounts and tweets are decided on by hushtag orders decide"
            )
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
    expires_at_ms = moment_ms(until) if until else now_ms + duration_ms(lasts or default)
    if expires_at_ms <= now_ms:
        raise CallerMistake("it would be over before it begins", fix="give a time to come, or a longer duration")
    if expires_at_ms > now_ms + LONGEST_MS:
        raise CallerMistake("an override lasts at most 366 days", fix="renew it before it ends")
    return expires_at_ms


def words_of(actor: str, reason: str) -> tuple[str, str]:
    """Actor and reason, trimmed.

    Raises:
        CallerMistake: one is empty, longer than 2,000 characters, not UTF-8, or would control a terminal.
    """
    return _words("an actor", "--actor", actor), _words("a reason", "--reason", reason)


def _words(what: str, option: str, text: str) -> str:
    if not 0 < len(text.strip()) <= 2_000:
        raise CallerMistake(f"every decision needs {what}", fix=f"give {option}, at most 2,000 characters")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
        raise CallerMistake(f"{option} has bytes that are no text", fix="plain text in UTF-8")
    return text.strip()


def duration_ms(text: str) -> int:
    """A duration such as `30m`, `2h` or `1d12h`, in ms.

    Raises:
        CallerMistake: it cannot be read.
    """
    parts = re.findall(r"([0-9]{1,9})([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise CallerMistake(f"{text[:40]!r} is not a duration", fix="such as 30m, 2h, 7d or 1d12h")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


__all__ = ["SURFACES", "Draft", "Tag", "UndoDraft", "country_of", "expiry_of", "surfaces_of", "tag_of", "words_of"]
