"""Copies: the share of sampled authors whose text another sampled author of the tag wrote too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.signals.base import SHARE, Bools, Column, Doubles, Ints, MeasuredSignal, Observations


class Copies(MeasuredSignal):
    """Share of authors who post a text that another author posts too."""

    name = "copies"
    order = 20
    kind = SHARE
    description = "Share of sampled authors whose text another author wrote too; retweets do not count."
    label = "Copied texts"
    statement = "many copies of the same text"
    column = Column(16)

    def measure(self, seen: Observations) -> Doubles:
        """Divide authors of repeated texts by authors of texts, retweets excluded."""
        own = ~seen.retweet & (seen.copy > 0)
        return seen.share(own, copied(seen.tag, seen.copy, own))


def copied(tag: Ints, copy: npt.NDArray[np.uint32], among: Bools) -> Bools:
    """Mark (n,) the authors whose text another author of the tag wrote too.

    Args:
        tag: (n,) index of each author's tag, ascending.
        copy: (n,) fingerprints of their texts.
        among: (n,) authors that are compared with each other; the others are never marked.
    """
    found: Bools = _repeated(tag, copy, among)
    return found


@compiled
def _repeated(tag: Ints, copy: npt.NDArray[np.uint32], among: Bools) -> Bools:
    """Find the rows whose fingerprint another row of the tag has; tags ascend, none has more rows than a sample."""
    found = np.zeros(len(tag), np.bool_)
    first = 0
    while first < len(tag):
        end = first
        while end < len(tag) and tag[end] == tag[first]:
            end += 1
        for row in range(first, end):
            if among[row] and not found[row]:
                for other in range(row + 1, end):
                    if among[other] and copy[other] == copy[row]:
                        found[row] = found[other] = True
        first = end
    return found


SIGNAL = Copies()
