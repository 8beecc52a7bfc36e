"""One open pane: block counts as they came, in growing columns, and their sum on demand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models import copies, features
from streams.counting.block_counts import ENTRY_COLUMNS, RETWEET, UNSCORED, Entries, Ints, Lines
from streams.counting.columns import Array, GrowingColumns
from streams.counting.kernels.lines import Bytes, copy_spans, write_lines
from streams.counting.keys import COUNTRY_BITS
from streams.counting.origins import languages_of
from streams.counting.sketch import KeyedHash, Strata, UInts, smallest_rows
from streams.counting.strata import strata_of
from streams.events.links import APART
from streams.windows.shared_texts import NO_TEXTS, SharedTexts, collect, kept_uses, uses_of

_APART = APART.encode()
_HOSTS = re.compile(_APART + rb"[^\n]*")
_COMPACT_AT = 100_000
"""Entries from which an open pane is compacted, and compacted again whenever it has doubled."""


@dataclass(frozen=True, slots=True, eq=False)
class PaneSum:
    """Sum of the counts of a pane: r keys, ascending, with their samples as entries of an `OpenPane`."""

    keys: Ints
    """(r,) hashtag and country."""
    counts: Ints
    """(r,) tweets of each key."""
    bounds: Ints
    """(r + 1,) key i has entries[bounds[i]:bounds[i + 1]]."""
    entries: Ints
    """(n,) by key and author, those that `smallest_rows` keeps."""
    author: UInts
    """(n,) keyed hashes of the authors."""
    order: UInts
    """(n,) hashes of the tweets."""
    stratum: Strata
    """(n,) strata of the authors."""

    def with_entries(self, some: Ints) -> PaneSum:
        """Return the same counts with some of the n entries, given by ascending numbers."""
        bounds = np.searchsorted(some, self.bounds)
        return replace(
            self,
            bounds=bounds,
            entries=self.entries[some],
            author=self.author[some],
            order=self.order[some],
            stratum=self.stratum[some],
        )

    def with_rows(self, stays: npt.NDArray[np.bool_]) -> PaneSum:
        """Return some of the keys, given by a mask (r,), with their counts and entries."""
        kept = self.with_entries(np.flatnonzero(np.repeat(stays, np.diff(self.bounds))))
        bounds = np.append(0, kept.bounds[1:][stays])
        return replace(kept, keys=self.keys[stays], counts=self.counts[stays], bounds=bounds)


class OtherUses(NamedTuple):
    """Texts (n,) of authors without an entry, for r block counts in their order; see `streams.windows.shared_texts`."""

    sizes: Ints
    """(r,)"""
    use: UInts
    tweet: Ints


class TextBatch(NamedTuple):
    """Texts that one model scores."""

    model: str
    """Revision of the model."""
    lines: bytes
    """n texts, one a line."""
    languages: npt.NDArray[np.uint8]
    """(n,) languages that the payloads name, as `streams.counting.origins` numbers them."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores by stage 1 of n texts."""

    probabilities: npt.NDArray[np.float32]
    """(n, 1 + categories): any category first, then each; NaN for a text that the model does not read."""
    copies: npt.NDArray[np.uint32]
    """(n,) fingerprints that copies share; 0 for a text without words."""
    groups: npt.NDArray[np.uint8]
    """(n,) language group of each text, as the scorer numbers them; `UNSCORED` without a model."""
    silent: bool = False
    """Whether the model in force is not loaded, so that some texts have no probability."""

    @property
    def is_read(self) -> npt.NDArray[np.bool_]:
        """Whether the model reads the language of each text (n,)."""
        read: npt.NDArray[np.bool_] = ~np.isnan(self.probabilities[:, 0])
        return read

    def part(self, first: int, end: int) -> Scores:
        """Return the scores of texts [first, end)."""
        rows = slice(first, end)
        return Scores(self.probabilities[rows], self.copies[rows], self.groups[rows], self.silent)


