"""Simulated tweet before it is encoded in a payload shape."""

from __future__ import annotations

import msgspec

from devkit.simulation.people import SNOWFLAKE_EPOCH_MS, Author


class TweetDraft(msgspec.Struct, gc=False, eq=False):
    """Simulated tweet: text, author and time. The payload modules encode it."""

    id: int
    author: Author
    true_ms: int
    """Actual time of the tweet."""
    created_ms: int
    """Time in the payload, which differs if the producer's clock is wrong."""
    text: str
    language: str
    tags: tuple[str, ...]
    """Distinct hashtags in `text` as written, without #."""
    original: TweetDraft | None = None
    """Tweet that this one retweets or quotes."""
    quote: bool = False
    dice: int = 0
    """Random bits that decide details of the payload, so that encoding needs no generator."""

    @property
    def is_retweet(self) -> bool:
        """Whether it is a retweet, of which the original's text and hashtags count."""
        return self.original is not None and not self.quote

    @property
    def counted_tags(self) -> tuple[str, ...]:
        """Hashtags that this tweet counts for."""
        return self.original.tags if self.original is not None and not self.quote else self.tags


class TweetIds:
    """Generator of snowflake ids: milliseconds in the upper bits, unique in a run."""

    def __init__(self) -> None:
        self._next = 0

    def next(self, at_ms: int) -> int:
        """Return a new id for a tweet of this moment."""
        self._next = (self._next + 1) & 0x3FFFFF
        return max(0, at_ms - SNOWFLAKE_EPOCH_MS) << 22 | self._next
