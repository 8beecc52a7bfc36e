"""When an order's dates are. A day without a time is another stretch of time in each place, so it is read as all the
moments that it may mean: a check refuses only what no place allows, and a clock runs to the earliest, never late. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from moderation.tables import BadCell
from moderation.times import time_words

DAY_MS = 86_400_000
EARLIEST_MS = 14 * 3_600_000
"""How long before UTC a day begins where it begins first (UTC+14)."""
LATEST_MS = 12 * 3_600_000
"""How long after UTC it ends where it ends last (UTC-12)."""
BEYOND_MS = 10**15
"""No moment of a record lies there."""


@dataclass(frozen=True, slots=True)
class When:
    """A time as it is written."""

    at_ms: int
    """Of a day its first moment in UTC."""
    is_day: bool

    @property
    def first_ms(self) -> int:
        """The earliest moment that may be meant."""
        return self.at_ms - EARLIEST_MS if self.is_day else self.at_ms

    @property
    def last_ms(self) -> int:
        """The latest one."""
        return self.at_ms + DAY_MS + LATEST_MS - 1 if self.is_day else self.at_ms

    @property
    def end_ms(self) -> int:
        """The last moment of a day in UTC."""
        return self.at_ms + DAY_MS - 1 if self.is_day else self.at_ms

    @property
    def due_ms(self) -> int:
        """Of a deadline: the last moment of a day where it ends first.

        >>> When(0, True).due_ms == 10 * 3_600_000 - 1, When(5, False).due_ms
        (True, 5)
        """
        return self.end_ms - EARLIEST_MS if self.is_day else self.at_ms


def when_of(field: str, written: str) -> When:
    """A time in ISO 8601, UTC where a time has no offset.

    Raises:
        BadCell: it cannot be read.
    """
    text = written.strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(field, written, "not a date", "such as 2021-02-08 or 2021-02-08T18:00:00+05:30") from None
    at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    if not 0 <= at_ms < BEYOND_MS:
        raise BadCell(field, written, "out of range", "a date after 1970")
    return When(at_ms, is_day(text))


def is_day(written: str) -> bool:
    """Whether it is a date without a time.

    >>> is_day("2021-02-08"), is_day("20210208"), is_day("2021-02-08T18:00"), is_day("+48h")
    (True, True, False, False)
    """
    try:
        date.fromisoformat(written.strip())
    except ValueError:
        return False
    return True


def read_as(deadline: str, received: str, deadline_ms: int) -> str:
    """To what moment the clock runs and why, where a day is all that is known; else ""."""
    at = time_words(deadline_ms)
    if is_day(deadline):
        return f"the deadline {deadline.strip()} has no time: it runs to {at}, when that day ends first on earth"
    if deadline.strip().startswith("+") and is_day(received):
        day = received.strip()
        return f"the deadline runs to {at}: {deadline.strip()} from when {day} begins first on earth"
    return ""
