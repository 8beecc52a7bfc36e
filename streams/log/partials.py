"""Records of `hashtag-partials`: many registers a record, markers, activations, marks of facts and author sketches, as
msgpack."""

from __future__ import annotations

import msgspec

from streams.counting.registers import Flush
from streams.log.facts import FactsMark
from streams.log.sketches import AuthorSketch
from streams.policy.activation import Activation

Partial = Flush | Activation | FactsMark | AuthorSketch
_ACTIVATION = b"a"
_FLUSH = b"f"
_MARK = b"m"
_SKETCH = b"s"
_encoder = msgspec.msgpack.Encoder()
_flush = msgspec.msgpack.Decoder(Flush)
_activation = msgspec.msgpack.Decoder(Activation)
_mark = msgspec.msgpack.Decoder(FactsMark)
_sketch = msgspec.msgpack.Decoder(AuthorSketch)
_KINDS: dict[type[Partial], bytes] = {Flush: _FLUSH, Activation: _ACTIVATION, FactsMark: _MARK, AuthorSketch: _SKETCH}


def encode_partial(record: Partial) -> bytes:
    """One byte for the kind, then msgpack."""
    return _KINDS[type(record)] + _encoder.encode(record)


def decode_partial(value: bytes) -> Partial:
    """The inverse of `encode_partial`.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: somebody else wrote into the topic.
    """
    if value[:1] == _FLUSH:
        return _flush.decode(memoryview(value)[1:])
    if value[:1] == _ACTIVATION:
        return _activation.decode(memoryview(value)[1:])
    if value[:1] == _MARK:
        return _mark.decode(memoryview(value)[1:])
    if value[:1] == _SKETCH:
        return _sketch.decode(memoryview(value)[1:])
    raise msgspec.DecodeError(f"unknown kind of partials record: {value[:1]!r}")
