"""A compiled pass that moves the entries of one record into the columns of its pane.

Shapes: r rows and n entries of the record, m entries of the pane, c score columns, s scored entries of the record.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import GROUP_SHIFT, Ints
from streams.counting.origins import PARTITION_SHIFT
from streams.counting.sketch import UInts

Int32s = npt.NDArray[np.int32]
UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]
_NAN = np.float32(np.nan)


@compiled
def place_entries(
    sizes: Ints, places: Ints,
    author: UInts, tweet: Ints, partition: Ints, offset: Ints, age: Ints,
    flags: UInt8s, copy: UInt32s, scores: Floats,
    to_author: UInts, to_tweet: Ints, to_origin: Ints, to_age: Int32s, to_flags: UInt8s, to_copy: UInt32s,
    to_scores: Floats,
) -> None:  # fmt: skip
    """Move each row's entries to its place in the pane. The caller has checked all sizes.

    `sizes` (r,) are the entries of each row, and `places` (r,) the row's first entry in the pane. The columns (n,) of
    the record follow. `copy` (s,) and `scores` (s * c,) have the entries with a language group, or all. The pane's
    columns (m,) are filled in place.
    """
    columns = to_scores.shape[1]
    all_have_scores = len(copy) == len(flags)
    entry = scored = 0
    for row in range(len(sizes)):
        for at in range(places[row], places[row] + sizes[row]):
            to_author[at] = author[entry]
            to_tweet[at] = tweet[entry]
            to_origin[at] = partition[entry] << PARTITION_SHIFT | offset[entry]
            to_age[at] = age[entry]
            to_flags[at] = flags[entry]
            if all_have_scores or flags[entry] >> GROUP_SHIFT:
                to_copy[at] = copy[scored]
                for column in range(columns):
                    to_scores[at, column] = scores[scored * columns + column]
                scored += 1
            else:
                to_copy[at] = 0
                for column in range(columns):
                    to_scores[at, column] = _NAN
            entry += 1
