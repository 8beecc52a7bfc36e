"""How far a shard has heard people: positions in the `moderation` topic, as its log and its progress record have them.

What orders and the registry say about accounts is kept once, in `moderation`, and not copied down the shards: a shard's
log says only *from here on, everything before this offset counts*. So a million suspended accounts cost a shard as
much as one, and no other topic names them.
"""

from __future__ import annotations

import msgspec


class FactsMark(msgspec.Struct, frozen=True):
    """A record in every shard's log: whoever sent it had read `moderation` up to an offset. May repeat."""

    topic_id: str
    """Of `moderation`: a topic made anew has another, and its offsets mean something else."""
    upto: int
    """The first offset not read."""


class HeardFacts(msgspec.Struct, frozen=True):
    """A mark as a shard met it: part of its progress record."""

    topic_id: str
    upto: int
    passed_ms: int
    """Greatest watermark in the shard's log before the mark. Ticks above it are judged with it, none at or below."""
