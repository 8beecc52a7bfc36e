"""Moments as an operator writes and reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from streams.errors import CallerMistake
from streams.policy.durations import parse_duration


def moment_ms(text: str, now_ms: int) -> int:
    """Milliseconds of a moment in the past: `02:04` or `02:04:30` (the last such), a date and time, or `10m` ago; UTC.

    >>> moment_ms("10m", 3_600_000), moment_ms("1970-01-01 00:30", 3_600_000), moment_ms("00:30", 3_600_000)
    (3000000, 1800000, 1800000)

    Raises:
        CallerMistake: it is none, or not in the past.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    ago_ms = parse_duration(text)
    if ago_ms is not None:
        return now_ms - ago_ms
    try:
        if "-" not in text:
            found = datetime.combine(now.date(), datetime.strptime(text, _form(text)).time(), UTC)
            found = found if found <= now else found - timedelta(days=1)
        else:
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        raise CallerMistake(f"--at {text!r} is no moment", fix="write 02:04, 2026-11-25 02:04 (UTC), or 10m") from None
    if found > now:
        raise CallerMistake(f"--at {text!r} is not in the past", fix="leave it away to ask about now")
    return int(found.timestamp() * 1000)


def in_utc(at_ms: int, *, seconds: bool = False) -> str:
    """A moment to the minute, or to the second.

    >>> in_utc(3_661_000), in_utc(3_661_000, seconds=True)
    ('1970-01-01 01:01 UTC', '1970-01-01 01:01:01 UTC')
    """
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M{':%S' if seconds else ''}} UTC"


def _form(text: str) -> str:
    return "%H:%M:%S" if text.count(":") == 2 else "%H:%M"
