"""Lines of bytes in one arena: line i is `arena[ends[i]:ends[i + 1]]`, its line break included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
UInts = npt.NDArray[np.uint64]
LINE_BREAK = 10


@compiled
def write_lines(arena: Bytes, begins: Ints, ends: Ints) -> tuple[Bytes, Ints]:
    """Write parts of an arena, each followed by a line break.

    Args:
        arena: (a,) uint8.
        begins: (n,) int64 first byte of each part.
        ends: (n,) int64, the byte after its last one.

    Returns:
        The lines, uint8, and (n + 1,) int64 the place where each line begins, and the end.
    """
    places = np.empty(len(begins) + 1, np.int64)
    places[0] = 0
    for line in range(len(begins)):
        places[line + 1] = places[line] + ends[line] - begins[line] + 1
    lines = np.empty(places[-1], np.uint8)
    for line in range(len(begins)):
        place, source = np.uint64(places[line]), np.uint64(begins[line])
        for at in range(np.uint64(ends[line] - begins[line])):
            lines[place + at] = arena[source + at]
        lines[places[line + 1] - 1] = LINE_BREAK
    return lines, places


@compiled
def copy_spans(text: Bytes, begin: Ints, end: Ints, rows: Ints, places: Ints, out: Bytes) -> None:
    """Copy the ranges [begin, end) with some numbers to their places in `out`.

    Args:
        text: (b,) the bytes.
        begin: (n,) starts in the text.
        end: (n,) ends in the text.
        rows: (m,) numbers of the ranges to copy.
        places: (n,) or longer: start of each range in `out`.
        out: filled in place.
    """
    for i in range(len(rows)):
        source, place = np.uint64(begin[rows[i]]), np.uint64(places[rows[i]])
        for at in range(np.uint64(end[rows[i]] - begin[rows[i]])):
            out[place + at] = text[source + at]
