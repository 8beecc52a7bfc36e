"""The Redis keys of the flags. All share one hash tag, so that a cluster keeps them in one slot."""

from __future__ import annotations

PREFIX = "{hushtag}:v1:"
REGISTERS = PREFIX + "registers"
"""HASH, `field()` → a register's JSON."""
SEQ = PREFIX + "seq"
"""INTEGER: gapless number of the last register written, across incarnations."""
CHANGES = PREFIX + "changes"
"""STREAM of every applied write: seq, incarnation, field, value."""
INCARNATION = PREFIX + "incarnation"
"""STRING `<run id>-<random>`: id of one uninterrupted life of the data. Readers only compare it for equality."""
HEARTBEATS = PREFIX + "heartbeats"
"""HASH, shard → {"settled_ms", "at_ms", "partitions", "renewed_ms", "surfaces"}."""
RECONCILED = PREFIX + "reconciled"
"""HASH, partition → incarnation under which all of its registers were last restored."""

MODERATION = "moderation"
"""Partition name of people's decisions; the partitions of automated ones are "0", "1", …"""
CHANGES_KEPT = 100_000
"""Approximate number of entries that the change stream keeps."""
HEARTBEAT_GUARD_MS = 60_000
"""Age from which a stored heartbeat may be replaced by one with an earlier watermark."""


def sentinel(partition: str) -> str:
    """Return the key of a partition's sentinel.

    STRING `<run id> <offset>`: server process on which the partition was last reconciled, and the offset of its log up
    to which all records have been written. A write must match both.

    >>> sentinel("3")
    '{hushtag}:v1:sentinel:3'
    """
    return f"{PREFIX}sentinel:{partition}"


def field(surface: str, country: str, source: str, hashtag: str) -> str:
    """Build the name of a register. The hashtag comes last because it alone may contain a bar.

    >>> field("trends", "IN", "automated", "sometag")
    'trends|IN|automated|sometag'
    """
    return f"{surface}|{country}|{source}|{hashtag}"


def field_bytes(name: str) -> bytes:
    """Encode a field; a lone surrogate, which a payload may contain, round-trips."""
    return name.encode("utf-8", "surrogatepass")


def field_text(raw: bytes) -> str:
    """Decode a field; undecodable bytes become replacement characters."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")
