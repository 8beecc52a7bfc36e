"""Fillers: tombstones with which a restore gives each record of a compacted topic its former offset."""

from __future__ import annotations

FILLER_KEY = b"filler"


def is_filler(key: bytes | None, value: bytes | None) -> bool:
    """Return whether a record is a filler, which all readers skip."""
    return value is None and key == FILLER_KEY
