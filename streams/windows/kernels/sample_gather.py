"""Gather the columns of an author sample from the panes of its entries."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints
from streams.windows.kernels.sample_draw import Int32s

UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]


@compiled
def order_by_pane(pane: Int32s, panes: int) -> tuple[Int32s, Ints]:
    """Order entries (n,) by pane: return their numbers (n,), of which pane p has [bounds[p], bounds[p + 1])."""
    bounds = np.zeros(panes + 1, np.int64)
    for p in pane:
        if not 0 <= p < panes:  # compiled code would write anywhere
            raise IndexError("an entry of a pane outside the window")
        bounds[p + 1] += 1
    for p in range(panes):
        bounds[p + 1] += bounds[p]
    following = bounds[:-1].copy()
    at = np.empty(len(pane), np.int32)
    for entry in range(len(pane)):
        p = pane[entry]
        at[following[p]] = entry
        following[p] += 1
    return at, bounds


@compiled
def copy_columns(
    at: Int32s, row: Int32s,
    tweet: Ints, origin: Ints, age_days: Int32s, flags: UInt8s, copy: UInt32s, scores: Floats,
    to_tweet: Ints, to_origin: Ints, to_age_days: Int32s, to_flags: UInt8s, to_copy: UInt32s,
    to_scores: Floats,
) -> None:  # fmt: skip
    """Copy the columns of a pane's rows to the places `at` of a sample.

    Args:
        at: (a,) numbers in the sample.
        row: (n,) row of each entry of the sample in its pane; those of `at` are read.
        tweet: (p,) column of the pane, as those after it; `scores` has several numbers a row.
        origin: (p,)
        age_days: (p,)
        flags: (p,)
        copy: (p,)
        scores: (p, c)
        to_tweet: (n,) column of the sample, as those after it.
        to_origin: (n,)
        to_age_days: (n,)
        to_flags: (n,)
        to_copy: (n,)
        to_scores: (n, c)

    Raises:
        IndexError: the pane does not have a row, or it has another number of score columns than the sample.
    """
    if scores.shape[1] != to_scores.shape[1]:
        raise IndexError("a pane with other score columns than the sample")
    for to in at:
        of = row[to]
        if not 0 <= of < len(tweet):
            raise IndexError("a row that its pane does not have")
        to_tweet[to], to_origin[to], to_age_days[to] = tweet[of], origin[of], age_days[of]
        to_flags[to], to_copy[to] = flags[of], copy[of]
        for column in range(scores.shape[1]):
            to_scores[to, column] = scores[of, column]
