"""Durations of policy files: a whole number and a unit, `30s`, `10m`, `24h`. The code uses milliseconds."""

from __future__ import annotations

import re

from streams.constants import HOUR_MS, MINUTE_MS

_UNITS_MS = {"h": HOUR_MS, "m": MINUTE_MS, "s": 1_000}
_LONG_UNITS_MS = {**_UNITS_MS, "d": 24 * HOUR_MS, "w": 7 * 24 * HOUR_MS}
_PARTS = re.compile(
    r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(seconds?|secs?|s|minutes?|mins?|m(?!s)|hours?|hrs?|h|days?|d|weeks?|w)\s*"
)
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
    """Return the duration closest to a wrong value, both for a number without a unit; "" where none is close.

    >>> nearest_duration("10 minutes"), nearest_duration("1h30m"), nearest_duration(30), nearest_duration("soon")
    ('10m', '90m', '30s or 30m', '')
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip().lower()
    if re.fullmatch(r"[0-9]{1,6}", text):
        return f"{int(text)}s or {int(text)}m"
    parts = _PARTS.findall(text)
    if not parts or _PARTS.sub("", text).strip():
        return ""
    duration_ms = sum(float(number) * _LONG_UNITS_MS[unit[0]] for number, unit in parts)
    return spell_duration(int(duration_ms)) if duration_ms % 1_000 == 0 else ""
