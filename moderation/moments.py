"""Points in time between people and records: ISO 8601 with an offset, UTC where none is given."""

from __future__ import annotations

from datetime import UTC, datetime

from streams.errors import CallerMistake


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
