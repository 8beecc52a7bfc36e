"""The records that ingest sends to the judges: absolute counts of a block, and one entry per sampled author.

A block count depends only on the offsets of its block that were read so far. It is the number of tweets so far, never
an increment, so it may be sent again, late or by a zombie. Entries merge by union.

At firehose speed an object per tweet costs most, so a record is a struct of columns (little-endian arrays), and stays
one until its pane has settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from streams.counting.kernels.lines import LINE_BREAK
from streams.counting.retractions import Retractions

RULES = 1
"""Number of the hashtag grammar and normalisation; a block is counted by one of them only."""

RETWEET = 1
"""Flag of an entry: a native retweet, which never counts as a copy."""
LINKED = 2
"""Flag of an entry: the tweet links to a domain in the policy under which its pane has settled."""
FLAGS = 0x0F
"""Bits of an entry's flags; those of 4 and 8 are the author's stratum, see `streams.counting.strata`."""
GROUP_SHIFT = 4
"""Position of the bits above them: the scorer's language group of the text plus one, set when the pane settles.

0 stands for an entry that was not scored. An entry with a group and without a score is in a language that the scorer
does not read.
"""
MAX_GROUPS = 15
UNSCORED = 255
"""Language group of a text that no model has scored."""

Ints = npt.NDArray[np.int64]
UInts = npt.NDArray[np.uint64]


class Trimmed(msgspec.Struct, array_like=True, frozen=True):
    """Counts that settled panes lost to tail trimming; see `streams.windows.tail_trimmer`."""

    tags: int = 0
    """Tags, added up over panes: a tag counts once for each pane that dropped it."""
    tweets: int = 0
    most: int = 0
    """Upper bound on the tweets that any one tag lost."""

    def __add__(self, other: Trimmed) -> Trimmed:
        return Trimmed(self.tags + other.tags, self.tweets + other.tweets, self.most + other.most)


NOTHING_TRIMMED = Trimmed()


class Flush(msgspec.Struct, array_like=True, tag="f", gc=False):
    """One record of `hashtag-partials`: new counts of a source partition for one shard, and its marker.

    It has columns of r block counts, ascending by block, none twice, and of their n entries, in the same order.
    """

    source_id: str
    """Id of the source topic; a recreated topic has another id and starts with its first block."""
    source: int
    """Number of the source partition."""
    sources: int
    """Number of partitions of the source topic."""
    rules: int
    block: int
    """Block reached; every earlier block is complete."""
    watermark_ms: int
    """Lower bound on the effective time of later records; -1 in all but the last record of a flush."""
    newest_ms: int
    """Greatest log time that was read."""
    hashtags: bytes = b""
    """r lines of UTF-8: the hashtag of each count in its normal form. See `to_lines`."""
    countries: bytes = b""
    """uint16 (r,): `keys.country_code`."""
    panes: bytes = b""
    """int64 (r,): effective time // PANE_MS."""
    blocks: bytes = b""
    """int64 (r,): the block of each count."""
    counts: bytes = b""
    """uint32 (r,): tweets so far, in the block, pane and country."""
    sizes: bytes = b""
    """uint32 (r,): entries of each count, those of the tweets so far that `smallest_rows` keeps (`counting.sketch`)."""
    author: bytes = b""
    """uint64 (n,): keyed hash of the author's id."""
    tweet: bytes = b""
    """int64 (n,): tweet id; the tweet with the smallest keyed hash represents its author."""
    origin: bytes = b""
    """int64 (n,): source partition, offset and language of the tweet; see `streams.counting.origins`."""
    age_days: bytes = b""
    """int32 (n,): age of the account when it tweeted; `UNKNOWN_AGE` where the payload has none."""
    flags: bytes = b""
    """uint8 (n,): flags of each entry."""
    displays: bytes = b""
    """n lines: the hashtag as each entry wrote it, empty for the normal form. See `to_lines`."""
    texts: bytes = b""
    """n lines: the text of each entry."""
    reached: int = 0
    """Offset before which the source was read; 0 in all but the last record of a flush."""
    retractions: Retractions | None = None


COUNT_COLUMNS = {"countries": "<u2", "panes": "<i8", "blocks": "<i8", "counts": "<u4", "sizes": "<u4"}
ENTRY_COLUMNS = {"author": "<u8", "tweet": "<i8", "origin": "<i8", "age_days": "<i4", "flags": "u1"}
"""Types of the columns of a record's counts and entries."""


def to_lines(texts: Sequence[str]) -> bytes:
    """Encode texts without line breaks in UTF-8, each followed by a line break; lone surrogates pass."""
    return ("\n".join(texts) + "\n").encode("utf-8", "surrogatepass") if texts else b""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """n lines of bytes: line i is `text[ends[i]:ends[i + 1]]`, its line break included."""

    text: npt.NDArray[np.uint8]
    ends: Ints
    """(n + 1,) bounds of the lines in `text`."""

    def __len__(self) -> int:
        return len(self.ends) - 1

    def split(self) -> list[bytes]:
        """Return the lines without their line breaks."""
        return self.text.tobytes().split(b"\n")[:-1]


def lines_of(text: bytearray) -> Lines:
    """Find the lines of a text."""
    view = np.frombuffer(text, np.uint8)
    return Lines(view, np.append(0, np.flatnonzero(view == LINE_BREAK) + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Sampled authors as columns (n,), each with the representing tweet; see `Flush`."""

    author: UInts
    tweet: Ints
    origin: Ints
    age_days: npt.NDArray[np.int32]
    flags: npt.NDArray[np.uint8]
    displays: Lines
    texts: Lines


@dataclass(frozen=True, slots=True, eq=False)
class BlockCounts:
    """Block counts of records, decoded to columns (r,)."""

    hashtags: bytes
    """r lines; see `Flush`."""
    countries: npt.NDArray[np.uint16]
    panes: Ints
    blocks: Ints
    counts: npt.NDArray[np.uint32]
    sizes: npt.NDArray[np.uint32]
    entries: Entries


def packed(kinds: dict[str, str], *columns: npt.NDArray[Any]) -> dict[str, Any]:
    """Convert columns to the types of a record, in the order of `kinds`."""
    return {name: column.astype(kind) for (name, kind), column in zip(kinds.items(), columns, strict=True)}


def block_counts_of(flushes: Sequence[Flush]) -> BlockCounts:
    """Decode the columns of records, end to end; writable, as all arrays of the compiled passes are."""

    def joined(name: str) -> bytearray:
        return bytearray().join(map(attrgetter(name), flushes))

    of_counts, of_entries = (
        {name: np.frombuffer(joined(name), kind) for name, kind in kinds.items()}
        for kinds in (COUNT_COLUMNS, ENTRY_COLUMNS)
    )
    entries = Entries(displays=lines_of(joined("displays")), texts=lines_of(joined("texts")), **of_entries)
    return BlockCounts(hashtags=bytes(joined("hashtags")), entries=entries, **of_counts)
