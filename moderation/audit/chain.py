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

from moderation.audit.inputs import AuditInput, Natural, SourcePosition, begins_incarnation, too_large_note
from streams.errors import ContractError
from streams.log.topic_specs import DECISIONS

GENESIS = "0" * 64
"""Previous hash of the first entry."""
MAX_ENTRY_BYTES = 4 * 1024 * 1024 - 16 * 1024
"""Limit of the topic's records; a larger source record is kept as its hash."""

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


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
        if begins_incarnation(entry.source.topic, entry.key):
            for at in [at for at in self.next_offsets if at[0] == DECISIONS]:
                del self.next_offsets[at]  # in place: readers of the sources look at this dict

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


def input_of(entry: AuditEntry) -> AuditInput:
    """Return the source record of an entry, or the note in its place."""
    try:
        key = None
        if entry.key is not None:
            key = base64.b64decode(entry.key) if entry.encoding == "base64" else entry.key.encode()
        return AuditInput(entry.source, key, record_bytes(entry), entry.note)
    except ValueError:  # no writer of ours makes such an entry
        return AuditInput(entry.source, note="unreadable base64")


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
    note = too_large_note(one.value or b"")
    return AuditEntry(seq=seq, prev=prev, source=one.source, key=None, record=None, note=note)
