"""Retractions in `hashtag-panes`: the rows that a tick applies, for the next owner of the shard.

Records may repeat; their union is one set of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from streams.constants import DAY_MS, PANE_MS
from streams.counting.keys import Tags, are_scopes
from streams.counting.retractions import NO_PANE, RetractionRows, Retractions, columns_of
from streams.log.sense import LATEST_MS, absurd, require_column, require_names

MAX_BYTES = 512 * 1024
_MOST_AHEAD = DAY_MS // PANE_MS
"""Panes by which a deleted tweet may be ahead of its deletion: the greatest `max_event_ahead_ms`."""
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
    """Decode a record of retractions.

    Raises:
        msgspec.MsgspecError: it is malformed.
        ContractError: no worker can have written it.
    """
    return check_retractions(_decoder.decode(memoryview(value)[1:]), LATEST_MS // PANE_MS)


def check_retractions(rows: Retractions, newest_pane: int) -> Retractions:
    """Return rows (n,).

    Args:
        rows: as they were decoded.
        newest_pane: pane of the newest log time.

    Raises:
        ContractError: no worker can have written them.
    """
    n = len(rows.hashtags)
    sizes = tuple(map(len, (rows.countries, rows.panes, rows.tweets, rows.received)))
    if sizes != (2 * n, 8 * n, 8 * n, 8 * n):
        raise absurd("retractions", sizes, f"the columns of {n} rows")
    require_names("hashtags", rows.hashtags, with_empty=True)
    panes, received = np.frombuffer(rows.panes, "<i8"), np.frombuffer(rows.received, "<i8")
    if not are_scopes(np.frombuffer(rows.countries, "<u2")):
        raise absurd("countries", rows.countries.hex(), "countries")
    if (np.array([name == "" for name in rows.hashtags], bool) != (panes == NO_PANE)).any():
        raise absurd("panes", panes.tolist(), "a pane for each hashtag")
    require_column("received", received, 0, newest_pane)
    require_column("panes", panes, NO_PANE, newest_pane + _MOST_AHEAD)
    require_column("tweets", np.frombuffer(rows.tweets, "<i8"), 0)
    return rows
