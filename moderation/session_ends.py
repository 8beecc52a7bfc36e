"""Record of a browser session that an admin ended, in the `moderation` topic; the audit log has it from there. Pure.

It holds a hash of the session's id, which opens nothing.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from streams.log.moderation import Id, Ms, OtherRecord, Text, decode_other

KIND = "session_ended"


class SessionEnded(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """One admin's end of another person's session, or of their own."""

    id: Id
    session: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
    """Public handle of the session."""
    target: Text
    """Person whose session it was."""
    actor: Text
    reason: Text
    at_ms: Ms


_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[SessionEnded] = msgspec.json.Decoder(SessionEnded)


def handle_of(session_id: str) -> str:
    """Return the public handle of a session: the first 16 digits of the SHA-256 of its id."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]


def session_end_key(record: SessionEnded) -> bytes:
    """Build the record's key: `target | source | id | scope`."""
    return f"session:{record.session}|people|{record.id}|*".encode()


def encode_session_end(record: SessionEnded) -> tuple[bytes, bytes]:
    """Encode a record as (value, key)."""
    return _encode(record), session_end_key(record)


def decode_session_end(other: OtherRecord) -> SessionEnded | None:
    """Decode a record that `decode_moderation` left undecoded; None for kinds of other modules.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range) or `bad_key`.
    """
    return decode_other(other, _decoder, session_end_key) if other.kind == KIND else None
