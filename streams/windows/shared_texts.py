"""Who wrote each text of a hashtag: the texts of all its authors, so that copies are found outside the sample too.

A text is its fingerprint (`models.copies`). A use is one number of 64 bits: the text, a part of the author's hash, and
the account's age. A pane has the uses of the hashtags whose texts are scored, in 8 bytes each, by text and then by
time: of equal texts the earliest author is first. Panes unite in their order, so a window has the uses of all.

A key has at most `MOST_USES` in a pane, those of the smallest texts. So nothing is missed in a pane with fewer; beyond,
a text is missed as a whole, or in its latest uses. A missed text is a copy of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.counting.keys import ends_of
from streams.counting.sketch import UInts

UInt32s = npt.NDArray[np.uint32]
Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

MOST_USES = 8_192
"""Uses of one hashtag and country that a pane keeps: 64 KB."""
TEXT_SHIFT, _AUTHOR_SHIFT = 32, 12
_AUTHOR_BITS = 20
"""Two authors of one text are taken for one with a chance of one in a million."""
MOST_AGE = (1 << _AUTHOR_SHIFT) - 1
"""Age in days of the oldest accounts, and of those of unknown age, which are not young."""
NO_AGE = -1
"""Age where no other author wrote the text earlier."""


class SharedTexts(NamedTuple):
    """Uses (u,) of some keys (s,) in one pane, by key, text and time; no author twice with the same text."""

    keys: Ints
    """(s,) hashtag and country, ascending."""
    bounds: Ints
    """(s + 1,) key i has uses[bounds[i]:bounds[i + 1]]."""
    uses: UInts
    """(u,) see the module."""

    def of_keys(self, stays: Bools) -> SharedTexts:
        """Return some of the keys, given by a mask (s,)."""
        sizes = np.diff(self.bounds)
        bounds = np.concatenate(([0], np.cumsum(sizes[stays]))).astype(np.int64)
        return SharedTexts(self.keys[stays], bounds, self.uses[np.repeat(stays, sizes)])

    def sizes_of(self, keys: Ints) -> Ints:
        """Return the number of uses (m,) of keys (m,), ascending, that include all of these."""
        sizes = np.zeros(len(keys), np.int64)
        sizes[np.searchsorted(keys, self.keys)] = np.diff(self.bounds)
        return sizes


NO_TEXTS = SharedTexts(np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.uint64))


def uses_of(text: UInt32s, author: UInts, age_days: Int32s) -> UInts:
    """Pack texts (n,) with the authors' hashes (n,) and the accounts' ages (n,), below 0 where unknown."""
    age = np.where((age_days < 0) | (age_days > MOST_AGE), MOST_AGE, age_days).astype(np.uint64)
    of_author = (author & np.uint64((1 << _AUTHOR_BITS) - 1)) << np.uint64(_AUTHOR_SHIFT)  # small hashes are sampled
    return text.astype(np.uint64) << np.uint64(TEXT_SHIFT) | of_author | age


def collect(keys: Ints, bounds: Ints, uses: UInts, tweet: Ints) -> SharedTexts:
    """Sort the uses (n,) of keys (s,), ascending, by text and tweet; see `kept_uses`."""
    sizes, kept = kept_uses(bounds, uses, tweet)
    some = sizes > 0
    return SharedTexts(keys[some], np.append(0, np.cumsum(sizes[some])), uses[kept])


@compiled
def kept_uses(bounds: Ints, uses: UInts, tweet: Ints) -> tuple[Ints, Ints]:
    """Choose the uses of some keys (s,) that a pane keeps: the first of each author and text, the smallest texts.

    Args:
        bounds: (s + 1,) key i has uses[bounds[i]:bounds[i + 1]].
        uses: (n,) see `uses_of`.
        tweet: (n,) ids of the tweets, by which uses of a text are earlier or later.

    Returns:
        For each key how many it keeps (s,), and their numbers, by key, text and tweet.
    """
    sizes, kept, written = np.zeros(len(bounds) - 1, np.int64), np.empty(len(uses), np.int64), 0
    for key in range(len(sizes)):
        rows = bounds[key] + np.argsort(tweet[bounds[key] : bounds[key + 1]], kind="mergesort")
        rows = rows[np.argsort(uses[rows] >> np.uint64(TEXT_SHIFT), kind="mergesort")]
        begin = first = written
        for at in range(len(rows)):
            use = uses[rows[at]]
            if at and use >> np.uint64(TEXT_SHIFT) != uses[rows[at - 1]] >> np.uint64(TEXT_SHIFT):
                first = written
            is_new = written - begin < MOST_USES
            for other in range(first, written):
                is_new = is_new and uses[kept[other]] >> np.uint64(_AUTHOR_SHIFT) != use >> np.uint64(_AUTHOR_SHIFT)
            if is_new:
                kept[written] = rows[at]
                written += 1
        sizes[key] = written - begin
    return sizes, kept[:written]


def merge_texts(panes: Sequence[SharedTexts]) -> SharedTexts:
    """Merge the uses of consecutive panes."""
    key = np.repeat(np.concatenate([pane.keys for pane in panes]), np.concatenate([np.diff(p.bounds) for p in panes]))
    by_key = np.argsort(key, kind="stable")
    keys, firsts = np.unique(key[by_key], return_index=True)
    uses = np.concatenate([pane.uses for pane in panes])[by_key]
    return collect(keys, np.append(firsts, len(key)), uses, np.arange(len(key)))


def earlier_ages(panes: Sequence[SharedTexts], keys: Ints, uses: UInts) -> Ints:
    """Find who wrote the texts of some uses (n,) earlier under the same keys (n,): the greatest age of other authors.

    A pane is earlier than the next one. In one pane the smaller tweet id is earlier, in one country; of two countries
    none is.

    Args:
        panes: ascending.
        keys: (n,) hashtag and country; the world's key has the uses of all countries.
        uses: (n,) text and author; see `uses_of`.

    Returns:
        Ages (n,) in days, at most `MOST_AGE`, which is that of accounts of unknown age too; `NO_AGE` where the author
        was the first, or the use is in no pane.
    """
    ages, found = np.full(len(keys), NO_AGE), np.zeros(len(keys), np.bool_)
    ends = ends_of(keys)
    for pane in panes:
        if len(pane.keys):
            runs = np.searchsorted(pane.keys, keys), np.searchsorted(pane.keys, ends)
            _look(*runs, pane.bounds, pane.uses, uses, ages, found)
    ages[~found] = NO_AGE
    return ages


@compiled
def _look(first: Ints, end: Ints, bounds: Ints, uses: UInts, own: UInts, ages: Ints, found: Bools) -> None:
    """Look for uses (n,) in a pane, where their keys have the runs [first, end) (n,); raise `ages`, mark `found`."""
    for row in range(len(own)):
        if found[row]:
            continue
        text, its = own[row] >> np.uint64(TEXT_SHIFT), own[row] >> np.uint64(_AUTHOR_SHIFT)
        of_any, of_own = ages[row], np.int64(NO_AGE)
        for run in range(first[row], end[row]):
            at = bounds[run] + np.searchsorted(uses[bounds[run] : bounds[run + 1]], text << np.uint64(TEXT_SHIFT))
            age = ages[row]
            while at < bounds[run + 1] and uses[at] >> np.uint64(TEXT_SHIFT) == text:
                if uses[at] >> np.uint64(_AUTHOR_SHIFT) == its:
                    found[row], of_own = True, max(of_own, age)
                    break
                age = max(age, np.int64(uses[at] & np.uint64(MOST_AGE)))
                at += 1
            of_any = max(of_any, age)
        ages[row] = of_own if found[row] else of_any
