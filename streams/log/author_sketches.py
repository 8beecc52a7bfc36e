"""Author sketches of suppressed tags: records down every shard, and beside the panes of each shard that heard them.

When a campaign moves to a new tag, its authors come along. The new tag may lie in any shard, so the judge of the old
one tells all of them who wrote under it: keyed hashes, at most as many as a sample has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from streams.counting.sketch import UInts


class AuthorSketch(msgspec.Struct, frozen=True):
    """Who wrote under a tag that a settled tick hides in a scope.

    A function of the tick alone: sent twice, late or by a worker that should be dead it says the same. Those of one
    hashtag and country count together, from the last one on that lets the tag go.
    """

    hashtag: str
    country: str
    """ISO code, or `*`."""
    tick_ms: int
    """End of the settled tick as of which it is."""
    until_ms: int
    """The flag's expiry: the newest one's ends all. 0: the tag is not hidden any more."""
    upto: int
    """The authors are all with a hash up to this, in [0, 2**64), whose sampled tweet under the tag is harmful."""
    authors: bytes
    """uint64, little-endian, ascending."""

    def hashes(self) -> UInts:
        """(n,) authors, ascending."""
        return np.frombuffer(self.authors, "<u8").astype(np.uint64)


class HeardSketch(msgspec.Struct, frozen=True):
    """A sketch as a shard met it in its log: a record beside the shard's panes, so that a successor has it."""

    sketch: AuthorSketch
    from_ms: int
    """First tick (its end) that it counts for."""


_KIND = b"s"
"""First byte; a pane's record is an array, and begins otherwise."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(HeardSketch)


def encode_heard(heard: HeardSketch) -> bytes:
    """As a record of `hashtag-panes`."""
    return _KIND + _encoder.encode(heard)


def is_heard(value: bytes) -> bool:
    """Whether a record of `hashtag-panes` is a sketch, and no pane."""
    return value[:1] == _KIND


def heard_records(values: Iterable[bytes]) -> Iterator[HeardSketch]:
    """The sketches among records of `hashtag-panes`."""
    return (_decoder.decode(memoryview(value)[1:]) for value in values if is_heard(value))
