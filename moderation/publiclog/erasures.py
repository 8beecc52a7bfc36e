"""Erasures: records of the `moderation` topic by which a person removes an entry's record from the audit log.

The writer logs the record like any other, and replaces the entry's opening in the same transaction. The tree keeps the
leaf, whose digests say nothing without their salts. Type and period stay, so that a report can still be recounted.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from moderation.publiclog.inputs import AuditInput, Natural
from moderation.publiclog.leaf_fields import ERASURE
from streams.errors import ContractError
from streams.log.moderation import Id, Ms, OtherRecord, RecordCodec, Text, decode_moderation
from streams.log.topic_specs import MODERATION

KEPT_FIELDS = ("type", "period")
"""Fields that stay open after an erasure."""
ERASED_NOTE = "left out: its erasure was ordered before it was logged"
"""Note in place of a record that was erased from an earlier log."""


class AuditErasure(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=ERASURE):
    """A person's erasure of one entry's record from the audit log."""

    id: Id
    entry: Natural
    """Number of the entry."""
    topic: Annotated[str, msgspec.Meta(max_length=100)]
    """Topic of the entry's source record, without the prefix."""
    partition: Natural
    offset: Natural
    actor: Text
    reason: Text
    at_ms: Ms


_codec: RecordCodec[AuditErasure] = RecordCodec(
    AuditErasure, lambda erasure: f"audit:{erasure.entry}|erasure|{erasure.id}|*".encode()
)
encode_erasure = _codec.encode


def erasure_in(source_record: AuditInput) -> AuditErasure | None:
    """Return the erasure that a source record orders; None for another record, or a malformed one."""
    if source_record.source.topic != MODERATION or ERASURE.encode() not in (source_record.value or b""):
        return None
    try:
        record = decode_moderation(source_record.value, source_record.key or b"", source_record.source.log_time_ms)
        return _codec.decode(record) if isinstance(record, OtherRecord) else None
    except ContractError:
        return None
