"""Records of the `moderation` topic: decisions of people about hashtags, with their codec.

The topic is compacted and has one partition. Every write has its own id, which is part of the key, so compaction
never lets one decision erase another. A second block of a hashtag is a record above the first, and an undo is a
separate record. The fold (`streams.flags.moderation_fold`) computes the current state from the records.

`edits` is the version of the scope that the writer had read ("" for none). The fold ignores a record whose scope has
changed since, and the writer reads its own record back to find out.

A record's time is its log time, and a duration in it starts there: every clock that writes may be wrong. So a record
that is read has its log time in `at_ms`, and its end in `expires_at_ms` (`dated`).

Other kinds of records share the topic. A reader that does not know a kind gets it as `OtherRecord`, unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

import msgspec
from hushtag_client.normalise import normalise

from streams.constants import DAY_MS
from streams.errors import ContractError
from streams.log.fillers import FILLER_KEY, is_filler
from streams.log.sense import AHEAD_MS
from streams.log.sense import Ms as Ms
from streams.policy.names import RESERVED_SURFACES

LONGEST_MS = 366 * DAY_MS
"""Longest duration of a decision: it must be renewed at least once a year."""

Country = Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2}|\*)\Z")]
Surface = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=280)]
TweetId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}\Z")]
Lasts = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MS)]
Version = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}\.\d{19}\.\d{15})?\Z")]
AccountId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}\Z")]

UNKNOWN_MS = -1
"""Log time of a record that is not known; Kafka's value for a record without one."""

Verb = Literal["block", "allow", "hold"]
PeopleSource = Literal["human", "legal"]


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of every record about a hashtag."""

    id: Id
    """Id of this write; never used again."""
    hashtag: Tag
    """The hashtag in normalised form."""
    display: Tag
    """The hashtag as the moderator wrote it, without #."""
    country: Country
    """ISO 3166-1 alpha-2, or `*` for the world."""
    surfaces: Annotated[tuple[Surface, ...], msgspec.Meta(min_length=1, max_length=100)]
    source: PeopleSource = "human"
    actor: Text
    reason: Text
    at_ms: Ms
    """Log time of the record; by the writer's clock in the bytes of the log."""
    edits: Version = ""
    """Version of this scope that the writer had read, the greatest over the surfaces; "" for none."""


class Override(_Common, frozen=True, kw_only=True, tag_field="kind", tag="override"):
    """A person's block, allow or hold of a hashtag on some surfaces in one country or the world."""

    action: Verb
    expires_at_ms: Ms = 0
    """Expiry; 0: until revoked (legal only). In the bytes of the log 0 too where `lasts_ms` is given."""
    lasts_ms: Lasts = 0
    """Duration from the record's log time to its expiry; 0: `expires_at_ms` is given."""
    family: Annotated[str, msgspec.Meta(max_length=280)] = ""
    """The hashtag whose look-alikes this decision covers together; "" for a decision about one hashtag."""
    category: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """Category that the stop button (hashtag `*`) lifts; "" lifts all."""


class Undo(_Common, frozen=True, kw_only=True, tag_field="kind", tag="undo"):
    """Ends earlier overrides on the surfaces that it names, which restores the overrides below them."""

    undoes: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=1000)]
    """Ids of the overrides to end."""


class OtherRecord(msgspec.Struct, frozen=True):
    """A record of an unknown kind, or of a kind that another fold reads, unchanged."""

    kind: str
    key: bytes
    value: bytes
    log_time_ms: int = UNKNOWN_MS


TagRecord = Override | Undo
ModerationRecord = TagRecord | OtherRecord


R = TypeVar("R")


class _Head(msgspec.Struct):
    kind: str


_encoder = msgspec.json.Encoder()
_head = msgspec.json.Decoder(_Head)
_decoder: msgspec.json.Decoder[TagRecord] = msgspec.json.Decoder(TagRecord)
_KINDS = frozenset({"override", "undo"})


