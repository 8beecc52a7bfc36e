"""Records and notes that enter the audit log, in a form that does not depend on the log's."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from streams.log.policies import INCARNATION_KEY
from streams.log.topic_specs import POLICY

Natural = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class SourcePosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Position of one record in a source topic."""

    topic: str
    """Name without the prefix."""
    partition: Natural
    offset: Natural
    log_time_ms: int
    """Kafka timestamp of the record; -1 without one."""


class AuditInput(msgspec.Struct, frozen=True):
    """Source record as read from Kafka, or a note about a range of records."""

    source: SourcePosition
    key: bytes | None = None
    value: bytes | None = None
    note: str = ""


def begins_incarnation(topic: str, key: bytes | str | None) -> bool:
    """Return whether a record states that the topics of the shards were created again: their offsets begin at 0."""
    return topic == POLICY and key in (INCARNATION_KEY, INCARNATION_KEY.decode())


def too_large_note(value: bytes) -> str:
    """Return the note in place of a record that exceeds the topic's limit."""
    return f"too large to be kept: {len(value)} bytes with SHA-256 {hashlib.sha256(value).hexdigest()}"


def content_digest(one: AuditInput) -> bytes:
    """Compute a digest of everything but the position; equal inputs have equal digests."""
    return hashlib.sha256(msgspec.msgpack.encode((one.source.log_time_ms, one.key, one.value, one.note))).digest()
