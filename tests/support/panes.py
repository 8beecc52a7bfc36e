"""Panes for tests: built from uses of hashtags, read back as plain values, and counted the obvious way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from streams.counting.block_counts import RETWEET
from streams.counting.keys import COUNTRY_BITS, Tags, country_of
from streams.counting.sketch import SPACE, K, KeyedHash
from streams.counting.strata import LEAST, STRATA, STRATUM_SHIFT
from streams.windows.open_pane import OpenPane, Scores
from streams.windows.pane import Pane, build_pane, spellings
from tests.support.block_counts import Entry, columns, smallest

HASHES = KeyedHash(b"k")
COLUMNS = 3
Uses = dict[tuple[str, str], tuple[int, list[Entry]]]


class Scored(NamedTuple):
    """Scores of one text by stage 1."""

    probabilities: np.ndarray[Any, Any]
    copy: int
    group: int


def scored(text: str) -> Scored:
    number = int(text.split()[1])
    return Scored(np.array([number % 7, number % 5, number % 3], np.float32) / 8, number % 2**31 + 1, number % 11 % 3)


def scores_of(texts: Sequence[str]) -> Scores:
    found = [scored(text) for text in texts]
    return Scores(
        np.array([one.probabilities for one in found], np.float32).reshape(-1, COLUMNS),
        np.array([one.copy for one in found], np.uint32),
        np.array([one.group for one in found], np.uint8),
    )


def random_uses(rng: random.Random, *, tags: int = 4, authors: int = 12, most: int = 8, is_mixed: bool = True) -> Uses:
    """Return uses of some tags; `is_mixed`: the tweets of some authors are of two strata."""
    uses: Uses = {}
    for _ in range(rng.randrange(1, 9)):
        tag, country = f"tag{rng.randrange(tags)}", rng.choice(["IN", "US", ""])
        entries = []
        for _ in range(rng.randrange(1, most)):
            author, tweet = rng.randrange(authors) * 0x9E3779B97F4A7C15 % 2**64, rng.randrange(2**40)
            display = rng.choice(["", tag.upper()])
            stratum = (author + (is_mixed and tweet % 9 == 0)) % STRATA
            flags = tweet % 2 | stratum << STRATUM_SHIFT
            entries.append(Entry(author, tweet, tweet % 300, flags, display, f"text {tweet}", 7 * tweet))
        uses[tag, country] = (len(entries) + rng.randrange(9), entries)
    return uses


def build(uses: Uses, tags: Tags, number: int = 6, scored_tags: set[str] | None = None) -> Pane:
    """Build a pane of some uses.

    Args:
        scored_tags: hashtags whose texts are scored; None: all.
    """
    keys = [tags.key(*scope) for scope in uses]
    entries = [entry for _, its in uses.values() for entry in its]
    open_pane = OpenPane(HASHES, COLUMNS)
    open_pane.add(
        np.array(keys, np.int64),
        np.array([count for count, _ in uses.values()]),
        np.array([len(its) for _, its in uses.values()]),
        columns(entries),
    )
    open_pane.score(np.arange(len(entries)), scores_of([entry.text for entry in entries]))
    shown = [scored_tags is None or tag in scored_tags for tag, _ in uses]
    numbers = np.array(keys, np.int64)[np.array(shown, bool)] >> COUNTRY_BITS
    total = open_pane.sum()
    return build_pane(number, total, open_pane, numbers, spellings(total, open_pane, tags.lines_of(total.keys)))


def content(pane: Pane, tags: Tags) -> dict[tuple[str, str], tuple[Any, ...]]:
    """A pane without its numbers."""
    found, displays = {}, pane.displays.tolist()
    for row, key in enumerate(pane.keys.tolist()):
        at = slice(int(pane.bounds[row]), int(pane.bounds[row + 1]))
        its = [getattr(pane, name)[at].tolist() for name in ("author", "tweet", "origin", "age_days", "flags", "copy")]
        scores = np.nan_to_num(pane.scores[at], nan=-1).tolist()
        found[tags.name(key), country_of(key)] = (int(pane.counts[row]), displays[row], *its, scores)
    return found


def in_scope(country: str, scope: str) -> bool:
    return scope in ("*", country)


def obvious_counts(all_uses: list[Uses]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for uses in all_uses:
        for (tag, country), (count, _) in uses.items():
            for scope in {country, "*"} - {""}:
                counts[tag, scope] = counts.get((tag, scope), 0) + count
    return counts


def obvious_entries(all_uses: list[Uses], tag: str, scope: str) -> list[Entry]:
    return [
        entry
        for uses in all_uses
        for (its, country), (_, entries) in uses.items()
        if its == tag and in_scope(country, scope)
        for entry in entries
    ]


def obvious_sample(all_uses: list[Uses], tag: str, scope: str) -> list[Entry]:
    once: dict[int, Entry] = {}
    for entry in smallest(obvious_entries(all_uses, tag, scope), HASHES):
        once.setdefault(entry.author, entry)
    return list(once.values())


def obvious_weights(all_uses: list[Uses], tag: str, scope: str) -> list[float]:
    """Return the weights of the entries of `obvious_sample`."""
    sample = obvious_sample(all_uses, tag, scope)
    if len(sample) < K:
        return [1.0] * len(sample)
    chance, kth = {}, sample[K - 1].author
    for stratum in range(STRATA):
        its = {one.author for one in obvious_entries(all_uses, tag, scope) if one.flags >> STRATUM_SHIFT == stratum}
        upto = max(kth, sorted(its)[LEAST - 1]) if len(its) >= LEAST else SPACE
        chance[stratum] = kth / upto
    return [chance[one.flags >> STRATUM_SHIFT] if len(sample) > K else 1.0 for one in sample]


def obvious_earlier(all_uses: list[Uses], tag: str, scope: str, author: int, text: str, panes_each: int = 1) -> int:
    """Return the greatest age of the other authors who wrote a text before an author; -1 without any.

    Panes are merged by `panes_each` from the end on. Of two countries' uses in one of these, none is earlier.
    """
    firsts: dict[tuple[int, str], dict[int, tuple[int, int, int]]] = {}
    shift = -len(all_uses) % panes_each
    for number, uses in enumerate(all_uses):
        for (its, country), (_, entries) in uses.items():
            for one in entries if its == tag and in_scope(country, scope) else ():
                if scored(one.text).copy == scored(text).copy and not one.flags & RETWEET:
                    of_run = firsts.setdefault(((number + shift) // panes_each, country), {})
                    of_run[one.author] = min(
                        of_run.get(one.author, (number, one.tweet, one.age_days)), (number, one.tweet, one.age_days)
                    )
    pane = min((run[0] for run, authors in firsts.items() if author in authors), default=-1)
    earlier = [use for run, authors in firsts.items() if run[0] < pane for use in authors.values()]
    for run, authors in firsts.items():
        if run[0] == pane and author in authors:
            earlier += [use for use in authors.values() if use < authors[author]]
    return max((age for _, _, age in earlier), default=-1)