def dated(record: R, log_time_ms: int) -> R:
    """Return a record with its log time, from which its duration runs; by the writer's clock if that is unknown."""
    written_ms: int | None = getattr(record, "at_ms", None)
    if not isinstance(record, msgspec.Struct) or written_ms is None:
        return record
    at_ms = log_time_ms if log_time_ms >= 0 else written_ms
    lasts_ms: int = getattr(record, "lasts_ms", 0)
    end = {"expires_at_ms": at_ms + lasts_ms} if lasts_ms else {}
    return msgspec.structs.replace(record, at_ms=at_ms, **end)


def key_of(record: TagRecord) -> bytes:
    """Return the record's key: `target | source | decision id | scope`. Only the target can contain a `|`."""
    scope = f"{record.country}:{','.join(record.surfaces)}"
    return f"hashtag:{record.hashtag}|{record.source}|{record.id}|{scope}".encode()


def encode_moderation(record: TagRecord) -> tuple[bytes, bytes]:
    """Encode a record as (value, key)."""
    return _encoder.encode(record), key_of(record)


class RecordCodec(Generic[R]):
    """Codec of the kinds of records of one module, which `decode_moderation` passes through.

    Args:
        records: tagged struct, or union of tagged structs.
        key: builds a record's key: `target | source | decision id | scope`.
    """

    def __init__(self, records: Any, key: Callable[[R], bytes]) -> None:
        self.kinds = frozenset(str(kind.__struct_config__.tag) for kind in get_args(records) or (records,))
        self._decoder: msgspec.json.Decoder[R] = msgspec.json.Decoder(records)
        self._key = key

    def encode(self, record: R) -> tuple[bytes, bytes]:
        """Encode a record as (value, key)."""
        return _encoder.encode(record), self._key(record)

    def decode(self, other: OtherRecord) -> R | None:
        """Decode a record, and check its key against its content; None for kinds of other modules.

        Raises:
            ContractError: `bad_record` (a field is missing or out of range) or `bad_key`.
        """
        if other.kind not in self.kinds:
            return None
        try:
            record = self._decoder.decode(other.value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # the head leaves texts unread
            raise ContractError("bad_record", value=str(error)) from None
        _check_key(other.key, self._key(record))
        return dated(record, other.log_time_ms)


def _check_key(key: bytes, due: bytes) -> None:
    if key != due:
        raise ContractError("bad_key", value=key, fix=f"the key must be {due.decode()!r}")


def decode_moderation(value: bytes | None, key: bytes | None = None, log_time_ms: int = UNKNOWN_MS) -> ModerationRecord:
    """Decode one record, and check its key against its content unless the key is None.

    Args:
        value: bytes of the record.
        key: its key.
        log_time_ms: its log time, which becomes its time, and the start of its duration.

    Raises:
        ContractError: the reason is one of `tombstone` (a deletion ends no decision), `not_json`, `bad_record` (a
            field is missing or out of range), `bad_key` (the key does not fit the content), `not_normalised`.
            Others are `endless` (a human override without an expiry, or beyond the longest) and `reserved` (a surface
            of accounts or tweets).
    """
    if is_filler(key, value):
        return OtherRecord("filler", FILLER_KEY, b"")
    if value is None:
        raise ContractError("tombstone", value=key or b"", fix="end a decision with an undo record")
    try:
        kind = _head.decode(value).kind
        if kind not in _KINDS:
            return OtherRecord(kind, key or b"", value, log_time_ms)
        record = _decoder.decode(value)
    except msgspec.ValidationError as error:
        raise ContractError("bad_record", value=str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContractError("not_json", value=value[:80]) from None
    if key is not None:
        _check_key(key, key_of(record))
    if normalise(record.hashtag) != record.hashtag:
        raise ContractError("not_normalised", field="hashtag", value=record.hashtag)
    if RESERVED_SURFACES.intersection(record.surfaces):
        raise ContractError(
            "reserved", field="surfaces", value=record.surfaces, fix="decide on accounts with a legal order"
        )
    record = dated(record, log_time_ms)
    if isinstance(record, Override) and record.source == "human" and not _ends_in_time(record):
        raise ContractError("endless", field="expires_at_ms", fix="a human override needs an expiry within a year")
    return record


def _ends_in_time(record: Override) -> bool:
    """Return whether it ends within the longest duration, apart from the differences of clocks."""
    return 0 < record.expires_at_ms <= record.at_ms + LONGEST_MS + AHEAD_MS