class LineArena:
    """Lines of several texts, numbered in order, each with its line break.

    They stay in the texts that they came in: copying them would cost more than all reads.
    """

    __slots__ = ("_spans", "_texts")

    def __init__(self) -> None:
        self._texts: list[Bytes] = []
        self._spans = GrowingColumns(text=np.int32, begin=np.int64, end=np.int64)

    def extend(self, lines: Lines, rows: Ints | None = None) -> None:
        """Add lines, or copies of those with some numbers. Without numbers, their text must not change any more."""
        if rows is not None:
            lines = Lines(*write_lines(lines.text, lines.ends[rows], lines.ends[rows + 1] - 1))
        self._spans.extend(len(lines), text=len(self._texts), begin=lines.ends[:-1], end=lines.ends[1:])
        self._texts.append(lines.text)

    def take(self, rows: Ints) -> Lines:
        """Return copies of some lines, given by number."""
        text, begin, end = (self._spans[name][rows] for name in ("text", "begin", "end"))
        ends = np.append(0, np.cumsum(end - begin))
        copied = np.empty(int(ends[-1]), np.uint8)
        by_text = np.argsort(text, kind="stable")
        bounds = np.flatnonzero(np.diff(text[by_text], prepend=-1, append=-1)).tolist()
        for first, last in pairwise(bounds):
            copy_spans(self._texts[text[by_text[first]]], begin, end, by_text[first:last], ends, copied)
        return Lines(copied, ends)


