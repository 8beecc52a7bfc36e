"""A settled pane as arrays: final, without texts, small enough to keep for hours and to recover in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import AnyStr

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.block_counts import FLAGS, GROUP_SHIFT, NOTHING_TRIMMED, UNSCORED, Ints, Trimmed
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, range_of
from streams.counting.sketch import KeyedHash, UInts, smallest_rows
from streams.counting.strata import strata_of
from streams.windows.open_pane import OpenPane, PaneSum
from streams.windows.shared_texts import SharedTexts, merge_texts
from streams.windows.spellings import Spellings

Floats = npt.NDArray[np.float32]
_ENTRIES = ("author", "tweet", "origin", "age_days", "flags", "copy", "scores")
"""Columns of a pane's entries."""


@dataclass(frozen=True, slots=True, eq=False)
class Pane:
    """Settled pane of one shard. Rows are sorted by key, entries by (key, author).

    Shapes: r rows, n entries, c score columns (any category first, then each).
    """

    start_ms: int
    length_ms: int
    keys: Ints
    """(r,) hashtag and country."""
    counts: Ints
    """(r,) tweets of each row."""
    displays: Spellings
    """(r,) commonest spelling in the row's sample."""
    bounds: Ints
    """(r + 1,) row i has entries [bounds[i], bounds[i + 1])."""
    author: UInts
    """(n,) keyed hashes of the authors."""
    tweet: Ints
    """(n,) ids of the tweets."""
    origin: Ints
    """(n,) origins of the tweets; see `streams.counting.origins`."""
    age_days: npt.NDArray[np.int32]
    """(n,) ages of the accounts; -1 where unknown."""
    flags: npt.NDArray[np.uint8]
    """(n,) flags, and above them the language group of each text; see `GROUP_SHIFT`."""
    copy: npt.NDArray[np.uint32]
    """(n,) fingerprint of the text; 0 where it was not scored."""
    scores: Floats
    """(n, c) calibrated probabilities; NaN where the text was not scored, or not read."""
    texts: SharedTexts
    """Texts of all authors, also of those without an entry, under the hashtags whose texts are scored."""
    trimmed: Trimmed = NOTHING_TRIMMED
    """Counts lost to tail trimming."""

    @property
    def end_ms(self) -> int:
        """First millisecond after the pane."""
        return self.start_ms + self.length_ms

    def tweets(self, keys: Ints) -> Ints:
        """Return the tweets (n,) of keys (n,), ascending; for the world's key those of all countries."""
        tweets: Ints = sums_of(self.keys, self.counts, keys)
        return tweets

    def with_entries(self, stays: npt.NDArray[np.bool_]) -> Pane:
        """Return the same rows with some of their entries, given by a mask (n,)."""
        before = np.concatenate(([0], np.cumsum(stays)))
        return replace(self, bounds=before[self.bounds], **{name: getattr(self, name)[stays] for name in _ENTRIES})

    def with_rows(self, stays: npt.NDArray[np.bool_]) -> Pane:
        """Return some of the rows, given by a mask (r,), with their entries."""
        kept = self.with_entries(np.repeat(stays, np.diff(self.bounds)))
        bounds = np.append(0, kept.bounds[1:][stays])
        columns = {name: getattr(self, name)[stays] for name in ("keys", "counts", "displays")}
        texts = self.texts.of_keys(np.isin(self.texts.keys, self.keys[stays]))
        return replace(kept, bounds=bounds, texts=texts, **columns)

    def displays_of(self, key: int) -> list[str]:
        """Return the spellings of a key, one for each row."""
        first, end = self.keys.searchsorted(range_of(key))
        return self.displays[first:end].tolist()


@compiled
def sums_of(rows: Ints, values: Ints, keys: Ints) -> Ints:
    """Add up (m,) the values (n,) of each key's rows, given by their keys (n,); the world's has those of all countries.

    Both `rows` and `keys` (m,) ascend, so one walk along both finds every sum.
    """
    sums, first = np.zeros(len(keys), np.int64), 0
    for i in range(len(keys)):
        end = keys[i] + 1 if keys[i] & COUNTRY_MASK else keys[i] + (1 << COUNTRY_BITS)
        while first < len(rows) and rows[first] < keys[i]:
            first += 1
        row = first
        while row < len(rows) and rows[row] < end:
            sums[i] += values[row]
            row += 1
    return sums


