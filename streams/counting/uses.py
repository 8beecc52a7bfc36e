# ruff: noqa: I001  # constants in rows, not one a line
"""Hashtag uses of the open block as growing columns, and the block counts that a flush makes of them.

A tweet is a few numbers and the bytes of its text; compiled passes do the rest. A flush sends each changed count in
full, so earlier flushes need not be remembered.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from streams.constants import BLOCK
from streams.counting.block_counts import COUNT_COLUMNS, ENTRY_COLUMNS, Flush, packed
from streams.counting.columns import with_room
from streams.counting.kernels.admission import (
    AGE_DAYS, AUTHOR_ID, BEGIN, COUNTRY, END, FLAGS, LANGUAGE, OF_TWEET, OFFSET, PANE, RANK, RANKS, ROWS, SECRET,
    SPELLED, STATE, TEXT_BYTES, TWEETS, TWEET_COLUMNS, TWEET_ID, USE_COLUMNS, USES, admit,
)  # fmt: skip
from streams.counting.kernels.lines import Bytes, write_lines
from streams.counting.keys import COUNTRY_BITS, Sharding
from streams.counting.origins import origins_of
from streams.counting.records import Ints, RecordColumns
from streams.counting.sketch import K, KeyedHash, Strata, UInts, smallest_rows
from streams.counting.spellings import SpellingTable
from streams.counting.strata import strata_of
from streams.counting.tweet_reader import ReadTweets

_MOST_SPELLINGS, _MOST_SPELLING_BYTES = 200_000, 16_000_000
"""Size of the spelling table above which a new one begins."""
_COUNT_BYTES, _ENTRY_BYTES = (
    sum(np.dtype(kind).itemsize for kind in kinds.values()) for kinds in (COUNT_COLUMNS, ENTRY_COLUMNS)
)
"""Bytes of a count and of an entry in a record's columns, apart from the lines."""
_SEEN_SLOTS = 1 << 14
"""Slots for ids: four times the duplicate range."""


