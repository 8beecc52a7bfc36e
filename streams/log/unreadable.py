"""Records of hushtag's own topics that cannot be read: what they are, and the topics in which a shard stops at one.

Publish and other readers that can do without a record put it into `internal-dead-letter` and go on. A judge cannot: it
stops its shard until a person skips the record (`hushtag skip`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from streams.errors import ContractError
from streams.log.author_sketches import decode_received_sketches, is_received_sketch
from streams.log.corrections import are_corrections, decode_corrections
from streams.log.decisions import decode_record
from streams.log.panes import decode_pane_record, is_pane
from streams.log.partials import decode_partial
from streams.log.retractions import are_retractions, decode_retractions
from streams.log.topic_specs import DECISIONS, PANES, PARTIALS, SHORT_PANES

T = TypeVar("T")
_FIX = "only hushtag's workers may write to this topic"


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Position of a record: topic without the prefix, partition and offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] at {self.offset}"


class UnreadableRecord(ContractError):
    """A record that a judge needs and cannot read. Its shard stops.

    `sha256` is the hash of the record's value; a record without a value counts as an empty one.
    """

    def __init__(self, position: RecordPosition, value: bytes | None, error: ContractError) -> None:
        super().__init__(
            error.reason,
            field=error.field,
            fix=f"hushtag skip {position.topic} {position.partition} {position.offset} --reason TEXT",
        )
        self.position = position
        self.value = error.value
        self.sha256 = sha256_of(value)

    def __str__(self) -> str:
        return f"{self.position} cannot be read: {self.reason}{f': {self.value}' if self.value else ''}"


def sha256_of(value: bytes | None) -> str:
    """Return the SHA-256 of a record's value, in hex."""
    return hashlib.sha256(value or b"").hexdigest()


def read_value(decode: Callable[[bytes], T], value: bytes | None) -> T:
    """Decode the value of a record.

    Raises:
        ContractError: the reason is `empty`, `unreadable`, or one that the decoder gives.
    """
    if not value:
        raise ContractError("empty", fix=_FIX)
    try:
        return decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: of numpy, and of UTF-8
        raise ContractError("unreadable", value=str(error), fix=_FIX) from None


def decode_settled(value: bytes) -> object:
    """Decode a record of `hashtag-panes` or `hashtag-short-panes`: of a pane, or of a side input.

    Raises:
        msgspec.MsgspecError, ContractError: it is of no known kind, or malformed.
    """
    if is_pane(value):
        return decode_pane_record(value)
    if are_retractions(value):
        return decode_retractions(value)
    if are_corrections(value):
        return decode_corrections(value)
    if is_received_sketch(value):
        return next(decode_received_sketches([value]))
    raise msgspec.DecodeError(f"unknown kind of record: {value[:1]!r}")


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    PARTIALS: decode_partial,
    PANES: decode_settled,
    SHORT_PANES: decode_settled,
    DECISIONS: decode_record,
}
"""Topics at whose unreadable records a shard stops, each with its decoder."""


def fault_in(topic: str, value: bytes | None) -> ContractError | None:
    """Return why a judge cannot read a record; None for one that it reads, or passes over by itself.

    Args:
        topic: one of `DECODERS`, without its prefix.
        value: value of the record.
    """
    try:
        read_value(DECODERS[topic], value)
    except ContractError as error:
        return None if topic == PARTIALS and are_corrections(value or b"") else error
    return None
