"""Entries of the audit log and the hash chain between them.

An entry holds a source record unchanged, as a string. Its canonical JSON (keys sorted, no spaces, UTF-8; the subset of
RFC 8785 that we use) therefore has only strings, whole numbers and null. Any language computes the same hash from it,
because no floating-point number has to be formatted.

The log itself holds the read position of each source: the greatest offset in it per source partition. A restart needs
nothing else, and a record that is already in the log is recognised by its offset.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from streams.errors import ContractError

GENESIS = "0" * 64
"""Previous hash of the first entry."""
MAX_ENTRY_BYTES = 4 * 1024 * 1024 - 16 * 1024
"""Limit of the topic's records; a larger source record is kept as its hash."""

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
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


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the hash chain."""

    seq: Natural
    """Number of the entry: 0, 1, 2 ... without gaps."""
    prev: Sha256
    """Field `hash` of the previous entry."""
    source: SourcePosition
    key: str | None
    record: str | None
    """Value of the source record; null for a tombstone, or with a `note`."""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    """Encoding of `key` and `record`; base64 for bytes that are not UTF-8."""
    note: str = ""
    """Remark of the writer on records that were lost, left out, or kept as a hash; "" for a record."""
    hash: Sha256 = GENESIS
    """SHA-256 of the canonical JSON of all fields above."""


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(AuditEntry)


def canonical(entry: AuditEntry) -> bytes:
    """Encode the hashed part of an entry: all fields but its own hash."""
    plain = msgspec.to_builtins(entry)
    del plain["hash"]
    return _encoder.encode(plain)


def hash_of(entry: AuditEntry) -> str:
    """Compute the hash that an entry must carry."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def encode_entry(entry: AuditEntry) -> bytes:
    """Encode an entry for the topic: canonical JSON with its hash."""
    return _encoder.encode(entry)


def decode_entry(value: bytes | None) -> AuditEntry:
    """Decode an entry without a check of its hash.

    Raises:
        ContractError: `not_an_entry`, or `not_canonical` (a byte that no hash covers was changed).
    """
    try:
        entry = _decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError("not_an_entry", value=str(error)) from None
    if encode_entry(entry) != value:
        raise ContractError("not_canonical", value=(value or b"")[:80])
    return entry


class Chain:
    """End of the log: the hash for the next entry, and the read position of each source."""

    def __init__(self) -> None:
        self.next_seq = 0
        self.head = GENESIS
        self.next_offsets: dict[tuple[str, int], int] = {}
        """First offset that is not in the log, by (source topic, partition)."""

    def apply(self, entry: AuditEntry) -> None:
        """Move the end behind an entry of the log, without a check."""
        self.next_seq, self.head = entry.seq + 1, entry.hash
        self.next_offsets[entry.source.topic, entry.source.partition] = entry.source.offset + 1

    def extend(self, inputs: Iterable[AuditInput]) -> list[AuditEntry]:
        """Build the entries of source records in their order; a record that is already in the log gives none."""
        entries = []
        for one in inputs:
            source = one.source
            if source.offset < self.next_offsets.get((source.topic, source.partition), 0):
                continue
            entry = _unhashed(self.next_seq, self.head, one)
            entry = msgspec.structs.replace(entry, hash=hash_of(entry))
            self.apply(entry)
            entries.append(entry)
        return entries


def record_bytes(entry: AuditEntry) -> bytes | None:
    """Return the value of the source record byte for byte; None without one."""
    if entry.record is None:
        return None
    return base64.b64decode(entry.record) if entry.encoding == "base64" else entry.record.encode()


def _unhashed(seq: int, prev: str, one: AuditInput) -> AuditEntry:
    encoding: Literal["utf-8", "base64"] = "utf-8"
    try:
        key, record = (None if part is None else part.decode() for part in (one.key, one.value))
    except UnicodeDecodeError:
        encoding = "base64"
        key, record = (None if part is None else base64.b64encode(part).decode() for part in (one.key, one.value))
    entry = AuditEntry(seq=seq, prev=prev, source=one.source, key=key, record=record, encoding=encoding, note=one.note)
    if len(canonical(entry)) <= MAX_ENTRY_BYTES:
        return entry
    value = one.value or b""
    note = f"too large to be kept: {len(value)} bytes with SHA-256 {hashlib.sha256(value).hexdigest()}"
    return AuditEntry(seq=seq, prev=prev, source=one.source, key=None, record=None, note=note)
