"""Records and notes that enter the audit log, in a form that does not depend on the log's."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from streams.errors import ContractError
from streams.log.policies import INCARNATION_KEY
from streams.log.topic_specs import POLICY

MAX_RECORD_BYTES = 65_535
"""Greatest value, and greatest key, of a source record that enters the log; a larger one enters as its hash."""
_BASE64 = "base64:"
_END_MS = 253_402_300_800_000
"""First moment after the year 9999."""

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


def too_large_note(value: bytes | None, key: bytes | None = None) -> str:
    """Return the note in place of a record whose value or key is above MAX_RECORD_BYTES."""
    data = value or b""
    note = f"too large to be kept: {len(data)} bytes with SHA-256 {hashlib.sha256(data).hexdigest()}"
    if key is None or len(key) <= MAX_RECORD_BYTES:
        return note
    return f"{note}, and a key of {len(key)} bytes with SHA-256 {hashlib.sha256(key).hexdigest()}"


def content_digest(source_record: AuditInput) -> bytes:
    """Compute a digest of everything but the position; equal inputs have equal digests."""
    return hashlib.sha256(
        msgspec.msgpack.encode(
            (time_words(source_record.source.log_time_ms), source_record.key, source_record.value, source_record.note)
        )
    ).digest()


def text_of(data: bytes | None) -> str | None:
    """Convert a key or value to a string: UTF-8 as it is, other bytes as `base64:` and base64."""
    if data is None:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or text.startswith(_BASE64):
        return _BASE64 + base64.b64encode(data).decode()
    return text


def bytes_of(text: str | None) -> bytes | None:
    """Convert a string of `text_of` back to its bytes.

    Raises:
        ContractError: `not_base64`.
    """
    if text is None:
        return None
    if not text.startswith(_BASE64):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_BASE64), validate=True)
    except (binascii.Error, ValueError):
        raise ContractError("not_base64", value=text[:80]) from None


def time_words(log_time_ms: int) -> str | None:
    """Render a log time in RFC 3339, UTC, with milliseconds; None without a time, or past the year 9999."""
    if not 0 <= log_time_ms < _END_MS:
        return None
    seconds, ms = divmod(log_time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
