"""Dates of an order. Pure.

An order may write 03/04/2026. Such a date is read in the order of day and month that its country uses (CLDR), and shown
back in words where another reading exists.

A date without a time is a different period in each time zone, so it is read as all moments that it may mean. A check
refuses a date only if no time zone allows it, and a clock runs to the earliest possible end, so that it is never late.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Literal

from moderation.domain.tables import BadCell
from moderation.wording import time_words
from streams.countries import country_name

DAY_MS = 86_400_000
EARLIEST_MS = 14 * 3_600_000
"""Lead of the first time zone in which a day begins (UTC+14)."""
LATEST_MS = 12 * 3_600_000
"""Lag of the last time zone in which a day ends (UTC-12)."""
DATE_FIELDS = ("issued", "received", "deadline")
_LOCAL = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?:[ T,]+(\S.*))?")
DayOrder = Literal["day first", "month first"]
BEYOND_MS = 253_402_214_400_000
"""Upper limit of an order's times, excluded: the last day that a date can name begins then."""


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


@dataclass(frozen=True, slots=True)
class LocalDates:
    """Cells of an order with its dates in ISO 8601."""

    cells: dict[str, str]
    notes: tuple[str, ...]
    """Readings of dates that could be read in another way, in words."""


def read_local_dates(cells: Mapping[str, str], country: str) -> LocalDates:
    """Convert the dates of an order that are written as its country writes them.

    Args:
        cells: fields of the order as written.
        country: country of the order, ISO 3166-1.

    Raises:
        BadCell: a date has two readings, and the country prefers neither.
    """
    read, notes = dict(cells), []
    for field in DATE_FIELDS:
        match = _LOCAL.fullmatch(cells.get(field, "").strip())
        if match is None:
            continue
        day, why = _local_day(field, match, country)
        read[field] = day.isoformat() + (f"T{match[5]}" if match[5] else "")
        if why:
            notes.append(f"{field} {match[0]} is read as {day.day} {day:%B %Y} ({why})")
    return LocalDates(read, tuple(notes))


@cache
def day_order(country: str) -> DayOrder | None:
    """Return which of day and month a country writes first; None where neither comes first.

    >>> day_order("IN"), day_order("US"), day_order("CA")
    ('day first', 'month first', None)
    """
    from babel import Locale, UnknownLocaleError
    from babel.languages import get_official_languages

    day_orders: set[DayOrder] = set()
    for language in get_official_languages(country, de_facto=True):
        try:
            first = Locale.parse(f"{language}_{country}").date_formats["short"].pattern.lstrip()[:1]
        except UnknownLocaleError:
            continue
        if first in "dM":
            day_orders.add("day first" if first == "d" else "month first")
    return day_orders.pop() if len(day_orders) == 1 else None


def _local_day(field: str, match: re.Match[str], country: str) -> tuple[date, str]:
    """Return the day, and why it is read so where that needs showing."""
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    orders: tuple[tuple[DayOrder, int, int], ...] = (("day first", first, second), ("month first", second, first))
    readings: dict[DayOrder, date] = {}
    for order, day, month in orders:
        with suppress(ValueError):
            readings[order] = date(year, month, day)
    if not readings:
        raise BadCell(field, match[0], "not a date", "such as 2021-02-08 or 2021-02-08T18:00:00+05:30")
    custom = day_order(country)
    if len(set(readings.values())) == 1:
        odd = custom is not None and custom not in readings
        why = f"its only reading, although {country_name(country)} writes the {custom}" if odd else ""
        return next(iter(readings.values())), why
    if custom is None:
        fix = f"write {readings['day first']} or {readings['month first']}"
        raise BadCell(field, match[0], f"of two readings, and {country_name(country)} prefers neither", fix)
    return readings[custom], f"{custom}, as {country_name(country)} writes dates"


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
        raise BadCell(field, written, "out of range", "a date from 1970 to 9999")
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
    if deadline.strip().startswith("+") and not received.strip():
        return f"no receipt is given: the deadline of a new order runs to {at}, {deadline.strip()} from now"
    if deadline.strip().startswith("+") and is_day(received):
        day = received.strip()
        return f"the deadline runs to {at}: {deadline.strip()} from when {day} begins first on earth"
    return ""
