"""The records of the `moderation` topic: what people decide, and the only way in for it.

The topic is compacted and has one partition. Every write has an id of its own and the id is part of the key, so
compaction never lets one decision erase another: a second block of a tag stands on top of the first, and an undo is
a record beside what it undoes. The fold (`streams.flags.moderation_fold`) makes the present state of them.

`edits` is the version that the writer had seen of what it changes ("" for nothing yet). The fold ignores a record
whose scope has moved on since, and the writer reads its own record back to learn that.

Other kinds of records share the topic. A reader that does not know a kind gets it as `OtherRecord`, untouched.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from hushtag_client.normalise import normalise

from streams.errors import ContractError
from streams.log.fields import RESERVED_SURFACES, Country, Id, Ms, Surface, Tag, Text, Version

Verb = Literal["block", "allow", "hold"]
PeopleSource = Literal["human", "legal"]


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    """What every record about a hashtag says."""

    id: Id
    """Of this write alone; never used again."""
    hashtag: Tag
    """Normalised."""
    display: Tag
    """As the moderator wrote it, without #."""
    country: Country
    """ISO 3166-1 alpha-2, or `*` for the world."""
    surfaces: Annotated[tuple[Surface, ...], msgspec.Meta(min_length=1, max_length=100)]
    source: PeopleSource = "human"
    actor: Text
    reason: Text
    at_ms: Ms
    """When the actor decided, by the writer's clock."""
    edits: Version = ""
    """Version that the writer had seen of this scope (the greatest over the surfaces); "" where it saw none."""


class Override(_Common, frozen=True, kw_only=True, tag_field="kind", tag="override"):
    """A person's block, allow or hold of a hashtag on some surfaces in one country or the world."""

    action: Verb
    expires_at_ms: Ms
    """0: until revoked (legal only)."""
    family: Annotated[str, msgspec.Meta(max_length=280)] = ""
    """The hashtag whose look-alikes were decided on together, this one among them; "" for a decision on its own."""
    category: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """Of the stop button (hashtag `*`) alone: it lifts only suppressions of this category; "" lifts all."""


class Undo(_Common, frozen=True, kw_only=True, tag_field="kind", tag="undo"):
    """Ends earlier overrides on the surfaces that it names: what stood before them stands again."""

    undoes: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=1000)]
    """Ids of the overrides."""


class OtherRecord(msgspec.Struct, frozen=True):
    """A record of a kind that this version does not know, or leaves to another fold; kept as it came."""

    kind: str
    key: bytes
    value: bytes


TagRecord = Override | Undo
ModerationRecord = TagRecord | OtherRecord


class _Head(msgspec.Struct):
    kind: str


_encoder = msgspec.json.Encoder()
_head = msgspec.json.Decoder(_Head)
_decoder: msgspec.json.Decoder[TagRecord] = msgspec.json.Decoder(TagRecord)
_KINDS = frozenset({"override", "undo"})


def key_of(record: TagRecord) -> bytes:
    """The record's key: `target | source | decision id | scope`. No part but the target can hold a `|`."""
    scope = f"{record.country}:{','.join(record.surfaces)}"
    return f"hashtag:{record.hashtag}|{record.source}|{record.id}|{scope}".encode()


def encode_moderation(record: TagRecord) -> tuple[bytes, bytes]:
    """(value, key) for the topic."""
    return _encoder.encode(record), key_of(record)


def decode_moderation(value: bytes | None, key: bytes | None = None) -> ModerationRecord:
    """Read one record. Its key is checked against its content, unless None (the topic has no record without one).

    Raises:
        ContractError: `tombstone` (nothing here is ended by deleting it), `not_json`, `bad_record` (a field is
            missing or out of range; the message names it), `bad_key` (the key is not that of the content, so
            compaction could erase another decision), `not_normalised`, `endless` (a human override without expiry),
            `reserved` (it names a surface under which accounts or tweets stand).
    """
    if value is None:
        raise ContractError("tombstone", value=key or b"", fix="end a decision by an undo record")
    try:
        kind = _head.decode(value).kind
        if kind not in _KINDS:
            return OtherRecord(kind, key or b"", value)
        record = _decoder.decode(value)
    except msgspec.ValidationError as error:
        raise ContractError("bad_record", value=str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContractError("not_json", value=value[:80]) from None
    if key is not None and key != key_of(record):
        raise ContractError("bad_key", value=key, fix=f"the key must be {key_of(record).decode()!r}")
    if normalise(record.hashtag) != record.hashtag:
        raise ContractError("not_normalised", field="hashtag", value=record.hashtag)
    if RESERVED_SURFACES.intersection(record.surfaces):
        raise ContractError("reserved", field="surfaces", value=record.surfaces, fix="decide on accounts by an order")
    if isinstance(record, Override) and record.source == "human" and record.expires_at_ms == 0:
        raise ContractError("endless", field="expires_at_ms", fix="a human override needs an expiry")
    return record
