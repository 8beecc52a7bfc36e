"""Records of `hashtag-partials`: many registers a record, markers, activations, marks of facts and corrections."""

from __future__ import annotations

import msgspec

from streams.counting.corrections import Corrections
from streams.counting.registers import Flush
from streams.log import corrections
from streams.log.facts import FactsMark
from streams.policy.activation import Activation

Partial = Flush | Activation | FactsMark | Corrections
_ACTIVATION = b"a"
_FLUSH = b"f"
_MARK = b"m"
_encoder = msgspec.msgpack.Encoder()
_flush = msgspec.msgpack.Decoder(Flush)
_activation = msgspec.msgpack.Decoder(Activation)
_mark = msgspec.msgpack.Decoder(FactsMark)
_KINDS: dict[type[Partial], bytes] = {
    Flush: _FLUSH,
    Activation: _ACTIVATION,
    FactsMark: _MARK,
    Corrections: corrections.KIND,
}


def encode_partial(record: Partial) -> bytes:
    """One byte for the kind, then msgpack."""
    return _KINDS[type(record)] + _encoder.encode(record)


def decode_partial(value: bytes) -> Partial:
    """The inverse of `encode_partial`.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: somebody else wrote into the topic.
        ContractError: the same of corrections, which no count rests on: whoever reads them can go on without.
    """
    if value[:1] == _FLUSH:
        return _flush.decode(memoryview(value)[1:])
    if value[:1] == _ACTIVATION:
        return _activation.decode(memoryview(value)[1:])
    if value[:1] == _MARK:
        return _mark.decode(memoryview(value)[1:])
    if corrections.are_corrections(value):
        return corrections.decode_corrections(value)
    raise msgspec.DecodeError(f"unknown kind of partials record: {value[:1]!r}")