class OpenUses:
    """Uses of the open block, and others that were not flushed yet.

    Args:
        most_bytes: approximate limit of a record; a flush splits longer ones.
        source: number of the source partition.
    """

    def __init__(self, sharding: Sharding, hashes: KeyedHash, most_bytes: int, source: int) -> None:
        self.spellings = SpellingTable()
        self._state: Ints = np.zeros(STATE, np.int64)
        """Sizes, counts and a secret; see `streams.counting.kernels.admission`."""
        self._state[SECRET] = secrets.randbits(63) | 1
        self._sharding = sharding
        self._hashes = hashes
        self._most_bytes = most_bytes
        self._source = source
        self._flushed = 0
        self._ids, self._seen_at = np.zeros(_SEEN_SLOTS, np.int64), np.full(_SEEN_SLOTS, -1)
        self._ranks: Ints = np.full(0, -1)
        self._forms: Ints = np.zeros(0, np.int64)
        self._shards: Ints = np.zeros(0, np.int64)
        """Shard of each rank."""
        self._tweets: Ints = np.zeros((0, TWEET_COLUMNS), np.int64)
        self._uses: Ints = np.zeros((0, USE_COLUMNS), np.int64)
        self._arena: Bytes = np.zeros(0, np.uint8)

    def admit(self, records: RecordColumns, read: ReadTweets, limits: Ints) -> None:
        """Add the tweets of a batch, in offset order; see `streams.counting.kernels.admission.admit`."""
        state, normal, more = self._state, self.spellings.forms, len(read.spans)
        self._tweets = with_room(self._tweets, int(state[ROWS]) + len(records))
        self._uses = with_room(self._uses, int(state[USES]) + more)
        self._arena = with_room(self._arena, int(state[TEXT_BYTES]) + records.value_bytes + len(read.parsed) + more)
        self._forms = with_room(self._forms, len(normal))
        if len(self._ranks) < len(normal):
            more_ranks = np.full(2 * len(normal) - len(self._ranks), -1)
            self._ranks = np.concatenate((self._ranks, more_ranks))
        admit(
            np.ascontiguousarray(records.rows), read.fields, read.spans,
            np.frombuffer(records.data, np.uint8), np.frombuffer(read.parsed, np.uint8), normal,
            limits, self._ids, self._seen_at, state, self._ranks, self._forms, self._tweets, self._uses, self._arena,
        )  # fmt: skip

    def take_counts(self) -> list[int]:
        """Return the tweets, uses, duplicates, clamped and too old tweets since the last call."""
        counts: list[int] = self._state[TWEETS:].tolist()
        self._state[TWEETS:] = 0
        return counts

    def flush(self) -> dict[int, list[Flush]]:
        """Return the counts that have changed since the last flush: for each shard its records, blocks ascending.

        Only the columns of the records are filled in.
        """
        n, rows = int(self._state[USES]), int(self._state[ROWS])
        if self._flushed == n:
            return {}
        self._assign_shards()
        uses, of_tweets = self._uses[:n], self._tweets[self._uses[:n, OF_TWEET]]
        ranks, blocks, panes = uses[:, RANK], of_tweets[:, OFFSET] // BLOCK, of_tweets[:, PANE]
        shards, authors = self._shards[ranks], self._hashes.authors(self._tweets[:rows, AUTHOR_ID])[uses[:, OF_TWEET]]
        block_ranks = np.cumsum(np.diff(blocks, prepend=blocks[0]) != 0)
        code = (shards * (block_ranks[-1] + 1) + block_ranks) * int(self._state[RANKS]) + ranks
        code = code << COUNTRY_BITS | of_tweets[:, COUNTRY]
        first, counts, sizes, entries = _changed_counts(
            code,
            panes,
            self._flushed,
            authors,
            self._hashes.orders(of_tweets[:, TWEET_ID]),
            strata_of(of_tweets[:, FLAGS].astype(np.uint8)),
        )
        self._flushed = n
        sampled = of_tweets[entries]
        origins = origins_of(self._source, sampled[:, OFFSET], sampled[:, LANGUAGE])
        of_counts = packed(
            COUNT_COLUMNS, of_tweets[first, COUNTRY], panes[first], blocks[first], counts, sizes
        )  # fmt: skip
        of_entries = packed(
            ENTRY_COLUMNS, authors[entries], sampled[:, TWEET_ID], origins, sampled[:, AGE_DAYS], sampled[:, FLAGS]
        )
        hashtags, hashtag_at = self._spelling_lines(self._forms[ranks[first]])
        displays, display_at = self._spelling_lines(uses[entries, SPELLED], self._forms[ranks[entries]])
        texts, text_at = write_lines(self._arena, sampled[:, BEGIN].copy(), sampled[:, END].copy())
        ends = np.cumsum(sizes)
        records: dict[int, list[Flush]] = {}
        line_bytes = hashtag_at[1:] + text_at[ends] + display_at[ends]
        column_bytes = _COUNT_BYTES * np.arange(1, len(ends) + 1) + _ENTRY_BYTES * ends
        for shard, a, b in self._runs(shards[first], line_bytes + column_bytes):
            c, d = int(ends[a] - sizes[a]), int(ends[b - 1])
            record = Flush(
                "", 0, 0, 0, int(blocks[first[b - 1]]), -1, -1,
                hashtags=hashtags[hashtag_at[a] : hashtag_at[b]].tobytes(),
                displays=displays[display_at[c] : display_at[d]].tobytes(),
                texts=texts[text_at[c] : text_at[d]].tobytes(),
                **{name: column[a:b].tobytes() for name, column in of_counts.items()},
                **{name: column[c:d].tobytes() for name, column in of_entries.items()},
            )  # fmt: skip
            records.setdefault(shard, []).append(record)
        return records

    def _assign_shards(self) -> None:
        new = self.spellings.names.lines_of(self._forms[len(self._shards) : self._state[RANKS]] << COUNTRY_BITS)
        self._shards = np.append(self._shards, self._sharding.of_lines(new))

    def _spelling_lines(self, spellings: Ints, unless: Ints | None = None) -> tuple[Bytes, Ints]:
        """Write spellings as lines, empty where one is the same number in `unless`."""
        arena, begins, ends = self.spellings.names.spans(spellings)
        if unless is not None:
            ends = np.where(spellings == unless, begins, ends)
        lines: tuple[Bytes, Ints] = write_lines(arena, begins, ends)
        return lines

    def _runs(self, shards: Ints, bytes_before: Ints) -> Iterator[tuple[int, int, int]]:
        """Yield (shard, first count, end of the counts) of each record, split where its bytes exceed the limit."""
        is_first = np.diff(shards, prepend=-1) != 0
        of_shard = np.append(0, bytes_before)[:-1][is_first][np.cumsum(is_first) - 1]
        piece = (bytes_before - of_shard) // self._most_bytes
        cuts = np.flatnonzero(is_first | (np.diff(piece, prepend=0) != 0)).tolist()
        for begin, end in pairwise([*cuts, len(shards)]):
            yield int(shards[begin]), begin, end

    def forget_before(self, block: int) -> None:
        """Drop the flushed uses of the blocks before this one, which are complete."""
        state, n, rows = self._state, int(self._state[USES]), int(self._state[ROWS])
        assert self._flushed == n, "unflushed uses must not be dropped"
        row = int(np.searchsorted(self._tweets[:rows, OFFSET], block * BLOCK))
        use = int(np.searchsorted(self._uses[:n, OF_TWEET], row))
        at = int(self._tweets[row, BEGIN]) if row < rows else int(state[TEXT_BYTES])
        kept = int(state[TEXT_BYTES]) - at
        self._tweets[: rows - row] = self._tweets[row:rows]
        self._uses[: n - use] = self._uses[use:n]
        self._arena[:kept] = self._arena[at : at + kept]
        self._tweets[: rows - row, BEGIN : END + 1] -= at
        self._uses[: n - use, OF_TWEET] -= row
        state[ROWS], state[USES], state[TEXT_BYTES] = rows - row, n - use, kept
        self._flushed = n - use
        if len(self.spellings.names) > _MOST_SPELLINGS or self.spellings.names.size_bytes > _MOST_SPELLING_BYTES:
            self._renumber()

    def _renumber(self) -> None:
        """Begin a new spelling table, only with the hashtags of open blocks."""
        uses, old = self._uses[: self._flushed], self.spellings.names
        self.spellings = SpellingTable()
        uses[:, SPELLED] = self.spellings.number(old.lines_of(uses[:, SPELLED] << COUNTRY_BITS), len(uses))
        ranks, first, uses[:, RANK] = np.unique(uses[:, RANK], return_index=True, return_inverse=True)
        self._forms = self.spellings.forms[uses[first, SPELLED]]
        self._ranks = np.full(len(self.spellings.forms), -1)
        self._ranks[self._forms] = np.arange(len(ranks))
        self._shards = self._shards[ranks]
        self._state[RANKS] = len(ranks)


