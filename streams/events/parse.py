"""Parse payloads of three shapes and control messages into Tweet or Control.

The top-level keys decide the shape, in this order: `created_at_ms` with `author_id` is native; `user` with
`created_at` is v1.1; `data` is v2. Then any key of v1.1 or of the native shape decides, so that errors name the right
field; last come control messages. Most records take the fast path: a few bytes select the decoder to try first, and a
record with all fields that it requires has that shape. The result is a function of the bytes alone; no state is kept
between records.
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events import native, twitter_v1, twitter_v2
from streams.events.controls import KNOWN, UNKNOWN, ControlMessage, V2ComplianceMessage, to_control
from streams.events.faults import check_bytes, refuse
from streams.events.tweet import Control, Tweet

# strict=False: a number may be a JSON string.
_native = msgspec.json.Decoder(native.NativeTweet, strict=False).decode
_kind = msgspec.json.Decoder(native.KindOnly).decode
_deletion = msgspec.json.Decoder(native.Deletion, strict=False).decode
_v1 = msgspec.json.Decoder(twitter_v1.V1Tweet, strict=False).decode
_v2 = msgspec.json.Decoder(twitter_v2.V2Tweet, strict=False).decode
_notice = msgspec.json.Decoder(ControlMessage, strict=False).decode
_compliance = msgspec.json.Decoder(V2ComplianceMessage, strict=False).decode
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_PEEK = 512
"""Bytes searched for the native key; searching a whole v1.1 payload would cost time."""

_V1_KEYS = frozenset({"user", "created_at", "id_str", "full_text", "extended_tweet", "retweeted_status", "entities"})
_V2_TWEET_KEYS = frozenset({"id", "text", "author_id", "created_at"})
_NATIVE_KEYS = frozenset({"id", "author_id", "created_at_ms", "text", "kind"})


def parse(value: bytes | None) -> Tweet | Control:
    """Parse one record.

    Args:
        value: the record's bytes, None for a tombstone.

    Raises:
        ContractError: with one of the reasons in docs/native-payload.md. No other error is raised for any bytes.
    """
    if value is None:
        raise ContractError("tombstone", fix="the topic is not compacted: do not send null values")
    check_bytes(value)
    try:
        if value.find(b'"created_at_ms"', 0, _PEEK) >= 0:
            payload = _native(value)
            if payload.kind != "delete":
                return native.to_tweet(payload)
        elif value.startswith(b'{"data"') and b'"user"' not in value:
            return twitter_v2.to_tweet(_v2(value))
        else:
            return twitter_v1.to_tweet(_v1(value))
    except msgspec.DecodeError:
        pass  # another shape, or an error: the slow path decides
    try:
        return _by_keys(value)
    except msgspec.DecodeError as error:
        refuse(error, value)


def _by_keys(value: bytes) -> Tweet | Control:
    keys = _keys(value)
    names = keys.keys()
    if "created_at_ms" in names and "author_id" in names:
        return _native_record(value, keys)
    if "user" in names and "created_at" in names:
        return twitter_v1.to_tweet(_v1(value))
    if "data" in names:
        return _v2_record(value, keys["data"])
    if names & _V1_KEYS:
        return twitter_v1.to_tweet(_v1(value))
    if names & _NATIVE_KEYS:
        return _native_record(value, keys)
    if names & KNOWN:
        return to_control(_notice(value), "")
    if len(keys) == 1 and bytes(next(iter(keys.values()))).lstrip()[:1] in (b"{", b"["):
        return UNKNOWN
    raise ContractError(
        "unknown_shape",
        value=", ".join(sorted(names))[:80],
        fix="send a native, Twitter API v1.1 or v2 tweet, or a control message of their streams",
    )


def _native_record(value: bytes, keys: dict[str, msgspec.Raw]) -> Tweet | Control:
    """Parse by `kind` if there is no text; a deletion is one with any content."""
    if "kind" in keys:
        kind = _kind(value).kind
        if kind == "delete":
            return native.to_control(_deletion(value))
        if "text" not in keys and kind not in native.TWEET_KINDS:
            return UNKNOWN
    return native.to_tweet(_native(value))


def _v2_record(value: bytes, data: msgspec.Raw) -> Tweet | Control:
    if bytes(data).lstrip()[:1] == b"{":
        names = _keys(data).keys()
        if names and not names & _V2_TWEET_KEYS:
            return to_control(_compliance(value).data, "data.")
    return twitter_v2.to_tweet(_v2(value))
