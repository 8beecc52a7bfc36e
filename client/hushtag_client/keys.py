"""The only place that spells a key of Redis. One hash tag in all of them, so that a cluster keeps them in one slot."""

from __future__ import annotations

PREFIX = "{hushtag}:v1:"
REGISTERS = PREFIX + "registers"
"""HASH, `field()` → a register's JSON."""
SEQ = PREFIX + "seq"
"""Integer: how many registers were ever written under this incarnation or earlier ones; gapless."""
CHANGES = PREFIX + "changes"
"""STREAM of every applied write: seq, incarnation, field, value."""
INCARNATION = PREFIX + "incarnation"
"""`<run id>-<random>`: names one uninterrupted life of the data. Readers compare it for equality only."""
HEARTBEATS = PREFIX + "heartbeats"
"""HASH, shard → {"settled_ms", "at_ms", "partitions"}."""
RECONCILED = PREFIX + "reconciled"
"""HASH, partition → the incarnation under which all its registers were last put back."""

MODERATION = "moderation"
"""The partition name of people's decisions; those of automated ones are "0", "1", …"""
CHANGES_KEPT = 100_000
"""About how many entries the change stream keeps."""
HEARTBEAT_GUARD_MS = 60_000
"""A heartbeat that goes back is refused unless the one that stands is older than this."""


def sentinel(partition: str) -> str:
    """STRING `<run id> <offset>`: the server on which this partition was last reconciled, and up to where in the
    partition's log everything has been written since. Writes need both to match.

    >>> sentinel("3")
    '{hushtag}:v1:sentinel:3'
    """
    return f"{PREFIX}sentinel:{partition}"


def field(surface: str, country: str, source: str, hashtag: str) -> str:
    """The name of a register. The hashtag comes last, for it alone may contain a bar.

    >>> field("trends", "IN", "automated", "sometag")
    'trends|IN|automated|sometag'
    """
    return f"{surface}|{country}|{source}|{hashtag}"


def field_bytes(name: str) -> bytes:
    """A field as bytes; a lone surrogate, which a payload can smuggle in, survives."""
    return name.encode("utf-8", "surrogatepass")


def field_text(raw: bytes) -> str:
    """The inverse of `field_bytes`; bytes that are neither become replacement characters."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")
