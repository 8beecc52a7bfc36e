"""Read single values out of the bytes of a payload: numbers, languages, countries, times, texts and links."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.events.fields import MAX_TEXT
from streams.events.kernels.members import ABSENT, BEGIN, END, ESCAPED, INTEGER, NULL, STRING, TYPE
from streams.events.kernels.runs import same_bytes
from streams.events.links import HOST_MAX

UNUSUAL = -2
"""Value that only the parser reads; -1 stands for none."""
_SCHEME = np.frombuffer(b"https://", np.uint8)
_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", np.uint8)
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
_ZONE = np.frombuffer(b" +0000 ", np.uint8)
_V1_LENGTH = 30
_SIGN, _DOT, _SLASH, _COLON, _QUESTION = 35, 46, 47, 58, 63


def allowed_types(types: dict[tuple[int, ...], tuple[int, ...]]) -> Any:
    """Return the rows (slot, bits of its allowed types) of tuples of slots with their types."""
    return np.array([(slot, sum(1 << kind for kind in kinds)) for slots, kinds in types.items() for slot in slots])


@compiled
def has_allowed_types(found: Any, allowed: Any) -> Any:
    """Check the types of members; `allowed` (s, 2) int64 is a result of `allowed_types`."""
    for row in range(len(allowed)):  # noqa: SIM110  # compiled code has no generators
        if not allowed[row, 1] >> found[allowed[row, 0], TYPE] & 1:
            return False
    return True


@compiled
def integer(data: Any, found: Any, slot: Any) -> Any:
    """Return a whole number in [0, 2**63); -1 for none, -2 for another value."""
    kind, at, end = found[slot, TYPE], found[slot, BEGIN], found[slot, END]
    if kind in (ABSENT, NULL):
        return np.int64(-1)
    size = end - at
    if kind not in (STRING, INTEGER) or size < 1 or size > 19 or (size > 1 and data[at] == 48):
        return np.int64(UNUSUAL)
    is_other: Any = False
    value = np.uint64(0)
    for place in range(np.uint64(at), np.uint64(end)):
        digit = np.uint64(data[place]) - np.uint64(48)
        is_other |= digit > np.uint64(9)
        value = value * np.uint64(10) + digit
    return np.int64(UNUSUAL) if is_other or value >= np.uint64(1 << 63) else np.int64(value)


@compiled
def language(data: Any, found: Any, slot: Any) -> Any:
    """Return the primary subtag of two or three letters as a number of base 27; 0 for none, -2 for an unusual one."""
    code = np.int64(0)
    if found[slot, TYPE] != STRING:
        return np.int64(UNUSUAL) if found[slot, TYPE] == ESCAPED else code
    size, in_subtag = 0, True
    for place in range(np.uint64(found[slot, BEGIN]), np.uint64(found[slot, END])):
        byte = data[place]
        if byte > 127:
            return np.int64(UNUSUAL)
        in_subtag = in_subtag and byte != 45 and byte != 95  # - and _
        if in_subtag:
            size += 1 if 97 <= byte | 32 <= 122 else 4
            code = code * 27 + np.int64(byte | 32) - 96
    return code if 2 <= size <= 3 else np.int64(0)


@compiled
def country(data: Any, found: Any, slot: Any) -> Any:
    """Return two letters as a number of base 26; -1 for no country, -2 for another spelling."""
    if found[slot, TYPE] != STRING or found[slot, END] == found[slot, BEGIN]:
        return np.int64(-1)
    at = found[slot, BEGIN]
    if found[slot, END] - at != 2:
        return np.int64(UNUSUAL)
    code = np.int64(0)
    for place in range(at, at + 2):
        letter = data[place] | 32
        if letter < 97 or letter > 122:
            return np.int64(UNUSUAL)
        code = code * 26 + np.int64(letter - 97)
    return code


@compiled
def _digits(data: Any, at: Any, size: Any) -> Any:
    """Return a number of so many digits; -1 for other bytes."""
    value: Any = 0
    for place in range(at, at + size):
        if not 48 <= data[place] <= 57:
            return -1
        value = 10 * value + np.int64(data[place]) - 48
    return value


@compiled
def v1_time(data: Any, found: Any, slot: Any) -> Any:
    """Return v1.1's `Thu Mar 10 23:12:12 +0000 2016` in milliseconds; -1 for none, -2 for another form."""
    if found[slot, TYPE] in (ABSENT, NULL):
        return np.int64(-1)
    at = found[slot, BEGIN]
    if found[slot, TYPE] != STRING or found[slot, END] - at != _V1_LENGTH or not same_bytes(data, at + 19, _ZONE, 0, 7):
        return np.int64(UNUSUAL)
    if not (65 <= data[at] <= 90 and 97 <= data[at + 1] <= 122 and 97 <= data[at + 2] <= 122):
        return np.int64(UNUSUAL)
    if not (data[at + 3] == data[at + 7] == data[at + 10] == 32 and data[at + 13] == data[at + 16] == _COLON):
        return np.int64(UNUSUAL)
    month = -1
    for one in range(12):
        if same_bytes(data, at + 4, _MONTHS, 3 * one, 3):
            month = one
    day, year = _digits(data, at + 8, 2), _digits(data, at + 26, 4)
    hour, minute, second = _digits(data, at + 11, 2), _digits(data, at + 14, 2), _digits(data, at + 17, 2)
    if month < 0 or year < 1970 or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return np.int64(UNUSUAL)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS_BEFORE[month + 1] - _DAYS_BEFORE[month] + (leap and month == 1):
        return np.int64(UNUSUAL)
    days = 365 * (year - 1970) + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    days += _DAYS_BEFORE[month] + (leap and month > 1) + day - 1
    return np.int64(days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000


@compiled
def text_end(data: Any, at: Any, end: Any) -> Any:
    """Return the end of the first `MAX_TEXT` code points."""
    if end - at <= MAX_TEXT:
        return end
    points = 0
    while at < end:
        if data[at] & 0xC0 != 0x80:
            if points == MAX_TEXT:
                return at
            points += 1
        at += 1
    return end


@compiled
def plain_host(data: Any, at: Any, end: Any) -> Any:
    """Return the host's byte range in a plain link; -1, -1 for a link that needs parsing."""
    size = 8 if end - at > 8 and data[at + 4] == 115 else 7  # https or http
    if (
        end - at <= size
        or not same_bytes(data, at, _SCHEME, 0, size - 3)
        or not same_bytes(data, at + size - 3, _SCHEME, 5, 3)
    ):
        return np.int64(-1), np.int64(-1)
    begin = at = label = at + size
    while at < end and data[at] not in (_SLASH, _QUESTION, _SIGN):
        byte = data[at]
        if byte == _DOT and at > label:
            label = at + 1
        elif not (97 <= byte <= 122 or 48 <= byte <= 57 or byte == 45):
            return np.int64(-1), np.int64(-1)
        at += 1
    if label == begin or at == label or at - begin > HOST_MAX:
        return np.int64(-1), np.int64(-1)
    return np.int64(begin), np.int64(at)
