"""Block counts as objects, for tests: written to the columns of a record, and read back, the obvious way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from streams.constants import BLOCK, PANE_MS
from streams.counting.block_counts import RULES, Entries, Flush, block_counts_of, to_lines
from streams.counting.keys import country_code, country_name
from streams.counting.sketch import K, KeyedHash
from streams.counting.strata import LEAST, STRATA, STRATUM_SHIFT

TOPIC_ID = "6f1c2a53-84d4-4d1e-9d7e-1f3b8c5a9e70"
"""Id of a source topic."""
NEW_TOPIC_ID = "b7a0e1c9-2f64-4b3a-8c15-0d9e7f6a5b42"
"""Id of the same topic, created again."""


class Entry(NamedTuple):
    """A sampled author with the representing tweet; `display` is "" where that is the normal form."""

    author: int
    tweet: int
    age_days: int
    flags: int
    display: str
    text: str
    origin: int = 0


@dataclass
class BlockCount:
    """Uses of a hashtag in one block, country and pane, so far."""

    hashtag: str
    country: str
    pane: int
    count: int
    entries: list[Entry] = field(default_factory=list)
    block: int = 0


def flush(
    counts: Iterable[BlockCount] = (),
    *,
    source_id: str = TOPIC_ID,
    source: int = 0,
    sources: int = 1,
    rules: int = RULES,
    block: int | None = None,
    watermark_ms: int = 0,
    newest_ms: int | None = None,
    read_to: int | None = None,
) -> Flush:
    """Make a record of these counts.

    Args:
        block: block reached; None: that of the last count.
        newest_ms: greatest log time that was read; None: the start of the last pane.
        read_to: offset before which the source was read; None: the start of the block.
    """
    of = sorted(counts, key=lambda one: one.block)
    entries = [entry for one in of for entry in one.entries]
    reached = max([one.block for one in of], default=0) if block is None else block
    return Flush(
        source_id, source, sources, rules, reached, watermark_ms,
        max([one.pane * PANE_MS for one in of], default=0) if newest_ms is None else newest_ms,
        hashtags=to_lines([one.hashtag for one in of]),
        countries=np.array([country_code(one.country) for one in of], "<u2").tobytes(),
        panes=np.array([one.pane for one in of], "<i8").tobytes(),
        blocks=np.array([one.block for one in of], "<i8").tobytes(),
        counts=np.array([one.count for one in of], "<u4").tobytes(),
        sizes=np.array([len(one.entries) for one in of], "<u4").tobytes(),
        author=np.array([one.author for one in entries], "<u8").tobytes(),
        tweet=np.array([one.tweet for one in entries], "<i8").tobytes(),
        origin=np.array([one.origin for one in entries], "<i8").tobytes(),
        age_days=np.array([one.age_days for one in entries], "<i4").tobytes(),
        flags=np.array([one.flags for one in entries], "u1").tobytes(),
        displays=to_lines([one.display for one in entries]),
        texts=to_lines([one.text for one in entries]),
        reached=reached * BLOCK if read_to is None else read_to,
    )  # fmt: skip


def block_counts(record: Flush) -> list[BlockCount]:
    """Read the counts of a record back."""
    columns = block_counts_of([record])
    whole = entries_of(columns.entries)
    found, at = [], 0
    hashtags = record.hashtags.decode().split("\n")[:-1]
    for hashtag, country, pane, block, count, size in zip(
        hashtags, columns.countries.tolist(), columns.panes.tolist(), columns.blocks.tolist(),
        columns.counts.tolist(), columns.sizes.tolist(), strict=True,
    ):  # fmt: skip
        found.append(BlockCount(hashtag, country_name(country), pane, count, whole[at : at + size], block))
        at += size
    assert at == len(whole), "every entry belongs to a count"
    return found


def columns(entries: Sequence[Entry]) -> Entries:
    """Return entries as columns."""
    return block_counts_of([flush([BlockCount("a", "", 0, 1, list(entries))])]).entries


def entries_of(entries: Entries) -> list[Entry]:
    """Return columns as entries."""
    numbers = (entries.author, entries.tweet, entries.age_days, entries.flags)
    lines = (entries.displays.split(), entries.texts.split())
    texts = ([line.decode("utf-8", "surrogatepass") for line in one] for one in lines)
    origins = entries.origin.tolist()
    return [Entry(*row) for row in zip(*(one.tolist() for one in numbers), *texts, origins, strict=True)]


def order(hashes: KeyedHash, tweet: int) -> int:
    """Mix an id with the key, one step after the other; see `KeyedHash.orders`."""
    mixed = tweet ^ hashes._salt
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def smallest(entries: Iterable[Entry], hashes: KeyedHash, k: int = K, least: int = LEAST) -> list[Entry]:
    """Return the k smallest authors and the smallest ones of each stratum, each with the tweet of the smallest hash."""
    ranked = sorted(entries, key=lambda one: (one.author, order(hashes, one.tweet), one.origin))

    def first(n: int, some: list[Entry]) -> list[Entry]:
        best: dict[int, Entry] = {}
        for one in some:
            best.setdefault(one.author, one)
        return list(best.values())[:n]

    kept = first(k, ranked)
    for stratum in range(STRATA):
        kept += first(least, [one for one in ranked if one.flags >> STRATUM_SHIFT & 3 == stratum])
    return [one for at, one in enumerate(ranked) if one in kept and one not in ranked[:at]]
