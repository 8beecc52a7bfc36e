"""Read single values out of the bytes of a payload: numbers, languages, countries, times, texts and links."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled, inlined
from streams.events.fields import MAX_TEXT
from streams.events.kernels.members import BEGIN, END, TYPE, same_bytes
from streams.events.kernels.paths import NULL, STRING
from streams.events.links import HOST_MAX

UNUSUAL = -2
"""Value that only the parser reads; -1 stands for none."""
_SCHEME = np.frombuffer(b"https://", np.uint8)
_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", np.uint8)
_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365])
_LOWEST, _HIGHEST = (
    np.frombuffer(time, np.uint8) for time in (b"Aaa Aaa 00 00:00:00 +0000 1000", b"Zzz Zzz 39 29:59:59 +0000 2999")
)
"""Least and greatest byte of each place of a time of v1.1."""
_SIGN, _DOT, _SLASH, _COLON, _QUESTION = 35, 46, 47, 58, 63


@compiled
def integer(data: Any, members: Any, slot: Any) -> Any:
    """Return a whole number in [0, 2**63); -1 for none, -2 for another value."""
    kind, at, end = members[slot, TYPE], members[slot, BEGIN], members[slot, END]
    if kind <= NULL:
        return np.int64(-1)
    size = end - at
    if size < 1 or size > 19 or (size > 1 and data[at] == 48):
        return np.int64(UNUSUAL)
    is_other: Any = False
    value = np.uint64(0)
    for place in range(np.uint64(at), np.uint64(end)):
        digit = np.uint64(data[place]) - np.uint64(48)
        is_other |= digit > np.uint64(9)
        value = value * np.uint64(10) + digit
    return np.int64(UNUSUAL) if is_other or value >= np.uint64(1 << 63) else np.int64(value)


@inlined
def _packed(data: Any, begin: Any, end: Any) -> Any:
    """Return letters as a number of base 27, in which a is 1; -2 for other bytes."""
    code = np.int64(0)
    for place in range(begin, end):
        letter = data[place] | 32
        if letter < 97 or letter > 122:
            return np.int64(UNUSUAL)
        code = code * 27 + np.int64(letter - 96)
    return code


@compiled
def language(data: Any, members: Any, slot: Any) -> Any:
    """Return a primary subtag of two or three letters as a number of base 27; 0 for none, -2 for an unusual one."""
    begin, last = members[slot, BEGIN], members[slot, END]
    if members[slot, TYPE] != STRING or begin == last:
        return np.int64(0)
    end = begin
    while end < last and data[end] != 45 and data[end] != 95:  # - and _
        end += 1
    code = _packed(data, begin, end)
    return code if code == UNUSUAL or 2 <= end - begin <= 3 else np.int64(0)


@compiled
def country(data: Any, members: Any, slot: Any) -> Any:
    """Return two letters as a number of base 27; 0 for no country, -2 for another spelling."""
    begin, end = members[slot, BEGIN], members[slot, END]
    if members[slot, TYPE] != STRING or begin == end:
        return np.int64(0)
    return _packed(data, begin, end) if end - begin == 2 else np.int64(UNUSUAL)


@inlined
def _two_digits(data: Any, at: Any) -> Any:
    return 10 * np.int64(data[at]) + np.int64(data[at + 1]) - 528


@compiled
def v1_time(data: Any, members: Any, slot: Any) -> Any:
    """Return v1.1's `Thu Mar 10 23:12:12 +0000 2016` in milliseconds; -1 for none, -2 for another form or century."""
    if members[slot, TYPE] <= NULL:
        return np.int64(-1)
    at, is_other, month = members[slot, BEGIN], members[slot, END] - members[slot, BEGIN] != len(_LOWEST), -1
    for place in range(0 if is_other else len(_LOWEST)):
        is_other |= not _LOWEST[place] <= data[at + place] <= _HIGHEST[place]
    for candidate in range(12):
        if not is_other and same_bytes(data, at + 4, _MONTHS, 3 * candidate, 3):
            month = candidate
    if month < 0:
        return np.int64(UNUSUAL)
    day, year = _two_digits(data, at + 8), 100 * _two_digits(data, at + 26) + _two_digits(data, at + 28)
    hour, minute, second = _two_digits(data, at + 11), _two_digits(data, at + 14), _two_digits(data, at + 17)
    is_leap_year = year % 4 == 0
    days = _DAYS_BEFORE[month + 1] - _DAYS_BEFORE[month] + (is_leap_year and month == 1)
    if not 1970 <= year < 2100 or not 1 <= day <= days or hour > 23:
        return np.int64(UNUSUAL)
    days = 365 * (year - 1970) + (year - 1969) // 4 + _DAYS_BEFORE[month] + (is_leap_year and month > 1) + day - 1
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
    begin = at + 7 + (end - at > 8 and data[at + 4] == 115)  # http or https
    if begin >= end or not same_bytes(data, at, _SCHEME, 0, 4) or not same_bytes(data, begin - 3, _SCHEME, 5, 3):
        return np.int64(-1), np.int64(-1)
    at = label = begin
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
