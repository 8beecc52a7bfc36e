"""Records of `hashtag-partials`: many registers a record, markers and activations, as msgpack."""

from __future__ import annotations

import msgspec

from streams.counting.registers import Flush
from streams.policy.activation import Activation

_ACTIVATION = b"a"
_FLUSH = b"f"
_encoder = msgspec.msgpack.Encoder()
_flush = msgspec.msgpack.Decoder(Flush)
_activation = msgspec.msgpack.Decoder(Activation)


def encode_partial(record: Flush | Activation) -> bytes:
    """One byte for the kind, then msgpack."""
    return (_FLUSH if isinstance(record, Flush) else _ACTIVATION) + _encoder.encode(record)


def decode_partial(value: bytes) -> Flush | Activation:
    """The inverse of `encode_partial`.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: somebody else wrote into the topic.
    """
    if value[:1] == _FLUSH:
        return _flush.decode(memoryview(value)[1:])
    if value[:1] == _ACTIVATION:
        return _activation.decode(memoryview(value)[1:])
    raise msgspec.DecodeError(f"unknown kind of partials record: {value[:1]!r}")
