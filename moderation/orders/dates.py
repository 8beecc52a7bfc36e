"""Dates of an order. Pure.

A date without a time is a different period in each time zone, so it is read as all moments that it may mean. A check
refuses a date only if no time zone allows it, and a clock runs to the earliest possible end, so that it is never late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from moderation.tables import BadCell
from moderation.wording import time_words

DAY_MS = 86_400_000
EARLIEST_MS = 14 * 3_600_000
"""Lead of the first time zone in which a day begins (UTC+14)."""
LATEST_MS = 12 * 3_600_000
"""Lag of the last time zone in which a day ends (UTC-12)."""
BEYOND_MS = 10**15
"""Upper limit of a record's times, excluded."""


@dataclass(frozen=True, slots=True)
class OrderDate:
    """A time or a day, as an order writes it."""

    at_ms: int
    """The moment; for a day its first moment in UTC."""
    is_day: bool

    @property
    def first_ms(self) -> int:
        """Earliest moment that may be meant."""
        return self.at_ms - EARLIEST_MS if self.is_day else self.at_ms

    @property
    def last_ms(self) -> int:
        """Latest moment that may be meant."""
        return self.at_ms + DAY_MS + LATEST_MS - 1 if self.is_day else self.at_ms

    @property
    def end_ms(self) -> int:
        """Last moment of a day in UTC."""
        return self.at_ms + DAY_MS - 1 if self.is_day else self.at_ms

    @property
    def due_ms(self) -> int:
        """Moment to which a deadline's clock runs: the end of a day where it ends first.

        >>> OrderDate(0, True).due_ms == 10 * 3_600_000 - 1, OrderDate(5, False).due_ms
        (True, 5)
        """
        return self.end_ms - EARLIEST_MS if self.is_day else self.at_ms


def parse_date(field: str, written: str) -> OrderDate:
    """Parse a time in ISO 8601, in UTC if it has no offset.

    Raises:
        BadCell: it cannot be parsed.
    """
    text = written.strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(field, written, "not a date", "such as 2021-02-08 or 2021-02-08T18:00:00+05:30") from None
    at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    if not 0 <= at_ms < BEYOND_MS:
        raise BadCell(field, written, "out of range", "a date after 1970")
    return OrderDate(at_ms, is_day(text))


def parse_time(field: str, written: str, *, end: bool = False) -> int:
    """Parse a time in ISO 8601 to ms; a day gives its first moment in UTC, or its last with `end`.

    Raises:
        BadCell: it cannot be parsed.
    """
    parsed = parse_date(field, written)
    return parsed.end_ms if end else parsed.at_ms


def is_day(written: str) -> bool:
    """Whether a text is a date without a time.

    >>> is_day("2021-02-08"), is_day("20210208"), is_day("2021-02-08T18:00"), is_day("+48h")
    (True, True, False, False)
    """
    try:
        date.fromisoformat(written.strip())
    except ValueError:
        return False
    return True


def deadline_note(deadline: str, received: str, deadline_ms: int) -> str:
    """Explain to which moment the clock runs if only a day is known; else return ""."""
    at = time_words(deadline_ms)
    if is_day(deadline):
        return f"the deadline {deadline.strip()} has no time: it runs to {at}, when that day ends first on earth"
    if deadline.strip().startswith("+") and is_day(received):
        day = received.strip()
        return f"the deadline runs to {at}: {deadline.strip()} from when {day} begins first on earth"
    return ""
