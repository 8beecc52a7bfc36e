"""Make block counts of sorted uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.counting.sketch import K


@compiled
def _add_smallest(run: Any, authors: Any, tweets: Any, entries: Any, n: Any) -> Any:
    """Add the uses of the K smallest authors, each with its smallest tweet, in the order of `run`."""
    by_author = np.argsort(authors[run])
    chosen = np.zeros(len(run), np.bool_)
    distinct, at = 0, 0
    while at < len(run) and distinct < K:
        best = by_author[at]
        author = authors[run[best]]
        while at < len(run) and authors[run[by_author[at]]] == author:
            other = by_author[at]
            mine, its = tweets[run[best]], tweets[run[other]]
            if its < mine or (its == mine and other < best):
                best = other
            at += 1
        chosen[best] = True
        distinct += 1
    for place in range(len(run)):
        if chosen[place]:
            entries[n] = run[place]
            n += 1
    return n


@compiled
def changed_counts(order: Any, code: Any, panes: Any, flushed: Any, authors: Any, tweets: Any) -> Any:
    """Return the counts that have a use since the last flush, with their entries.

    Args:
        order: (n,) int64 numbers of uses, sorted by code and pane, then ascending.
        code: (n,) int64 of each use: its shard, block, hashtag and country.
        panes: (n,) int64 pane of each use.
        flushed: number of the first use since the last flush.
        authors: (n,) uint64 author hashes of the uses.
        tweets: (n,) uint64 tweet hashes of the uses.

    Returns:
        For each count one of its uses, the number of its uses and of its entries, (r,) int64; and the uses that are
        its entries, int64: all of them, or those of the K smallest authors.
    """
    total = len(order)
    first_use, counts, sizes = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.int64)
    entries = np.empty(total, np.int64)
    r, n, begin = 0, 0, 0
    while begin < total:
        use = order[begin]
        changed, end = False, begin
        while end < total and code[order[end]] == code[use] and panes[order[end]] == panes[use]:
            changed = changed or order[end] >= flushed
            end += 1
        if changed:
            before = n
            if end - begin <= K:
                for place in range(begin, end):
                    entries[n] = order[place]
                    n += 1
            else:
                n = _add_smallest(order[begin:end], authors, tweets, entries, n)
            first_use[r], counts[r], sizes[r] = use, end - begin, n - before
            r += 1
        begin = end
    return first_use[:r], counts[:r], sizes[:r], entries[:n]
