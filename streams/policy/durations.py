"""Durations of policy files: a whole number and a unit, `30s`, `10m`, `24h`. The code uses milliseconds."""

from __future__ import annotations

import re

from streams.constants import HOUR_MS, MINUTE_MS

_UNITS_MS = {"h": HOUR_MS, "m": MINUTE_MS, "s": 1_000}
_SPELLING = re.compile(r"([0-9]{1,9})([smh])")

DURATION_PATTERN = "^[0-9]{1,9}[smh]$"
"""Pattern of a duration for JSON Schema."""


def parse_duration(text: str) -> int | None:
    """Return a duration in milliseconds; None where the spelling is wrong.

    >>> parse_duration("10m"), parse_duration("600s"), parse_duration("10 min")
    (600000, 600000, None)
    """
    match = _SPELLING.fullmatch(text)
    return int(match[1]) * _UNITS_MS[match[2]] if match else None


def spell_duration(duration_ms: int) -> str:
    """Spell a whole number of seconds in its largest whole unit.

    >>> spell_duration(600_000), spell_duration(90_000), spell_duration(0)
    ('10m', '90s', '0s')
    """
    assert duration_ms % 1_000 == 0, duration_ms
    if duration_ms == 0:
        return "0s"
    unit, unit_ms = next((unit, unit_ms) for unit, unit_ms in _UNITS_MS.items() if duration_ms % unit_ms == 0)
    return f"{duration_ms // unit_ms}{unit}"


def nearest_duration(value: object) -> str:
    """Return the duration closest to a wrong value; "" where none is close.

    >>> nearest_duration("10 minutes"), nearest_duration("1H"), nearest_duration(30), nearest_duration("soon")
    ('10m', '1h', '30s', '')
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return f"{value}s"
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*([a-zA-Z]*)\s*", value) if isinstance(value, str) else None
    if match is None:
        return ""
    number, unit = match[1], match[2].lower()
    if unit in ("d", "day", "days"):
        return f"{int(number) * 24}h"
    if unit == "ms" or not unit.startswith(("s", "m", "h")):
        return f"{number}s" if not unit else ""
    return number + unit[0]
