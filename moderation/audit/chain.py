"""One entry of the audit log, and how each is tied to the one before it.

An entry holds a source record word for word, as a string, so that its canonical JSON (keys sorted, no spaces, UTF-8;
RFC 8785 for what we use of JSON) has only strings, whole numbers and null in it: anyone can compute the hash with
what every language has, and no two of them quarrel about floating-point numbers.

The log is its own memory of how far each source has been read: the greatest offset in it per source partition. So a
restart needs nothing else, and a record that is in the log already is known by its offset.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from streams.errors import ContractError

GENESIS = "0" * 64
"""What the first entry names as its predecessor's hash."""
MAX_ENTRY_BYTES = 4 * 1024 * 1024 - 16 * 1024
"""A record of the topic holds no more; a larger source record is kept as its hash."""

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Natural = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an entry comes from: one record of another topic."""

    topic: str
    """Without the prefix."""
    partition: Natural
    offset: Natural
    log_time_ms: int
    """The record's Kafka timestamp; -1 where it has none."""


class Heard(msgspec.Struct, frozen=True):
    """A source record as read from Kafka. `note` is set where the entry says something about a range instead."""

    source: Source
    key: bytes | None = None
    value: bytes | None = None
    note: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One link of the chain."""

    seq: Natural
    """0, 1, 2 ... without gaps."""
    prev: Sha256
    """`hash` of the entry before."""
    source: Source
    key: str | None
    record: str | None
    """The source record's value; null for a tombstone, or where `note` says why."""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    """How `key` and `record` are written; base64 for bytes that are not UTF-8."""
    note: str = ""
    """From the writer: records that were gone before they could be read, or are not kept, or as their hash alone; ""
    for a record."""
    hash: Sha256 = GENESIS
    """SHA-256 of the canonical JSON of everything above."""


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Entry)


def canonical(entry: Entry) -> bytes:
    """What is hashed: the entry without its own hash."""
    plain = msgspec.to_builtins(entry)
    del plain["hash"]
    return _encoder.encode(plain)


def hash_of(entry: Entry) -> str:
    """The hash that the entry must carry."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def encode_entry(entry: Entry) -> bytes:
    """An entry as the topic holds it: canonical JSON, the hash included."""
    return _encoder.encode(entry)


def decode_entry(value: bytes | None) -> Entry:
    """Read an entry; its hash is not checked here.

    Raises:
        ContractError: it is no entry, or not written canonically (a byte that no hash covers has been changed).
    """
    try:
        entry = _decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError("not_an_entry", value=str(error)) from None
    if encode_entry(entry) != value:
        raise ContractError("not_canonical", value=(value or b"")[:80])
    return entry


class Chain:
    """The end of the log: what the next entry is tied to, and how far each source has been read."""

    def __init__(self) -> None:
        self.next_seq = 0
        self.head = GENESIS
        self.next_offsets: dict[tuple[str, int], int] = {}
        """(source topic, partition) → the first offset that is not in the log."""

    def hear(self, entry: Entry) -> None:
        """Take an entry that is in the log; `verify` says whether it may be there."""
        self.next_seq, self.head = entry.seq + 1, entry.hash
        self.next_offsets[entry.source.topic, entry.source.partition] = entry.source.offset + 1

    def extend(self, heard: Iterable[Heard]) -> list[Entry]:
        """The entries that take up these records, in their order; those that are in the log already give none."""
        entries = []
        for one in heard:
            source = one.source
            if source.offset < self.next_offsets.get((source.topic, source.partition), 0):
                continue
            entry = _unhashed(self.next_seq, self.head, one)
            entry = msgspec.structs.replace(entry, hash=hash_of(entry))
            self.hear(entry)
            entries.append(entry)
        return entries


def record_bytes(entry: Entry) -> bytes | None:
    """The source record's value, byte for byte."""
    if entry.record is None:
        return None
    return base64.b64decode(entry.record) if entry.encoding == "base64" else entry.record.encode()


def _unhashed(seq: int, prev: str, heard: Heard) -> Entry:
    encoding: Literal["utf-8", "base64"] = "utf-8"
    try:
        key, record = (None if part is None else part.decode() for part in (heard.key, heard.value))
    except UnicodeDecodeError:
        encoding = "base64"
        key, record = (None if part is None else base64.b64encode(part).decode() for part in (heard.key, heard.value))
    entry = Entry(seq=seq, prev=prev, source=heard.source, key=key, record=record, encoding=encoding, note=heard.note)
    if len(canonical(entry)) <= MAX_ENTRY_BYTES:
        return entry
    value = heard.value or b""
    note = f"too large to be kept: {len(value)} bytes with SHA-256 {hashlib.sha256(value).hexdigest()}"
    return Entry(seq=seq, prev=prev, source=heard.source, key=None, record=None, note=note)
