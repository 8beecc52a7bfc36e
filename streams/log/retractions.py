"""Retractions beside the panes in `hashtag-panes`: what a tick put in force, so that a successor has it.

Records may repeat; together they are one set of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from streams.counting.keys import Tags
from streams.counting.retractions import Retractions, Rows, columns_of, rows_of, together

MAX_BYTES = 512 * 1024
_KIND = b"r"
"""First byte; a pane's record is an array, and begins otherwise."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Retractions)


def encode_retractions(rows: Rows, tags: Tags) -> Iterator[bytes]:
    """Rows as records."""
    for piece in columns_of(rows, tags, MAX_BYTES):
        yield _KIND + _encoder.encode(piece)


def are_retractions(value: bytes) -> bool:
    """Whether a record of `hashtag-panes` holds retractions, and no pane."""
    return value[:1] == _KIND


def decode_retractions(value: bytes) -> Retractions:
    """A record of retractions."""
    return _decoder.decode(memoryview(value)[1:])


def together_of(records: Iterable[Retractions], tags: Tags) -> Rows:
    """Records, in any order, repeats among them, to rows keyed by `tags`."""
    return together([rows_of(record, tags) for record in records])
