"""Parse Twitter's two formats of `created_at` into milliseconds since the Unix epoch. Both parsers are strict."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from streams.errors import ContractError
from streams.events.fields import END_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MILLISECOND = timedelta(milliseconds=1)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_V1 = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) ([+-])(\d\d)([0-5]\d) (\d{4})",
    re.ASCII,
)
_V1_LENGTH = 30
_V2 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


@lru_cache(maxsize=16_384)
def _v1_ms(value: str) -> int:
    match = _V1.fullmatch(value)
    if not match:
        return -1
    month, day, hour, minute, second, sign, zone_hours, zone_minutes, year = match.groups()
    try:
        days = date(int(year), _MONTHS.index(month) // 3 + 1, int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return -1
    zone_seconds = int(zone_hours) * 3600 + int(zone_minutes) * 60
    if sign == "-":
        zone_seconds = -zone_seconds
    return (days * 86_400 + int(hour) * 3600 + int(minute) * 60 + int(second) - zone_seconds) * 1000


def v1_ms(value: str) -> int:
    """Parse v1.1's `Thu Mar 10 23:12:12 +0000 2016`; negative for a malformed time or one before 1970.

    Cached, since a stream repeats the current second; the cache is bounded.
    """
    return _v1_ms(value) if len(value) == _V1_LENGTH else -1


def v2_ms(value: str) -> int:
    """Parse v2's ISO 8601 `2021-03-01T12:34:56.000Z`; negative for a malformed time or one before 1970.

    A time without a zone is malformed.
    """
    if not _V2.fullmatch(value):
        return -1
    try:
        return (datetime.fromisoformat(value) - _EPOCH) // _MILLISECOND
    except ValueError:
        return -1


def v1_time(text: str, field: str) -> int:
    """Parse a time of v1.1.

    Raises:
        ContractError: `bad_time`, with the path `field`.
    """
    return _in_range(v1_ms(text), text, field, "Thu Mar 10 23:12:12 +0000 2016")


def v2_time(text: str, field: str) -> int:
    """Parse a time of v2; raises as `v1_time` does."""
    return _in_range(v2_ms(text), text, field, "2021-03-01T12:34:56.000Z")


def _in_range(milliseconds: int, text: str, field: str, form: str) -> int:
    if 0 <= milliseconds < END_MS:
        return milliseconds
    raise ContractError("bad_time", field=field, value=text, fix=f"use the form {form}, from 1970 to 9999")
