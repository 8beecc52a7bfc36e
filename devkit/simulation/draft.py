"""A tweet before it has a shape."""

from __future__ import annotations

import msgspec

from devkit.simulation.people import SNOWFLAKE_EPOCH_MS, Author


class Draft(msgspec.Struct, gc=False, eq=False):
    """What is said, by whom, when; the payload modules write it down."""

    id: int
    author: Author
    true_ms: int
    """When it really happened."""
    created_ms: int
    """When it claims to have happened: another time where the producer's clock is wrong."""
    text: str
    language: str
    tags: tuple[str, ...]
    """The hashtags in `text` as written, without #; distinct."""
    original: Draft | None = None
    """What it retweets or quotes."""
    quote: bool = False
    dice: int = 0
    """Random bits that decide details of the payload, so that writing it down needs no generator."""

    @property
    def is_retweet(self) -> bool:
        """Whether the original's words and tags count instead of its own."""
        return self.original is not None and not self.quote

    @property
    def counted_tags(self) -> tuple[str, ...]:
        """The hashtags that this tweet is a use of."""
        return self.original.tags if self.original is not None and not self.quote else self.tags


class Ids:
    """Tweet ids as Twitter makes them: milliseconds in the upper bits, and never the same one twice in a run."""

    def __init__(self) -> None:
        self._next = 0

    def next(self, at_ms: int) -> int:
        """A new id for a tweet of this moment."""
        self._next = (self._next + 1) & 0x3FFFFF
        return max(0, at_ms - SNOWFLAKE_EPOCH_MS) << 22 | self._next
