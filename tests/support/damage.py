"""Damage to values with random bytes that always changes them: a fixed byte in their place is theirs now and then."""

from __future__ import annotations

from typing import TypeVar

Text = TypeVar("Text", bytes, str)


def changed_at(value: Text, at: int) -> Text:
    """Return a value with another byte, or another letter or digit, at a place.

    >>> changed_at("QQ", 1), changed_at("QA", -1), changed_at(b"xy", 0)
    ('QA', 'QB', b'yy')
    """
    at %= len(value)
    if isinstance(value, bytes):
        return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    return value[:at] + ("B" if value[at] == "A" else "A") + value[at + 1 :]
