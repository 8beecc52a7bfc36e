"""Record of a reading of texts in the `moderation` topic; the audit log has it from there. Pure.

It is written before the texts are shown, so that no reading lacks one. It holds ids, never texts.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from streams.log.moderation import Id, Ms, RecordCodec, Tag, Text, TweetId

KIND = "text_reading"


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


_codec: RecordCodec[TextReading] = RecordCodec(
    TextReading, lambda reading: f"texts:{reading.hashtag}|review|{reading.id}|*".encode()
)
encode_reading = _codec.encode
decode_reading = _codec.decode
