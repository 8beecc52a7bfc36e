"""Hashtag uses of the open block as growing columns, and the block counts that a flush makes of them.

A tweet costs a few appends; everything else is done once per flush, with arrays. A flush sends each changed count in
full, so earlier flushes need not be remembered.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from streams.constants import BLOCK
from streams.counting.block_counts import Flush, Ints, UInts, to_lines
from streams.counting.keys import COUNTRY_BITS, Sharding, country_code
from streams.counting.origins import language_code, origins_of
from streams.counting.sketch import K, KeyedHash, smallest_rows
from streams.events.links import APART, with_hosts
from streams.events.tweet import Tweet

_MOST_NUMBERS = 200_000
"""Numbered hashtags above which the numbers are assigned again."""


@dataclass(frozen=True, slots=True, eq=False)
class _Grouped:
    """Changed block counts in the order (shard, block, hashtag, country, pane), and their entries, as row numbers."""

    shards: Ints
    """(r,) shard of each count."""
    first_use: Ints
    """(r,) one use of each count, for its block, hashtag, country and pane."""
    counts: Ints
    """(r,) uses of each count."""
    sizes: Ints
    """(r,) entries of each count."""
    entries: Ints
    """(n,) numbers of the uses that are entries."""


class OpenUses:
    """Uses of the open block, and others that were not flushed yet.

    Args:
        most_bytes: approximate limit of a record; a flush splits longer ones.
        source: number of the source partition.
    """

    def __init__(self, sharding: Sharding, hashes: KeyedHash, most_bytes: int, source: int) -> None:
        self._sharding = sharding
        self._hashes = hashes
        self._most_bytes = most_bytes
        self._source = source
        self._flushed = 0
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        """Hashtag of each number."""
        self._shards = array("H")
        """Shard of each number."""
        # Columns of tweets:
        self._offsets = array("q")
        self._authors: list[int] = []
        self._tweets = array("q")
        self._ages = array("i")
        self._flags = array("B")
        self._languages = array("B")
        self._countries = array("H")
        self._panes = array("q")
        self._texts: list[str] = []
        # Columns of uses:
        self._tweet_of = array("q")
        self._tags = array("q")
        self._displays: list[str] = []

    def add(self, offset: int, pane: int, age_days: int, flags: int, tweet: Tweet) -> None:
        """Add one tweet, in offset order."""
        text, row = tweet.text, len(self._texts)
        self._offsets.append(offset)
        self._authors.append(tweet.author_id)
        self._tweets.append(tweet.id)
        self._ages.append(age_days)
        self._flags.append(flags)
        self._languages.append(language_code(tweet.lang))
        self._countries.append(country_code(tweet.country))
        self._panes.append(pane)
        if "\n" in text or APART in text:
            text = text.replace("\n", " ").replace(APART, " ")
        self._texts.append(with_hosts(text, tweet.links) if tweet.links else text)
        for use in tweet.hashtags:
            hashtag, display = use.hashtag, use.display
            number = self._numbers.get(hashtag)
            self._tweet_of.append(row)
            self._tags.append(self._number(hashtag) if number is None else number)
            self._displays.append("" if display == hashtag else display)

    def _number(self, hashtag: str) -> int:
        """Assign a number to a new hashtag."""
        number = self._numbers[hashtag] = len(self._names)
        self._names.append(hashtag)
        self._shards.append(self._sharding.of(hashtag))
        return number

    def flush(self) -> dict[int, list[Flush]]:
        """Return the counts that have changed since the last flush: for each shard its records, blocks ascending.

        Only the columns of the records are filled in.
        """
        if self._flushed == len(self._tags):
            return {}
        names, tags, of = self._names, np.array(self._tags), np.array(self._tweet_of)
        shards = np.array(self._shards, np.int64)
        offsets = np.array(self._offsets)
        origins = origins_of(self._source, offsets, np.array(self._languages))
        blocks, panes = offsets[of] // BLOCK, np.array(self._panes)[of]
        countries, tweets = np.array(self._countries)[of], np.array(self._tweets)[of]
        authors = self._hashes.authors(self._authors)[of]
        block_ranks = np.cumsum(np.diff(blocks, prepend=blocks[0]) != 0)
        code = ((shards[tags] * (block_ranks[-1] + 1) + block_ranks) * len(names) + tags) << COUNTRY_BITS | countries
        grouped = self._group(code, panes, shards[tags], authors, tweets)
        self._flushed = len(self._tags)
        records: dict[int, list[Flush]] = {}
        for shard, counts, entries in self._runs(grouped, of):
            use, entry = grouped.first_use[counts], grouped.entries[entries]
            of_entry = of[entry]
            texts, displays = self._texts, self._displays
            record = Flush(
                "", 0, 0, 0, int(blocks[use[-1]]), -1, -1,
                hashtags=to_lines([names[number] for number in tags[use].tolist()]),
                countries=countries[use].astype("<u2").tobytes(),
                panes=panes[use].astype("<i8").tobytes(),
                blocks=blocks[use].astype("<i8").tobytes(),
                counts=grouped.counts[counts].astype("<u4").tobytes(),
                sizes=grouped.sizes[counts].astype("<u4").tobytes(),
                author=authors[entry].astype("<u8").tobytes(),
                tweet=tweets[entry].astype("<i8").tobytes(),
                origin=origins[of_entry].astype("<i8").tobytes(),
                age_days=np.array(self._ages)[of_entry].astype("<i4").tobytes(),
                flags=np.array(self._flags)[of_entry].tobytes(),
                displays=to_lines([displays[number] for number in entry.tolist()]),
                texts=to_lines([texts[number] for number in of_entry.tolist()]),
            )  # fmt: skip
            records.setdefault(shard, []).append(record)
        return records

    def _group(self, code: Ints, panes: Ints, shards: Ints, authors: UInts, tweets: Ints) -> _Grouped:
        order = np.lexsort((panes, code))
        sorted_code, sorted_panes = code[order], panes[order]
        begins = np.ones(len(order), bool)
        begins[1:] = (sorted_code[1:] != sorted_code[:-1]) | (sorted_panes[1:] != sorted_panes[:-1])
        starts = np.flatnonzero(begins)
        counts = np.diff(np.append(starts, len(order)))
        changed = np.maximum.reduceat(order, starts) >= self._flushed
        count_of = np.repeat(np.arange(len(starts)), counts)
        kept = changed[count_of]
        entries, count_of = order[kept], count_of[kept]
        many = np.flatnonzero(counts[count_of] > K)
        if len(many):
            uses = entries[many]
            smallest = many[smallest_rows(count_of[many], authors[uses], self._hashes.orders(tweets[uses]))]
            kept = counts[count_of] <= K
            kept[smallest] = True
            entries, count_of = entries[kept], count_of[kept]
        first_use = order[starts[changed]]
        return _Grouped(
            shards[first_use],
            first_use,
            counts[changed],
            np.bincount(count_of, minlength=len(starts))[changed],
            entries,
        )

    def _runs(self, grouped: _Grouped, of: Ints) -> Iterator[tuple[int, slice, slice]]:
        """Iterate over (shard, its counts, their entries) of each record."""
        lengths = np.fromiter(map(len, self._texts), np.int64, len(self._texts))
        entry_bytes = np.concatenate(([0], np.cumsum(60 + 3 * lengths[of[grouped.entries]])))
        ends = np.cumsum(grouped.sizes)
        bytes_before = entry_bytes[ends] + 40 * np.arange(1, len(ends) + 1)
        of_shard = np.append(np.flatnonzero(np.diff(grouped.shards, prepend=-1)), len(ends))
        for first, last in pairwise(of_shard.tolist()):
            within = bytes_before[first:last] - (bytes_before[first - 1] if first else 0)
            cuts = first + 1 + np.flatnonzero(np.diff(within // self._most_bytes))
            for begin, end in pairwise([first, *cuts.tolist(), last]):
                entries = slice(int(ends[begin] - grouped.sizes[begin]), int(ends[end - 1]))
                yield int(grouped.shards[begin]), slice(begin, end), entries

    def forget_before(self, block: int) -> None:
        """Drop the flushed uses of the blocks before this one, which are complete."""
        assert self._flushed == len(self._tags), "unflushed uses must not be dropped"
        row = len(self._texts)
        while row and self._offsets[row - 1] // BLOCK >= block:
            row -= 1
        use = len(self._tags)
        while use and self._tweet_of[use - 1] >= row:
            use -= 1
        per_tweet = (self._offsets, self._authors, self._tweets, self._ages, self._flags, self._languages,
                     self._countries, self._panes, self._texts)  # fmt: skip
        for column in per_tweet:
            del column[:row]
        self._tweet_of = array("q", [of - row for of in self._tweet_of[use:]])
        for column in (self._tags, self._displays):
            del column[:use]
        self._flushed = len(self._tags)
        if len(self._names) > _MOST_NUMBERS:
            self._renumber()

    def _renumber(self) -> None:
        """Assign numbers again, only to hashtags of open blocks."""
        hashtags = [self._names[number] for number in self._tags]
        self._numbers, self._names, self._shards = {}, [], array("H")
        for hashtag in dict.fromkeys(hashtags):
            self._number(hashtag)
        self._tags = array("q", [self._numbers[hashtag] for hashtag in hashtags])
