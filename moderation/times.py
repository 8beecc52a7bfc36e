"""Moments between people and records: written in UTC, to the minute; read as ISO 8601, in UTC without an offset."""

from __future__ import annotations

from datetime import UTC, datetime

from streams.errors import CallerMistake


def time_words(at_ms: int) -> str:
    """A moment.

    >>> time_words(1_612_800_000_000)
    '2021-02-08 16:00 UTC'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso_words(at_ms: int) -> str:
    """A moment to the millisecond, as it can be typed.

    >>> iso_words(1_612_800_000_000)
    '2021-02-08T16:00:00.000+00:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def day_words(at_ms: int) -> str:
    """A day.

    >>> day_words(1_612_800_000_000)
    '8 February 2021'
    """
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at.day} {at:%B %Y}"


def moment_ms(text: str) -> int:
    """Milliseconds since the Unix epoch.

    Raises:
        CallerMistake: it is no date and time.

    >>> moment_ms("1970-01-01T05:30:01.003+05:30")
    1003
    """
    try:
        at = datetime.fromisoformat(text)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise CallerMistake(f"{text[:40]!r} is not a date and time", fix="such as 2026-12-31T18:00:00+05:30") from None
