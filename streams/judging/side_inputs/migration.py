"""Match the authors of hashtags with those of hidden campaigns.

The signal is a share: of the authors under a tag, the part that a hidden tag had. Each sample has all authors up to
some hash. Up to the lower of the two hashes, every author under the tag is known to be shared or not. Those authors are
a fair sample (Cohen and Kaplan 2007, "Summarizing data using bottom-k sketches"); the signal is its exact lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from streams.counting.block_counts import Ints
from streams.counting.sketch import K, UInts
from streams.judging.kernels.equal_pairs import equal_pairs, in_spans
from streams.log.author_sketches import AuthorSketch
from streams.signals.base import Bools, Doubles
from streams.windows.window import AuthorSample

CONFIDENCE = 0.995
"""Confidence of the bound for each hidden tag; the greatest bound of ten tags still holds at .95."""


@dataclass(frozen=True, slots=True, eq=False)
class MigrationMatches:
    """The best match of each of m tags among the hidden tags. Shapes (m,)."""

    lower: Doubles
    """Greatest lower bound of the share of a tag's authors that one hidden tag had; 0 without any."""
    of: list[str]
    """Hidden tag of that bound; "" without any."""
    from_hidden: Bools
    """(n,) whether a sampled author wrote harm under another tag that is hidden."""


class HiddenCampaigns:
    """Hidden tags with all their authors up to a hash each.

    Args:
        sketches: of each tag, at least one. They count up to the lowest hash to which each of them is complete.
    """

    def __init__(self, sketches: Sequence[Sequence[AuthorSketch]]) -> None:
        self.hashtags = [of_tag[0].hashtag for of_tag in sketches]
        upto = [min(sketch.upto for sketch in of_tag) for of_tag in sketches]
        self.upto = np.array(upto, np.uint64)
        authors = [np.unique(np.concatenate([sketch.hashes() for sketch in of_tag])) for of_tag in sketches]
        authors = [some[some <= end] for some, end in zip(authors, self.upto, strict=True)]
        together = np.concatenate(authors)
        ascending = np.argsort(together, kind="stable")
        self.author: UInts = together[ascending]
        """(t,) authors of all tags, ascending; one author may have several."""
        self.owner: Ints = np.repeat(np.arange(len(authors)), [len(some) for some in authors])[ascending]
        """(t,) number of each author's tag."""


def match(
    hidden: HiddenCampaigns, own: Ints, sample: AuthorSample, keys: Ints, rows: Ints, matches: MigrationMatches
) -> None:
    """Add the matches of some keys with the hidden tags of their country to `matches`.

    Args:
        hidden: c hidden tags.
        own: (c,) key of each of them; -1 where this shard does not have it.
        sample: sampled authors by group and author; those of no stratum's own are all authors of each key up to their
            greatest hash, and alone count for the bound.
        keys: (m,) the groups of `sample`.
        rows: numbers of the keys to compare.
        matches: those of all keys.
    """
    asked = np.zeros(len(keys), bool)
    asked[rows] = True
    mine = np.flatnonzero(asked[sample.group])
    entry, author = equal_pairs(hidden.author, sample.author[mine])
    entry, campaign = mine[entry], hidden.owner[author]
    other = keys[sample.group[entry]] != own[campaign]  # no tag migrates to itself
    entry, campaign = entry[other], campaign[other]
    matches.from_hidden[entry] = True

    smallest = ~sample.is_further[entry]
    entry, campaign = entry[smallest], campaign[smallest]
    pair, shared = np.unique(sample.group[entry] * len(own) + campaign, return_counts=True)
    group, campaign = np.divmod(pair, len(own))
    of, row = in_spans(*(np.searchsorted(sample.group, group, side) for side in ("left", "right")))
    known = (sample.author[row] <= hidden.upto[campaign[of]]) & ~sample.is_further[row]
    n_known = np.bincount(of[known], minlength=len(group))
    bounds = lower_bounds()[n_known, shared]
    best_last = np.lexsort((-campaign, bounds, group))  # of equal bounds the first tag's
    for at in best_last[np.flatnonzero(np.diff(group[best_last], append=-1))].tolist():
        matches.lower[group[at]] = bounds[at]
        matches.of[group[at]] = hidden.hashtags[campaign[at]] if bounds[at] > 0 else ""


@cache
def lower_bounds() -> Doubles:
    """Return (K + 1, K + 1) the lower bound of a share by the number of known authors and the number of shared ones.

    The bound of Clopper and Pearson (1934) is exact for few authors, and conservative for those drawn without
    replacement.

    >>> lower_bounds()[[5, 5, 10], [0, 5, 5]].round(3).tolist()
    [0.0, 0.347, 0.128]
    """
    from scipy.special import betaincinv  # several MB, for workers that have hidden a campaign

    n_known, shared = np.meshgrid(np.arange(K + 1), np.arange(K + 1), indexing="ij")
    shared = np.minimum(shared, n_known)
    bounds: Doubles = np.where(shared, betaincinv(np.maximum(shared, 1), n_known - shared + 1, 1 - CONFIDENCE), 0.0)
    return bounds
