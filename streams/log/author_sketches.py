"""Author sketches of suppressed hashtags: records in every shard's log, and with the panes of each receiving shard.

When a campaign migrates to a new hashtag, its authors write there, too. The new hashtag may lie in any shard, so the
judge of the old one sends its authors to all of them: keyed hashes, at most as many as a sample has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from streams.counting.sketch import SPACE, K, UInts
from streams.log.sense import LATEST_MS, Country, Ms, absurd, require_names, require_range, require_tick


class AuthorSketch(msgspec.Struct, frozen=True):
    """Authors of a hashtag that a settled tick suppresses in a country.

    A function of the tick alone: a repeated or late record, or one of a zombie, is equal. The sketches of one hashtag
    and country count together, back to the last one that ends the suppression.
    """

    hashtag: str
    country: Country
    """ISO 3166-1 code, or `*` for the world."""
    tick_ms: int
    """End of the settled tick."""
    until_ms: Ms
    """Expiry of the flag; the newest sketch's expiry ends all. 0: the hashtag is no longer suppressed."""
    upto: int
    """Greatest hash, in [0, 2**64): the sketch has all authors up to it whose sampled tweet is harmful."""
    authors: bytes
    """Hashes of the authors: uint64, little-endian, ascending."""

    def hashes(self) -> UInts:
        """Return the authors' hashes (n,), ascending."""
        return np.frombuffer(self.authors, "<u8").astype(np.uint64)


class ReceivedSketch(msgspec.Struct, frozen=True):
    """A sketch as a shard received it: a record in `hashtag-panes`, for the next owner."""

    sketch: AuthorSketch
    from_ms: int
    """End of the first tick that it counts for."""


_KIND = b"s"
"""First byte of a record; a pane's record is an array and begins otherwise."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ReceivedSketch)


def encode_received_sketch(received: ReceivedSketch) -> bytes:
    """Encode a received sketch as a record of `hashtag-panes`."""
    return _KIND + _encoder.encode(received)


def is_received_sketch(value: bytes) -> bool:
    """Return whether a record of `hashtag-panes` is a sketch."""
    return value[:1] == _KIND


def decode_received_sketches(values: Iterable[bytes]) -> Iterator[ReceivedSketch]:
    """Decode the sketches among records of `hashtag-panes`."""
    for value in values:
        if is_received_sketch(value):
            received = _decoder.decode(memoryview(value)[1:])
            check_sketch(received.sketch)
            require_range("from_ms", received.from_ms, received.sketch.tick_ms, LATEST_MS)
            yield received


def check_sketch(sketch: AuthorSketch) -> AuthorSketch:
    """Return a sketch.

    Raises:
        ContractError: no worker can have written it.
    """
    require_names("hashtag", [sketch.hashtag])
    require_tick("tick_ms", sketch.tick_ms)
    require_range("upto", sketch.upto, 0, SPACE - 1)
    if len(sketch.authors) % 8 or len(sketch.authors) > 8 * K:
        raise absurd("authors", f"{len(sketch.authors)} bytes", f"at most {K} hashes of 8 bytes")
    hashes = sketch.hashes()
    if (hashes[1:] <= hashes[:-1]).any() or (len(hashes) and int(hashes[-1]) > sketch.upto):
        raise absurd("authors", hashes.tolist(), f"ascending, up to {sketch.upto}")
    return sketch