def build_pane(
    number: int,
    total: PaneSum,
    open_pane: OpenPane,
    scored_tags: Ints,
    displays: Spellings,
    trimmed: Trimmed = NOTHING_TRIMMED,
) -> Pane:
    """Build the pane of a settled tick, or of an early firing.

    Args:
        number: number of the pane: its start, in panes since the epoch.
        total: sum of the pane's counts.
        open_pane: entries and scores that `total` refers to.
        scored_tags: numbers of the hashtags whose entries keep their scores; a firing may have scored others.
        displays: (r,) see `Pane`; empty for a firing.
        trimmed: counts that `total` has lost.
    """
    entries, keys = total.entries, total.keys
    scored = open_pane.scores(entries)
    scores, copy = scored.probabilities, scored.copies
    tags = np.repeat(keys, np.diff(total.bounds)) >> COUNTRY_BITS
    shown = np.isin(tags, scored_tags)
    scores[~shown] = np.nan
    copy[~shown] = 0
    groups = np.where(shown, scored.groups, np.uint8(UNSCORED))
    flags = open_pane.entries["flags"][entries] & np.uint8(FLAGS)
    flags |= (groups + np.uint8(1)) << np.uint8(GROUP_SHIFT)  # UNSCORED wraps round to 0
    return Pane(
        start_ms=number * PANE_MS,
        length_ms=PANE_MS,
        keys=keys,
        counts=total.counts,
        displays=displays,
        bounds=total.bounds,
        author=total.author,
        **{name: open_pane.entries[name][entries] for name in ("tweet", "origin", "age_days")},
        flags=flags,
        copy=copy,
        scores=scores,
        texts=open_pane.shared_texts(np.intersect1d(scored_tags, keys >> COUNTRY_BITS)),
        trimmed=trimmed,
    )


def spellings(total: PaneSum, open_pane: OpenPane, names: bytes) -> Spellings:
    """Return (r,) the commonest spelling of each key in its sample.

    Args:
        total: sum of the pane's counts, with r keys.
        open_pane: entries that `total` refers to, with their spellings; "" stands for the normal form.
        names: normal forms of the keys, as lines.
    """
    sizes = np.diff(total.bounds)
    some = np.flatnonzero(sizes)
    written = Spellings.of_lines(open_pane.displays(total.entries).text.tobytes())
    most = written.commonest(np.repeat(np.arange(len(some)), sizes[some]), len(some))
    choices = Spellings.joined([Spellings.of_lines(names), most.compacted()])
    chosen = np.arange(len(sizes))
    differs = most.sizes > 0
    chosen[some[differs]] = len(sizes) + np.flatnonzero(differs)
    return choices[chosen]


def commonest(spellings: Sequence[AnyStr]) -> AnyStr | None:
    """Return the commonest spelling, of equally common ones the smallest; None without any.

    >>> commonest(["b", "a", "b", "a"])
    'a'
    """
    if spellings and 2 * spellings.count(spellings[0]) > len(spellings):  # nearly always
        return spellings[0]
    return min(set(spellings), key=lambda spelling: (-spellings.count(spelling), spelling), default=None)


def merge_panes(panes: Sequence[Pane], start_ms: int, hashes: KeyedHash, *, length_ms: int = MINUTE_MS) -> Pane:
    """Merge one or more panes into a longer one: counts add up, samples unite."""
    all_keys = np.concatenate([pane.keys for pane in panes])
    keys, row_of = np.unique(all_keys, return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, row_of, np.concatenate([pane.counts for pane in panes]))
    shifts = np.cumsum([0, *[len(pane.keys) for pane in panes]])
    rows = [np.repeat(row_of[shifts[i] : shifts[i + 1]], np.diff(pane.bounds)) for i, pane in enumerate(panes)]
    row, author = np.concatenate(rows), np.concatenate([pane.author for pane in panes])
    order = hashes.orders(np.concatenate([pane.tweet for pane in panes]))
    kept = smallest_rows(row, author, order, strata_of(np.concatenate([pane.flags for pane in panes])))
    return Pane(
        start_ms=start_ms,
        length_ms=length_ms,
        keys=keys,
        counts=counts,
        displays=Spellings.joined([pane.displays for pane in panes]).commonest(row_of, len(keys)).compacted(),
        bounds=np.searchsorted(row[kept], np.arange(len(keys) + 1)).astype(np.int64),
        texts=merge_texts([pane.texts for pane in panes]),
        trimmed=sum((pane.trimmed for pane in panes), NOTHING_TRIMMED),
        **{name: np.concatenate([getattr(pane, name) for pane in panes])[kept] for name in _ENTRIES},
    )
