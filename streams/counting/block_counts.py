"""What ingest tells the judges of a block: registers with absolute counts, and one entry per sampled author.

A register is a pure function of its block's offsets read so far: its count is how many tweets so far, never an
increment, so that it may be sent again, late or by a process that should be dead. Entries merge by union.

At firehose speed an object per tweet is what costs most, so a record is a struct of columns (little-endian arrays),
and stays one until a pane has settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from streams.counting.retractions import Retractions

BLOCK = 256
"""Offsets of a source partition in one block: `offset // BLOCK` is its number, for ever."""

PANE_MS = 10_000
MINUTE_MS = 60_000

RULES = 1
"""Number of the hashtag grammar and normalisation in force; a block is counted by one of them only."""

RETWEET = 1
"""Flag of an entry: a native retweet (never counts as a copy)."""
LINKED = 2
"""Flag of an entry: the tweet links to a domain that the policy lists, under which its pane has settled."""
FLAGS = 0x0F
"""The bits of an entry that are flags."""
GROUP_SHIFT = 4
"""The bits above them: the scorer's group of languages of the entry's text, plus one, set when its pane settles. 0: it
has no score, or its pane was settled by a version that did not keep the group."""
MAX_GROUPS = 15

UNKNOWN_AGE = -1

Ints = npt.NDArray[np.int64]
UInts = npt.NDArray[np.uint64]
Strings = npt.NDArray[np.object_]
"""Of str or bytes: chosen from by an array, not one by one."""


class GivenUp(msgspec.Struct, array_like=True, frozen=True):
    """What settled panes gave up: see `streams.windows.tail_trimmer`."""

    tags: int = 0
    """Added up over panes: a tag that several gave up counts for each."""
    tweets: int = 0
    most: int = 0
    """Tweets that any one tag can have lost by it."""

    def __add__(self, other: GivenUp) -> GivenUp:
        return GivenUp(self.tags + other.tags, self.tweets + other.tweets, self.most + other.most)


NOTHING = GivenUp()


class Flush(msgspec.Struct, array_like=True, tag="f", gc=False):
    """One record of `hashtag-partials`: a source partition's news for one shard, and its marker.

    Columns of r registers, ascending by block, none twice; and of their n entries, register after register.
    """

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
    hashtags: list[str] = []
    """(r,) normalised."""
    countries: bytes = b""
    """uint16 (r,): `keys.country_code`."""
    panes: bytes = b""
    """int64 (r,): effective time // PANE_MS."""
    blocks: bytes = b""
    """int64 (r,): the block in which a register counts."""
    counts: bytes = b""
    """uint32 (r,): tweets of the block so far."""
    sizes: bytes = b""
    """uint32 (r,): entries of each register; all that its block has so far, at most k authors."""
    author: bytes = b""
    """uint64 (n,): keyed hash of the author's id."""
    tweet: bytes = b""
    """int64 (n,): tweet id; of an author's tweets the one with the smallest keyed hash speaks."""
    age_days: bytes = b""
    """int32 (n,): age of the account when it tweeted; `UNKNOWN_AGE` where the payload does not say."""
    flags: bytes = b""
    """uint8 (n,)"""
    displays: bytes = b""
    """n lines: the hashtag as each entry wrote it, empty where that is its normal form. See `to_lines`."""
    texts: bytes = b""
    """n lines: the text of each entry."""
    reached: int = 0
    """Offset before which all has been read; 0 in all but the last record of a flush."""
    retractions: Retractions | None = None


def to_lines(texts: Sequence[str]) -> bytes:
    """UTF-8, a line break behind each; lone surrogates pass. The texts have no line breaks of their own."""
    return ("\n".join(texts) + "\n").encode("utf-8", "surrogatepass") if texts else b""


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Sampled authors as columns (n,), each with the tweet that speaks for them; see `Flush`."""

    author: UInts
    tweet: Ints
    age_days: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    displays: Strings
    texts: Strings

    def take(self, rows: Ints) -> Entries:
        """Some of them."""
        return Entries(
            self.author[rows],
            self.tweet[rows],
            self.age_days[rows],
            self.flags[rows],
            self.displays[rows],
            self.texts[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Registers:
    """The columns (r,) of a record, ready to count."""

    countries: npt.NDArray[np.uint16]
    panes: Ints
    blocks: Ints
    counts: Ints
    sizes: Ints
    entries: Entries


def registers_of(flush: Flush) -> Registers:
    """The columns of a record."""
    return Registers(
        countries=np.frombuffer(flush.countries, "<u2"),
        panes=np.frombuffer(flush.panes, "<i8"),
        blocks=np.frombuffer(flush.blocks, "<i8"),
        counts=np.frombuffer(flush.counts, "<u4").astype(np.int64),
        sizes=np.frombuffer(flush.sizes, "<u4").astype(np.int64),
        entries=Entries(
            author=np.frombuffer(flush.author, "<u8"),
            tweet=np.frombuffer(flush.tweet, "<i8"),
            age_days=np.frombuffer(flush.age_days, "<i4"),
            flags=np.frombuffer(flush.flags, "u1"),
            displays=np.array(flush.displays.split(b"\n")[:-1], object),
            texts=np.array(flush.texts.split(b"\n")[:-1], object),
        ),
    )
