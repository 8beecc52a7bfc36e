"""Moments as people read them: in UTC, to the minute, and days where the hour does not matter."""

from __future__ import annotations

from datetime import UTC, datetime


def time_words(at_ms: int) -> str:
    """A moment.

    >>> time_words(1_612_800_000_000)
    '2021-02-08 16:00 UTC'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def day_words(at_ms: int) -> str:
    """A day.

    >>> day_words(1_612_800_000_000)
    '8 February 2021'
    """
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at.day} {at:%B %Y}"