class OpenPane:
    """Block counts of one pane as rows: their counts add up, their entries unite.

    Args:
        columns: score columns of a text.
    """

    def __init__(self, hashes: KeyedHash, columns: int) -> None:
        self.rows = GrowingColumns(
            key=np.int64, count=np.int64, first=np.int64, size=np.int64, first_use=np.int64, uses=np.int64
        )
        self.entries = GrowingColumns(**ENTRY_COLUMNS, scores=(np.float32, (columns,)), copy=np.uint32, group=np.uint8)
        """Entries (n,), with the scores (n, columns), fingerprint and language group of each text; see `scores`."""
        self.uses = GrowingColumns(use=np.uint64, tweet=np.int64)
        """Texts of authors that have no entry any more; see `streams.windows.shared_texts`."""
        self.scored_by = ""
        """Revision of the model that scores the entries."""
        self._displays = LineArena()
        self._texts = LineArena()
        self._hashes = hashes
        self._columns = columns
        self._compact_at = _COMPACT_AT

    def add(
        self,
        keys: Ints,
        counts: Array,
        sizes: Array,
        entries: Entries,
        chosen: Ints | None = None,
        others: OtherUses | None = None,
    ) -> None:
        """Add block counts. Their entries are those chosen by number, None for all, in the order of the counts."""
        first = len(self.entries) + np.cumsum(sizes, dtype=np.int64) - sizes
        self.rows.extend(len(keys), key=keys, count=counts, first=first, size=sizes, first_use=0, uses=0)
        if others is not None:
            first = len(self.uses) + np.cumsum(others.sizes) - others.sizes
            self.rows["first_use"][-len(keys) :], self.rows["uses"][-len(keys) :] = first, others.sizes
            self.uses.extend(len(others.use), use=others.use, tweet=others.tweet)
        which = slice(None) if chosen is None else chosen
        columns = {name: getattr(entries, name)[which] for name in ENTRY_COLUMNS}
        self.entries.extend(len(columns["author"]), **columns, scores=np.nan, copy=0, group=UNSCORED)
        self._displays.extend(entries.displays, chosen)
        self._texts.extend(entries.texts, chosen)

    def void(self, rows: Ints | list[int]) -> None:
        """Count these rows no longer."""
        for column in ("count", "size", "uses"):
            self.rows[column][rows] = 0

    def sum(self, tags: Ints | None = None) -> PaneSum:
        """Sum up the counts of some tags, given by number, or of all."""
        return self._sum_of(self._rows_of(tags))

    def _rows_of(self, tags: Ints | None) -> Ints:
        if tags is None:
            return np.arange(len(self.rows))
        return np.flatnonzero(np.isin(self.rows["key"] >> COUNTRY_BITS, tags))

    def _by_key(self, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """Sort the rows that count by key. Return them, the number of the first of each key, and each one's key's."""
        rows = rows[self.rows["count"][rows] > 0]
        rows = rows[np.argsort(self.rows["key"][rows], stable=True)]
        begins = np.diff(self.rows["key"][rows], prepend=-1) != 0
        return rows, np.flatnonzero(begins), np.cumsum(begins) - 1

    def _sum_of(self, rows: Ints) -> PaneSum:
        rows, starts, group_of = self._by_key(rows)
        key, count, first, size = (self.rows[name][rows] for name in ("key", "count", "first", "size"))
        counts = np.add.reduceat(count, starts) if len(starts) else np.zeros(0, np.int64)
        group = np.repeat(group_of, size)
        entries = ranges(first, size)
        author, order = self.entries["author"][entries], self._hashes.orders(self.entries["tweet"][entries])
        stratum = strata_of(self.entries["flags"][entries])
        kept = smallest_rows(group, author, order, stratum, origin=self.entries["origin"][entries])
        bounds = np.searchsorted(group[kept], np.arange(len(starts) + 1)).astype(np.int64)
        return PaneSum(key[starts], counts, bounds, entries[kept], author[kept], order[kept], stratum[kept])

    def shared_texts(self, tags: Ints) -> SharedTexts:
        """Return who wrote the texts of some tags, given by number, retweets apart."""
        if not len(tags):
            return NO_TEXTS
        rows, starts, group_of = self._by_key(self._rows_of(tags))
        bounds, uses, tweet = self._uses_of(rows, group_of, len(starts))
        return collect(self.rows["key"][rows[starts]], bounds, uses, tweet)

    def _uses_of(self, rows: Ints, group_of: Ints, groups: int) -> tuple[Ints, UInts, Ints]:
        """Return the uses (n,) of rows, each of a group (r,), ascending, and their tweets (n,), bounded by group."""
        first, size, first_use, n_uses = (self.rows[name][rows] for name in ("first", "size", "first_use", "uses"))
        entries, old = ranges(first, size), ranges(first_use, n_uses)
        self._read(entries)
        author, age_days, copy = (self.entries[name][entries] for name in ("author", "age_days", "copy"))
        is_use = (copy > 0) & (self.entries["flags"][entries] & RETWEET == 0)
        group = np.append(np.repeat(group_of, size)[is_use], np.repeat(group_of, n_uses))
        by_group = np.argsort(group, kind="stable")
        uses = np.append(uses_of(copy, author, age_days)[is_use], self.uses["use"][old])[by_group]
        tweet = np.append(self.entries["tweet"][entries[is_use]], self.uses["tweet"][old])[by_group]
        return np.searchsorted(group[by_group], np.arange(groups + 1)).astype(np.int64), uses, tweet

    def _read(self, entries: Ints) -> None:
        """Set the fingerprints of the texts that no model has looked at; those have no place in a sample."""
        new = self.unscored(entries[self.entries["copy"][entries] == 0])
        if len(new):
            self.entries["copy"][new] = copies.fingerprints_of_points(*features.encode_lines(self.texts(new)))

    def is_crowded(self) -> bool:
        """Return whether the pane should be compacted."""
        return len(self.entries) > self._compact_at

    def compacted(self, apart: Ints | list[int]) -> OpenPane:
        """Return the same pane in less memory: one row a key, but for the rows `apart`, which come first."""
        pane = OpenPane(self._hashes, self._columns)
        pane.scored_by = self.scored_by
        rest = np.ones(len(self.rows), bool)
        rest[apart] = False
        total = self._sum_of(np.flatnonzero(rest))
        key, count, first, size = (self.rows[name][apart] for name in ("key", "count", "first", "size"))
        entries = np.append(ranges(first, size), total.entries)
        sizes = np.append(size, np.diff(total.bounds))
        others = self._others(np.flatnonzero(rest), np.asarray(apart, np.int64), np.diff(total.bounds))
        pane.add(np.append(key, total.keys), np.append(count, total.counts), sizes, self._take(entries), others=others)
        pane.score(np.arange(len(entries)), self.scores(entries))
        pane._compact_at = max(_COMPACT_AT, 2 * len(pane.entries))
        return pane

    def _others(self, rest: Ints, apart: Ints, kept_entries: Ints) -> OtherUses:
        """Return the texts that the rows `apart` have without an entry, and those that the keys of the others have.

        Of these, a key has none if it keeps all of its entries, given by number (s,).
        """
        first, sizes = self.rows["first_use"][apart], self.rows["uses"][apart]
        old = ranges(first, sizes)
        rows, starts, group_of = self._by_key(rest)
        loses = np.bincount(group_of, self.rows["size"][rows], len(starts)) > kept_entries
        loses |= np.bincount(group_of, self.rows["uses"][rows], len(starts)) > 0
        some = loses[group_of]
        bounds, uses, tweet = self._uses_of(rows[some], group_of[some], len(starts))
        more, kept = kept_uses(bounds, uses, tweet)
        return OtherUses(
            np.append(sizes, more),
            np.append(self.uses["use"][old], uses[kept]),
            np.append(self.uses["tweet"][old], tweet[kept]),
        )

    def _take(self, entries: Ints) -> Entries:
        columns = {name: self.entries[name][entries] for name in ENTRY_COLUMNS}
        return Entries(**columns, displays=self._displays.take(entries), texts=self._texts.take(entries))

    def texts(self, entries: Ints) -> bytes:
        """Return the texts of some entries, one a line, without the hosts behind them."""
        lines: bytes = self._texts.take(entries).text.tobytes()
        return _HOSTS.sub(b"", lines) if _APART in lines else lines

    def batch(self, entries: Ints) -> TextBatch:
        """Return the texts of some entries, for the model that scores them."""
        return TextBatch(self.scored_by, self.texts(entries), languages_of(self.entries["origin"][entries]))

    def lines(self, entries: Ints) -> list[str]:
        """Return the texts of some entries with the hosts behind them; see `streams.events.links`."""
        return [line.decode("utf-8", "surrogatepass") for line in self._texts.take(entries).split()]

    def displays(self, entries: Ints) -> Lines:
        """Return the hashtag as each entry wrote it, empty for the normal form."""
        return self._displays.take(entries)

    def score_by(self, model: str) -> None:
        """Score entries with this model from now on, also those that another model has scored early."""
        if model != self.scored_by:
            if self.scored_by:
                self.entries["scores"][:] = np.nan
                self.entries["group"][:] = UNSCORED
            self.scored_by = model

    def unscored(self, entries: Ints) -> Ints:
        """Return the entries that no model has looked at."""
        new: Ints = entries[self.entries["group"][entries] == UNSCORED]
        return new

    def score(self, entries: Ints, scores: Scores) -> None:
        """Set the scores of some entries."""
        self.entries["scores"][entries] = scores.probabilities
        self.entries["copy"][entries] = scores.copies
        self.entries["group"][entries] = scores.groups

    def scores(self, entries: Ints) -> Scores:
        """Return the scores of some entries; without one: NaN, 0 as fingerprint, and `UNSCORED` as group."""
        columns = self.entries
        return Scores(columns["scores"][entries], columns["copy"][entries], columns["group"][entries])


def ranges(firsts: Ints, sizes: Array) -> Ints:
    """Return the numbers in ranges [first, first + size), given by firsts (r,) and sizes (r,), one after the other."""
    numbers: Ints = np.repeat(firsts + sizes - np.cumsum(sizes, dtype=np.int64), sizes) + np.arange(int(sizes.sum()))
    return numbers
