"""Records of the `moderation` topic by which a person lets a stopped shard pass over one unreadable record.

They stand in `moderation`, so that a judge knows all of them before it recovers, the audit log has them, and a replay
reads the same. A skip names the SHA-256 of the record's value: in a topic that was created again it has no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from streams.errors import ContractError
from streams.log.moderation import Id, Ms, OtherRecord, RecordCodec, Text, decode_moderation
from streams.log.positions import RecordPosition

if TYPE_CHECKING:
    from streams.log.unreadable import UnreadableRecord

KIND = "skip"


SkippedTopic = Literal["hashtag-partials", "hashtag-panes", "hashtag-short-panes", "suppression-decisions"]
"""Topic at whose unreadable records a shard stops, without its prefix."""


class Skip(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """Permission of a person to pass over one unreadable record."""

    id: Id
    topic: SkippedTopic
    """Topic of the record, without its prefix."""
    partition: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    offset: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """SHA-256 of the record's value, in hex; of no bytes for a record without a value."""
    actor: Text
    reason: Text
    at_ms: Ms

    @property
    def position(self) -> RecordPosition:
        """Position of the record."""
        return RecordPosition(self.topic, self.partition, self.offset)


_codec: RecordCodec[Skip] = RecordCodec(
    Skip, lambda skip: f"record:{skip.topic}/{skip.partition}/{skip.offset}|skip|{skip.id}|*".encode()
)
encode_skip = _codec.encode
decode_skip = _codec.decode


class SkipIndex:
    """Skips of the `moderation` topic."""

    def __init__(self) -> None:
        self._skips: dict[tuple[RecordPosition, str], Skip] = {}

    def apply_raw(self, key: bytes | None, value: bytes | None) -> None:
        """Decode and apply a record of the topic; other kinds, and records that break the contract, change nothing."""
        try:
            record = decode_moderation(value, key)
            skip = decode_skip(record) if isinstance(record, OtherRecord) else None
        except ContractError:  # the publish stage reports it
            return
        if skip is not None:
            self._skips.setdefault((skip.position, skip.sha256), skip)

    def find(self, record: UnreadableRecord) -> Skip | None:
        """Return the skip of an unreadable record, or None."""
        return self._skips.get((record.position, record.sha256))
