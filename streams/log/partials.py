"""Records of `hashtag-partials`: many registers a record, markers, activations, marks of facts and corrections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from streams.counting.corrections import Corrections
from streams.counting.registers import PANE_MS, Flush
from streams.errors import ContractError
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


def corrections_in(values: Iterable[bytes]) -> Iterator[tuple[int, Corrections]]:
    """The corrections of a shard's log, in its order, each with the pane from whose end on it counts: above all
    watermarks that the log has told before it. Those that cannot be read are left out, as a judge does."""
    passed_ms = 0
    for value in values:
        with suppress(ContractError):
            record = decode_partial(value)
            if isinstance(record, Flush):
                passed_ms = max(passed_ms, record.watermark_ms)
            elif isinstance(record, Corrections):
                yield passed_ms // PANE_MS, record
