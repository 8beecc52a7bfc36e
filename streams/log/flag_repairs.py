"""Records of the `moderation` topic by which a person deletes a register that hushtag has not written.

The record changes no decision: the logs say what the register must be, and publish writes that. It is kept so that the
audit log has the reason.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from streams.log.moderation import Id, Ms, RecordCodec, Text

KIND = "flag_repair"


class FlagRepair(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """Deletion of one register in Redis by a person."""

    id: Id
    field: Annotated[str, msgspec.Meta(min_length=7, max_length=1000)]
    """Field of the register, `surface|country|source|hashtag`."""
    version: Annotated[str, msgspec.Meta(max_length=120)]
    """Version of the deleted register; "" if its value has none."""
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """SHA-256 of the deleted value, in hex."""
    actor: Text
    reason: Text
    at_ms: Ms


_codec: RecordCodec[FlagRepair] = RecordCodec(
    FlagRepair, lambda repair: f"register:{repair.field}|repair|{repair.id}|*".encode("utf-8", "replace")
)
encode_repair = _codec.encode
decode_repair = _codec.decode
