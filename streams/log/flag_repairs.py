"""Records of the `moderation` topic by which a person deletes a register that hushtag has not written.

The record changes no decision: the logs say what the register must be, and publish writes that. It is kept so that the
audit log has the reason.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from streams.log.moderation import Id, Ms, OtherRecord, Text, decode_other

KIND = "flag_repair"


class FlagRepair(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """Deletion of one register in Redis by a person."""

    id: Id
    field: Annotated[str, msgspec.Meta(min_length=7, max_length=1000)]
    """Field of the register, `surface|country|source|hashtag`."""
    version: Annotated[str, msgspec.Meta(max_length=120)]
    """Version of the deleted register; "" if its value has none."""
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the deleted value, in hex."""
    actor: Text
    reason: Text
    at_ms: Ms


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(FlagRepair)


def repair_key(repair: FlagRepair) -> bytes:
    """Build the record's key: `target | source | id | scope`."""
    return f"register:{repair.field}|repair|{repair.id}|*".encode("utf-8", "replace")


def encode_repair(repair: FlagRepair) -> tuple[bytes, bytes]:
    """Encode a repair as (value, key)."""
    return _encoder.encode(repair), repair_key(repair)


def decode_repair(other: OtherRecord) -> FlagRepair | None:
    """Decode a record that `decode_moderation` passed through; None for other kinds.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range) or `bad_key`.
    """
    return decode_other(other, _decoder, repair_key) if other.kind == KIND else None
