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
def _framed(data: UInt8s, base: int, width: int, at: int) -> np.int64:
    """Return one value of a `streams.log.framed.Framed`."""
    word = np.uint64(0)
    for byte in range(width):
        word |= np.uint64(data[at * width + byte]) << np.uint64(8 * byte)
    return np.int64(base) + np.int64(word)


@compiled
def place_entries(
    sizes: Ints, places: Ints,
    author: UInts, tweet: UInt8s, tweet_base: int, tweet_width: int,
    partition: UInt8s, partition_base: int, partition_width: int,
    offset: UInt8s, offset_base: int, offset_width: int,
    age: UInt8s, age_base: int, age_width: int,
    flags: UInt8s, copy: UInt32s, scores: Floats,
    to_author: UInts, to_tweet: Ints, to_origin: Ints, to_age: Int32s, to_flags: UInt8s, to_copy: UInt32s,
    to_scores: Floats,
) -> None:  # fmt: skip
    """Move each row's entries to its place in the pane. The caller has checked all sizes.

    `sizes` (r,) are the entries of each row, and `places` (r,) the row's first entry in the pane. `author` (n,) and
    `flags` (n,) are followed or preceded by framed columns (n,), each as data, base and width. `copy` (s,) and `scores`
    (s * c,) have the entries with a language group, or all. The pane's columns (m,) are filled in place.
    """
    columns = to_scores.shape[1]
    all_have_scores = len(copy) == len(flags)
    entry = scored = 0
    for row in range(len(sizes)):
        for at in range(places[row], places[row] + sizes[row]):
            to_author[at] = author[entry]
            to_tweet[at] = _framed(tweet, tweet_base, tweet_width, entry)
            to_origin[at] = (_framed(partition, partition_base, partition_width, entry) << PARTITION_SHIFT) | _framed(
                offset, offset_base, offset_width, entry
            )
            to_age[at] = _framed(age, age_base, age_width, entry)
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
