"""One pane that has not settled: registers as they came, as growing columns, and what they add up to when asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Entries, Ints, Strings
from streams.counting.columns import Array, Columns
from streams.counting.keys import COUNTRY_BITS
from streams.counting.sketch import KeyedHash, UInts, smallest_rows
from streams.events.links import APART
from streams.windows.scores import Scores

_APART = APART.encode()
_HOSTS = re.compile(_APART + rb"[^\n]*")
_COMPACT_AT = 100_000
"""Entries from which a pane that does not settle is summed up, again whenever it has doubled."""


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """What registers add up to: r keys, ascending, and their samples as entries of an `OpenPane`."""

    keys: Ints
    """(r,)"""
    counts: Ints
    """(r,) tweets."""
    bounds: Ints
    """(r + 1,) key i has entries[bounds[i]:bounds[i + 1]]."""
    entries: Ints
    """(n,) by key and author, at most k a key."""
    author: UInts
    """(n,)"""
    order: UInts
    """(n,) the hashes of their tweets."""

    @property
    def sketches(self) -> tuple[Ints, Ints, UInts, UInts]:
        """What a union is made of: keys, bounds, author and order."""
        return self.keys, self.bounds, self.author, self.order

    def only(self, rows: Ints) -> Sum:
        """The same counts with some of the n entries, by ascending numbers."""
        bounds = np.searchsorted(rows, self.bounds)
        return Sum(self.keys, self.counts, bounds, self.entries[rows], self.author[rows], self.order[rows])


class OpenPane:
    """Registers of one pane as rows: counts add up, entries unite.

    Args:
        columns: how many scores a text has.
    """

    def __init__(self, hashes: KeyedHash, columns: int) -> None:
        self.rows = Columns(key=np.int64, count=np.int64, first=np.int64, size=np.int64)
        self.entries = Columns(
            author=np.uint64, tweet=np.int64, age_days=np.int32, flags=np.uint8, displays=object, texts=object
        )
        self._scores: npt.NDArray[np.float32] = np.empty((0, columns), np.float32)
        self._copies: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self.scored_by = ""
        """Revision of the model that scores the entries."""
        self._groups: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._hashes = hashes
        self._compact_at = _COMPACT_AT

    def add(self, keys: Ints, counts: Array, sizes: Array, entries: Entries) -> int:
        """More registers, with their entries in the same order; returns the number of the first row."""
        first_row, first_entry = len(self.rows), len(self.entries)
        ends = np.cumsum(sizes, dtype=np.int64)
        self.rows.extend(len(keys), key=keys, count=counts, first=first_entry + ends - sizes, size=sizes)
        self.entries.extend(
            len(entries.author), author=entries.author, tweet=entries.tweet, age_days=entries.age_days,
            flags=entries.flags, displays=entries.displays, texts=entries.texts,
        )  # fmt: skip
        return first_row

    def void(self, rows: list[int]) -> None:
        """These rows do not count any more."""
        self.rows["count"][rows] = 0
        self.rows["size"][rows] = 0

    def restore(self, row: int, count: int, size: int) -> None:
        """A row that was void counts again."""
        self.rows["count"][row] = count
        self.rows["size"][row] = size

    def sum(self, tags: Ints | None = None) -> Sum:
        """Of some tags, by number, or of all."""
        if tags is None:
            return self._sum_of(np.arange(len(self.rows)))
        return self._sum_of(np.flatnonzero(np.isin(self.rows["key"] >> COUNTRY_BITS, tags)))

    def _sum_of(self, rows: Ints) -> Sum:
        rows = rows[self.rows["count"][rows] > 0]
        rows = rows[np.argsort(self.rows["key"][rows], stable=True)]
        key, count, first, size = (self.rows[name][rows] for name in ("key", "count", "first", "size"))
        begins = np.diff(key, prepend=-1) != 0
        starts = np.flatnonzero(begins)
        counts = np.add.reduceat(count, starts) if len(starts) else np.zeros(0, np.int64)
        group = np.repeat(np.cumsum(begins) - 1, size)
        entries = np.repeat(first - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
        author, order = self.entries["author"][entries], self._hashes.orders(self.entries["tweet"][entries])
        kept = smallest_rows(group, author, order)
        bounds = np.searchsorted(group[kept], np.arange(len(starts) + 1)).astype(np.int64)
        return Sum(key[starts], counts, bounds, entries[kept], author[kept], order[kept])

    def crowded(self) -> bool:
        """Whether it is time for `summed_up`."""
        return len(self.entries) > self._compact_at

    def summed_up(self, apart: list[int]) -> OpenPane:
        """The same in less room: rows become one for each key, but for those in `apart`, which come first."""
        pane = OpenPane(self._hashes, self._scores.shape[1])
        pane.scored_by = self.scored_by
        rest = np.ones(len(self.rows), bool)
        rest[apart] = False
        total = self._sum_of(np.flatnonzero(rest))
        key, count, first, size = (self.rows[name][apart] for name in ("key", "count", "first", "size"))
        kept = np.repeat(first - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
        pane.add(key, count, size, self._take(kept))
        pane.add(total.keys, total.counts, np.diff(total.bounds), self._take(total.entries))
        pane.score(np.arange(len(pane.entries)), self.scores(np.concatenate((kept, total.entries))))
        pane._compact_at = max(_COMPACT_AT, 2 * len(pane.entries))
        return pane

    def _take(self, entries: Ints) -> Entries:
        names = ("author", "tweet", "age_days", "flags", "displays", "texts")
        return Entries(*[self.entries[name][entries] for name in names])

    def texts(self, entries: Ints) -> bytes:
        """The texts of some entries, each a line, without the hosts behind them."""
        lines = b"\n".join([*self.entries["texts"][entries].tolist(), b""])
        return _HOSTS.sub(b"", lines) if _APART in lines else lines

    def lines(self, entries: Ints) -> list[str]:
        """The texts of some entries, with the hosts behind them; see `streams.events.links`."""
        return [line.decode("utf-8", "surrogatepass") for line in self.entries["texts"][entries].tolist()]

    def displays(self, entries: Ints) -> Strings:
        """The hashtag as each entry wrote it, b"" where that is its normal form."""
        return self.entries["displays"][entries]

    def score_by(self, model: str) -> None:
        """Entries are scored by this model from now on, those too that were scored early by another one."""
        if model != self.scored_by:
            self._scores = np.full_like(self._scores, np.nan) if self.scored_by else self._scores
            self.scored_by = model

    def unscored(self, entries: Ints) -> Ints:
        """Those that have no score yet."""
        self._make_room()
        new: Ints = entries[np.isnan(self._scores[entries, 0])]
        return new

    def score(self, entries: Ints, scores: Scores) -> None:
        """What stage 1 says of the texts of some entries."""
        self._make_room()
        self._scores[entries] = scores.probabilities
        self._copies[entries] = scores.copies
        self._groups[entries] = scores.groups

    def scores(self, entries: Ints) -> Scores:
        """What was said of some entries: probabilities NaN, fingerprints and groups 0 where there is nothing."""
        self._make_room()
        return Scores(self._scores[entries], self._copies[entries], self._groups[entries])

    def _make_room(self) -> None:
        have, need = len(self._copies), len(self.entries)
        if have < need:
            more = max(need, 2 * have) - have
            unknown = np.full((more, self._scores.shape[1]), np.nan, np.float32)
            self._scores = np.concatenate((self._scores, unknown))
            self._copies = np.concatenate((self._copies, np.zeros(more, np.uint32)))
            self._groups = np.concatenate((self._groups, np.zeros(more, np.uint8)))
