"""Retractions in `hashtag-panes`: the rows that a tick applies, for the next owner of the shard.

Records may repeat; their union is one set of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from streams.counting.keys import Tags
from streams.counting.retractions import RetractionRows, Retractions, columns_of

MAX_BYTES = 512 * 1024
_KIND = b"r"
"""First byte of a record; a pane's record is an array and begins otherwise."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Retractions)


def encode_retractions(rows: RetractionRows, tags: Tags) -> Iterator[bytes]:
    """Encode rows of retractions as records."""
    for piece in columns_of(rows, tags, MAX_BYTES):
        yield _KIND + _encoder.encode(piece)


def are_retractions(value: bytes) -> bool:
    """Return whether a record of `hashtag-panes` holds retractions."""
    return value[:1] == _KIND


def decode_retractions(value: bytes) -> Retractions:
    """Decode a record of retractions."""
    return _decoder.decode(memoryview(value)[1:])
