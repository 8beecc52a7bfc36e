"""Record of a reading of texts in the `moderation` topic; the audit log has it from there. Pure.

It is written before the texts are shown, so that no reading lacks one. It holds ids, never texts.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from streams.log.moderation import Id, Ms, OtherRecord, Tag, Text, decode_other

KIND = "text_reading"
TweetId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]


class TextReading(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """One person's reading of the texts behind a decision."""

    id: Id
    hashtag: Tag
    case: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Case in which they were read; "" outside a case."""
    tweets: Annotated[tuple[TweetId, ...], msgspec.Meta(min_length=1, max_length=100)]
    """Ids of the tweets whose texts were requested."""
    actor: Text
    reason: Text
    """Purpose of the reading."""
    at_ms: Ms


_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[TextReading] = msgspec.json.Decoder(TextReading)


def reading_key(record: TextReading) -> bytes:
    """Build the record's key: `target | source | id | scope`."""
    return f"texts:{record.hashtag}|review|{record.id}|*".encode()


def encode_reading(record: TextReading) -> tuple[bytes, bytes]:
    """Encode a record as (value, key)."""
    return _encode(record), reading_key(record)


def decode_reading(other: OtherRecord) -> TextReading | None:
    """Decode a record that `decode_moderation` left undecoded; None for kinds of other modules.

    Raises:
        ContractError: `bad_record` (a field is missing or out of range) or `bad_key`.
    """
    return decode_other(other, _decoder, reading_key) if other.kind == KIND else None