def _changed_counts(
    code: Ints, panes: Ints, flushed: int, authors: UInts, tweets: UInts, strata: Strata
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the counts that have a use since the last flush, sorted by code and pane, with their entries.

    Args:
        code: (n,) shard, block, hashtag and country of each use.
        panes: (n,) pane of each use.
        flushed: number of the first use since the last flush.
        authors: (n,) author hashes of the uses.
        tweets: (n,) tweet hashes of the uses.
        strata: (n,) strata of the authors.

    Returns:
        For each count its first use, the number of its uses and of its entries, (r,); and the uses that are its
        entries, ascending: all of them, or those that `smallest_rows` keeps.
    """
    order = np.lexsort((panes, code))
    differs = (np.diff(code[order], prepend=-1) != 0) | (np.diff(panes[order], prepend=-1) != 0)
    begins = np.flatnonzero(differs)
    counts = np.diff(begins, append=len(order))
    changed = np.maximum.reduceat(order, begins) >= flushed
    entries, group = order[np.repeat(changed, counts)], np.repeat(np.arange(len(counts)), counts * changed)
    crowded = np.flatnonzero(counts[group] > K)
    if len(crowded):
        of = entries[crowded]
        chosen = smallest_rows(group[crowded], authors[of], tweets[of], strata[of])
        kept = counts[group] <= K
        kept[crowded[chosen]] = True
        entries, group = entries[kept], group[kept]
    sizes = np.bincount(group, minlength=len(counts))[changed]
    return order[begins[changed]], counts[changed], sizes, entries
