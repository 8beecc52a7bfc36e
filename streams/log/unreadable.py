"""Records of hushtag's own topics that cannot be read: what they are, and the topics in which a shard stops at one.

Publish and other readers that can do without a record put it into `internal-dead-letter` and go on. A judge cannot: it
stops its shard until a person skips the record (`hushtag skip`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np

from streams.constants import PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.retractions import Retractions
from streams.errors import ContractError
from streams.log.author_sketches import AuthorSketch, ReceivedSketch, decode_received_sketches, is_received_sketch
from streams.log.corrections import are_corrections, decode_corrections
from streams.log.decisions import Decision, Progress, decode_record
from streams.log.evidence import EvidenceRecord
from streams.log.panes import PaneRecord, decode_pane_record, is_pane
from streams.log.partials import decode_partial
from streams.log.positions import RecordPosition
from streams.log.retractions import are_retractions, decode_retractions
from streams.log.sense import AHEAD_MS, MARK_AHEAD_MS, absurd, require_column, require_range
from streams.log.topic_specs import DECISIONS, PANES, PARTIALS, SHORT_PANES
from streams.policy.activation import Activation
from streams.windows.corrections import Corrections

T = TypeVar("T")
_TIMES: Mapping[type, Sequence[str]] = {
    Flush: ("newest_ms",),
    Activation: ("from_tick_ms",),
    AuthorSketch: ("tick_ms",),
    PaneRecord: ("start_ms",),
    ReceivedSketch: ("from_ms",),
    Decision: ("tick_ms", "settled_ms", "decided_at_ms"),
    EvidenceRecord: ("tick_ms",),
    Progress: ("settled_ms", "passed_ms", "minutes_from_ms", "model_from_ms"),
}
"""Times in a record that are no later than its log time, apart from the differences of clocks."""
_FIX = "only hushtag's workers may write to this topic"


class Stamped(Protocol):
    """A record of a topic, as a reader delivers it."""

    @property
    def value(self) -> bytes | None:
        """Value of the record."""

    @property
    def timestamp(self) -> int:
        """Log time in milliseconds."""


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
        where = f" in {self.field}" if self.field else ""
        return f"{self.position} cannot be read: {self.reason}{where}{f': {self.value}' if self.value else ''}"


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


def read_record(topic: str, shard: int, record: Stamped) -> Any:
    """Decode a record, and check its shard and its times.

    Args:
        topic: one of `DECODERS`, without its prefix.
        shard: partition of the record.
        record: with its value and its log time.

    Raises:
        ContractError: the reason is `empty`, `unreadable`, `absurd`, or one that the decoder gives.
    """
    decoded = read_value(DECODERS[topic], record.value)
    check_place(decoded, shard, record.timestamp)
    return decoded


def check_place(decoded: object, shard: int, log_ms: int) -> None:
    """Check that a record is of its shard, and that no time in it is far ahead of its log time.

    Raises:
        ContractError: `absurd`.
    """
    if getattr(decoded, "shard", shard) != shard:
        raise absurd("shard", decoded.shard, f"{shard}, its partition")  # type: ignore[attr-defined]
    for field in _TIMES.get(type(decoded), ()):
        require_range(field, getattr(decoded, field), -1, log_ms + AHEAD_MS)
    if isinstance(decoded, Flush):
        require_range("watermark_ms", decoded.watermark_ms, -1, log_ms + MARK_AHEAD_MS)
    if isinstance(decoded, Retractions | Corrections):
        received = np.frombuffer(decoded.received, "<i8")
        require_column("received", received, 0, (log_ms + AHEAD_MS) // PANE_MS)


def fault_in(topic: str, shard: int, record: Stamped) -> ContractError | None:
    """Return why a judge cannot read a record; None for one that it reads, or passes over by itself. See `read_record`.

    A judge may also stop at a record that does not fit the rest of its state. Its sign of life names the record.
    """
    try:
        read_record(topic, shard, record)
    except ContractError as error:
        return None if topic == PARTIALS and are_corrections(record.value or b"") else error
    return None
