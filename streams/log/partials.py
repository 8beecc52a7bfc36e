"""Records of `hashtag-partials`: block counts with markers, activations, facts marks, corrections and sketches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from streams.constants import PANE_MS
from streams.counting.block_counts import Flush
from streams.errors import ContractError
from streams.log import corrections
from streams.log.account_facts import FactsMark
from streams.log.author_sketches import AuthorSketch
from streams.policy.activation import Activation
from streams.windows.corrections import Corrections

Partial = Flush | Activation | FactsMark | Corrections | AuthorSketch
_ACTIVATION = b"a"
_FLUSH = b"f"
_MARK = b"m"
_SKETCH = b"s"
_encoder = msgspec.msgpack.Encoder()
_flush = msgspec.msgpack.Decoder(Flush)
_activation = msgspec.msgpack.Decoder(Activation)
_mark = msgspec.msgpack.Decoder(FactsMark)
_sketch = msgspec.msgpack.Decoder(AuthorSketch)
_KINDS: dict[type[Partial], bytes] = {
    Flush: _FLUSH,
    Activation: _ACTIVATION,
    FactsMark: _MARK,
    AuthorSketch: _SKETCH,
    Corrections: corrections.KIND,
}


def encode_partial(record: Partial) -> bytes:
    """Encode a record: one byte for the kind, then msgpack."""
    return _KINDS[type(record)] + _encoder.encode(record)


def decode_partial(value: bytes) -> Partial:
    """Decode a record.

    Raises:
        msgspec.DecodeError, msgspec.ValidationError: the record is not hushtag's.
        ContractError: malformed corrections. No count rests on them, so a reader can skip them.
    """
    if value[:1] == _FLUSH:
        return _flush.decode(memoryview(value)[1:])
    if value[:1] == _ACTIVATION:
        return _activation.decode(memoryview(value)[1:])
    if value[:1] == _MARK:
        return _mark.decode(memoryview(value)[1:])
    if corrections.are_corrections(value):
        return corrections.decode_corrections(value)
    if value[:1] == _SKETCH:
        return _sketch.decode(memoryview(value)[1:])
    raise msgspec.DecodeError(f"unknown kind of partials record: {value[:1]!r}")


def readable(values: Iterable[bytes]) -> Iterator[Partial]:
    """Decode the records of a shard's log and skip malformed corrections, as a judge does."""
    for value in values:
        with suppress(ContractError):
            yield decode_partial(value)


def corrections_in(log: Iterable[Partial]) -> Iterator[tuple[int, Corrections]]:
    """Yield the corrections of a shard's log in order, each with the pane from whose end on it counts.

    That pane is above all watermarks in the log before the corrections.
    """
    passed_ms = 0
    for record in log:
        if isinstance(record, Flush):
            passed_ms = max(passed_ms, record.watermark_ms)
        elif isinstance(record, Corrections):
            yield passed_ms // PANE_MS, record
