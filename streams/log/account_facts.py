"""Marks: how far the `moderation` topic was read, in every shard's log and in progress records.

Account facts from legal orders and the registry of speakers are stored once, in `moderation`, and not copied to the
shards. A shard's log has only marks: from here on, everything before this offset counts. So a million suspended
accounts cost a shard as much as one, and no other topic names them.
"""

from __future__ import annotations

import msgspec

from streams.log.sense import LogOffset, MsOrNone


class FactsMark(msgspec.Struct, frozen=True):
    """Record in every shard's log: its sender had read `moderation` up to an offset. Repeats are harmless."""

    topic_id: str
    """Id of the `moderation` topic. A topic created again has another id, and its offsets mean something else."""
    upto: LogOffset
    """The first offset not read."""


class AppliedMark(msgspec.Struct, frozen=True):
    """A mark as a shard applied it: part of its progress record."""

    topic_id: str
    upto: LogOffset
    passed_ms: MsOrNone
    """Greatest watermark in the shard's log before the mark. The mark counts for ticks above it only."""
