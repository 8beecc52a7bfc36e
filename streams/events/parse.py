"""Payloads of three shapes, and the stream's control messages, to one Tweet or Control.

The shape is told by the top-level keys, in this order: `created_at_ms` with `author_id` is native; `user` with
`created_at` is v1.1; `data` is v2; then any key of v1.1, any key of the native shape, so that the fault found is the
one that matters; then the control messages. Most records take the short way: some bytes say which decoder to try
first, and a record in which it finds all that it requires is of that shape. The answer is a function of the bytes
alone; nothing is remembered from one record to the next.
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from streams.errors import ContractError
from streams.events import native, twitter_v1, twitter_v2
from streams.events.controls import KNOWN, UNKNOWN, Compliance, Notice, to_control
from streams.events.faults import check_bytes, refuse
from streams.events.tweet import Control, Tweet

# strict=False: a number may come as a string that holds it.
_native = msgspec.json.Decoder(native.NativeTweet, strict=False).decode
_kind = msgspec.json.Decoder(native.Kind).decode
_deletion = msgspec.json.Decoder(native.Deletion, strict=False).decode
_v1 = msgspec.json.Decoder(twitter_v1.V1Tweet, strict=False).decode
_v2 = msgspec.json.Decoder(twitter_v2.V2Tweet, strict=False).decode
_notice = msgspec.json.Decoder(Notice, strict=False).decode
_compliance = msgspec.json.Decoder(Compliance, strict=False).decode
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_PEEK = 512
"""Bytes in which a native payload shows that it is one; a search through all of a v1.1 payload is not free."""

_V1_KEYS = frozenset({"user", "created_at", "id_str", "full_text", "extended_tweet", "retweeted_status", "entities"})
_V2_TWEET_KEYS = frozenset({"id", "text", "author_id", "created_at"})
_NATIVE_KEYS = frozenset({"id", "author_id", "created_at_ms", "text", "kind"})


def parse(value: bytes | None) -> Tweet | Control:
    """Read one record.

    Args:
        value: the record's bytes, None for a tombstone.
    Raises:
        ContractError: with one of the reasons that docs/native-payload.md lists, and nothing else, whatever the bytes.
    """
    if value is None:
        raise ContractError("tombstone", fix="the topic is not compacted: do not send null values")
    check_bytes(value)
    try:
        if value.find(b'"created_at_ms"', 0, _PEEK) >= 0:
            found = _native(value)
            if found.kind != "delete":
                return native.to_tweet(found)
        elif value.startswith(b'{"data"') and b'"user"' not in value:
            return twitter_v2.to_tweet(_v2(value))
        else:
            return twitter_v1.to_tweet(_v1(value))
    except msgspec.DecodeError:
        pass  # another shape, or a fault: the long way finds out which
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
    _unknown_shape(names)


def _native_record(value: bytes, keys: dict[str, msgspec.Raw]) -> Tweet | Control:
    """`kind` speaks where there is no text, and a deletion is one whatever it holds."""
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


def _unknown_shape(names: Any) -> NoReturn:
    raise ContractError(
        "unknown_shape",
        value=", ".join(sorted(names))[:80],
        fix="send a native, Twitter API v1.1 or v2 tweet, or a control message of their streams",
    )
