"""What ingest tells the judges of a block: registers with absolute counts, and one entry per sampled author.

A register is a pure function of its block's offsets read so far: its count is how many tweets so far, never an
increment, so that it may be sent again, late or by a process that should be dead. Entries merge by union.
"""

from __future__ import annotations

import msgspec

BLOCK = 256
"""Offsets of a source partition in one block: `offset // BLOCK` is its number, for ever."""

PANE_MS = 10_000
MINUTE_MS = 60_000

RULES = 1
"""Number of the hashtag grammar and normalisation in force; a block takes its greatest only."""

RETWEET = 1
"""Flag of an entry: a native retweet (never counts as a copy)."""

UNKNOWN_AGE = -1


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One sampled author of a (hashtag, country, pane), with the tweet that speaks for them."""

    author: int
    """Keyed hash of the author's id, in [0, 2**64)."""
    tweet: int
    """Tweet id, in [0, 2**63); of an author's tweets the one with the smallest keyed hash speaks."""
    age_days: int
    """Age of the account when it tweeted, in days; `UNKNOWN_AGE` where the payload does not say."""
    flags: int
    display: str
    """The hashtag as written, "" where that is its normal form."""
    text: str


class Register(msgspec.Struct, array_like=True, gc=False):
    """How often a hashtag was used in one block, country and pane, so far."""

    hashtag: str
    country: str
    """ISO 3166-1 alpha-2, "" for none: it counts for the world only."""
    pane: int
    """Effective time // PANE_MS."""
    count: int
    entries: list[Entry]
    """New or improved since the last time it was sent; at most k authors with the smallest hashes matter."""


class BlockRegisters(msgspec.Struct, array_like=True, gc=False):
    """The registers of one block that changed since the last flush."""

    block: int
    registers: list[Register]


class Flush(msgspec.Struct, array_like=True, tag="f", gc=False):
    """One record of `hashtag-partials`: a source partition's news for one shard, and its marker."""

    source_id: str
    """Id of the source topic: a topic made anew starts afresh."""
    source: int
    """Source partition."""
    sources: int
    """How many partitions the source topic has."""
    rules: int
    block: int
    """Block reached: every earlier block is complete."""
    watermark_ms: int
    """No record still to come has an effective time below it. -1 in all but the last record of a flush."""
    newest_ms: int
    """Greatest log time read."""
    blocks: list[BlockRegisters]
