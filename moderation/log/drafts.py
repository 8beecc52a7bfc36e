"""Validated values that go into and come out of the moderation service.

All input is checked here, before anything is sent to Kafka. The module is pure, so the command line and the HTTP API
reject the same input with the same message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from hushtag_client.registers import ANY_HASHTAG

from streams.errors import CallerMistake
from streams.log.decisions import version_of
from streams.log.moderation import LONGEST_MS, TagRecord, Verb
from streams.naming import TypedHashtag, country_of, unseen_character
from streams.policy.look_alikes import visual_form
from streams.policy.names import PolicyNames

STOP = TypedHashtag(ANY_HASHTAG, ANY_HASHTAG)
"""Target of the stop button: every hashtag."""
RESERVED_ACTORS = frozenset(("hushtag", "local"))
"""Actors that stand for the software in records; no person has such a name."""
_RESERVED_FORMS = frozenset(map(visual_form, RESERVED_ACTORS))
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


class End(NamedTuple):
    """End of a decision: a moment, or a duration from the log time of its record. Both 0: until revoked."""

    expires_at_ms: int = 0
    lasts_ms: int = 0

    def duration_ms(self, now_ms: int) -> int:
        """Return how long the decision lasts if it is written now."""
        return self.lasts_ms or self.expires_at_ms - now_ms


@dataclass(frozen=True, slots=True)
class OverrideDraft:
    """Validated override, not written yet."""

    tag: TypedHashtag
    action: Verb
    country: str
    surfaces: tuple[str, ...]
    actor: str
    reason: str
    expires_at_ms: int = 0
    lasts_ms: int = 0
    """Duration from the record's log time; 0: it ends at `expires_at_ms`."""
    family: str = ""
    """Hashtag whose look-alikes get the same decision; "" for a single decision."""
    category: str = ""
    """Only category that a stop button lifts; "" lifts every category."""


@dataclass(frozen=True, slots=True)
class UndoDraft:
    """Validated request to undo the last override of a scope.

    None for `country` or `surfaces` selects every place where the override is in force.
    """

    tag: TypedHashtag
    country: str | None
    surfaces: tuple[str, ...] | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class AcceptedRecord:
    """Record in the log that the fold accepted."""

    record: TagRecord
    offset: int

    @property
    def version(self) -> str:
        """Version of the record's scope, which the next edit must name."""
        return version_of(self.offset, 0)


def override_draft(
    names: PolicyNames,
    tag: TypedHashtag,
    action: Verb,
    *,
    country: str | None,
    surfaces: Sequence[str],
    actor: str,
    reason: str,
    end: End,
    category: str = "",
) -> OverrideDraft:
    """Validate an override.

    Raises:
        CallerMistake: a value cannot be used.
    """
    actor, reason = words_of(actor, reason)
    return OverrideDraft(
        tag=tag,
        action=action,
        country=country_of(country),
        surfaces=names.select_surfaces(surfaces),
        actor=actor,
        reason=reason,
        expires_at_ms=end.expires_at_ms,
        lasts_ms=end.lasts_ms,
        category=names.check_category(category),
    )


def undo_draft(
    names: PolicyNames, tag: TypedHashtag, *, country: str | None, surfaces: Sequence[str], actor: str, reason: str
) -> UndoDraft:
    """Validate an undo; no country or no surfaces selects every place where the override is in force.

    Raises:
        CallerMistake: a value cannot be used.
    """
    actor, reason = words_of(actor, reason)
    return UndoDraft(
        tag=tag,
        country=None if country is None else country_of(country),
        surfaces=names.select_surfaces(surfaces) if surfaces else None,
        actor=actor,
        reason=reason,
    )


def words_of(actor: str, reason: str) -> tuple[str, str]:
    """Trim and check an actor and a reason.

    Raises:
        CallerMistake: one is empty, longer than 2,000 characters, not UTF-8, or has control characters; the actor has
            a character that cannot be seen, or is reserved.
    """
    who, why = _text("an actor", "--actor", actor), _text("a reason", "--reason", reason)
    check_actor(who)
    return who, why


def stands_for_software(actor: str) -> bool:
    """Return whether a name is one of the software's in records, or looks like one."""
    return visual_form(actor) in _RESERVED_FORMS


def check_actor(actor: str) -> None:
    """Check the name of a person in records.

    Raises:
        CallerMistake: it stands for the software, or has a character that cannot be seen.
    """
    if stands_for_software(actor):
        raise CallerMistake(f"the actor {actor!r} stands for the software, not for a person", fix="give --actor NAME")
    if unseen := unseen_character(actor):
        raise CallerMistake(
            f"the actor {ascii(actor)[:80]} has the invisible character {unseen}", fix="give --actor without it"
        )


def end_of(lasts: str | None, until: str | None, default: str, now_ms: int) -> End:
    """Return the end of a decision, at most a year from now; a duration stays one.

    Args:
        lasts: a duration such as `2h`, `7d` or `1d12h`.
        until: a date and time in ISO 8601, in UTC without an offset.
        default: the duration if neither is given.
        now_ms: present time, Unix time in ms; it limits `until` alone.

    Raises:
        CallerMistake: both are given, one cannot be parsed, or the end is in the past or too far off.
    """
    if lasts and until:
        raise CallerMistake("--for and --until exclude each other", fix="give one of them")
    end = End(expires_at_ms=moment_ms(until)) if until else End(lasts_ms=duration_ms(lasts or default))
    if end.duration_ms(now_ms) <= 0:
        option = f"--until {until}" if until else f"--for {lasts or default}"
        raise CallerMistake(
            f"{option[:48]}: the override would end before it begins", fix="give a later time or a longer duration"
        )
    if end.duration_ms(now_ms) > LONGEST_MS:
        raise CallerMistake("an override lasts at most 366 days", fix="renew it before it ends")
    return end


def duration_ms(text: str) -> int:
    """Parse a duration such as `30m`, `2h` or `1d12h` to ms.

    Raises:
        CallerMistake: the text is not a duration.
    """
    parts = re.findall(r"([0-9]{1,9})([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise CallerMistake(f"{text[:40]!r} is not a duration", fix="such as 30m, 2h, 7d or 1d12h")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


def moment_ms(text: str) -> int:
    """Parse an ISO 8601 date and time to Unix time in ms; UTC without an offset.

    Raises:
        CallerMistake: the text is not a date and time.

    >>> moment_ms("1970-01-01T05:30:01.003+05:30")
    1003
    """
    try:
        at = datetime.fromisoformat(text)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise CallerMistake(f"{text[:40]!r} is not a date and time", fix="such as 2026-12-31T18:00:00+05:30") from None


def _text(what: str, option: str, text: str) -> str:
    if not text.strip():
        raise CallerMistake(f"every decision needs {what}", fix=f"give {option}, at most 2,000 characters")
    if len(text.strip()) > 2_000:
        raise CallerMistake(f"{option} has {len(text.strip()):,} characters", fix="shorten it to at most 2,000")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
        raise CallerMistake(f"{option} contains bytes that are not text", fix="plain text in UTF-8")
    return text.strip()
