"""English wording of times, counts, countries and lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime


def time_words(at_ms: int) -> str:
    """Format a time in UTC, to the minute.

    >>> time_words(1_612_800_000_000)
    '2021-02-08 16:00 UTC'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso_words(at_ms: int) -> str:
    """Format a time as ISO 8601 in UTC, to the millisecond.

    >>> iso_words(1_612_800_000_000)
    '2021-02-08T16:00:00.000+00:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def day_words(at_ms: int) -> str:
    """Format a day in UTC.

    >>> day_words(1_612_800_000_000)
    '8 February 2021'
    """
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at.day} {at:%B %Y}"


def counted(count: int, noun: str) -> str:
    """Format a count with its noun; the plural gets an s.

    >>> counted(1, "account"), counted(1_178, "account")
    ('1 account', '1,178 accounts')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def listed(parts: Sequence[str]) -> str:
    """Join items with commas and "and".

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
