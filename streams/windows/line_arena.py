"""Lines of bytes that grow at their end: an object per line would cost more than the line."""

from __future__ import annotations

import numpy as np

from streams.counting.block_counts import Ints, Lines
from streams.counting.columns import Array
from streams.counting.kernels.lines import Bytes, gather_lines

_FIRST_SIZE = 1 << 10


class LineArena:
    """Lines in one array of bytes, each with its line break."""

    __slots__ = ("_bytes", "_ends", "_lines")

    def __init__(self) -> None:
        self._bytes = np.empty(_FIRST_SIZE, np.uint8)
        self._ends = np.zeros(_FIRST_SIZE, np.int64)
        self._lines = 0

    def __len__(self) -> int:
        return self._lines

    def extend(self, lines: Lines, rows: Ints | None = None) -> None:
        """Add lines, or those with some numbers."""
        if rows is not None:
            lines = _taken(lines.text, lines.ends, rows)
        used = int(self._ends[self._lines])
        size, end = used + int(lines.ends[-1]), self._lines + len(lines)
        if size > len(self._bytes):
            self._bytes = _grown(self._bytes, used, size)
        if end + 1 > len(self._ends):
            self._ends = _grown(self._ends, self._lines + 1, end + 1)
        self._bytes[used:size] = lines.text[: size - used]
        self._ends[self._lines + 1 : end + 1] = lines.ends[1:] + used
        self._lines = end

    def take(self, rows: Ints) -> Lines:
        """Return some lines, given by number."""
        return _taken(self._bytes, self._ends, np.ascontiguousarray(rows))


def _taken(text: Bytes, ends: Ints, rows: Ints) -> Lines:
    return Lines(gather_lines(text, ends, rows), np.append(0, np.cumsum(ends[rows + 1] - ends[rows])))


def _grown(array: Array, used: int, least: int) -> Array:
    """Copy the used part of an array to one with room for `least` values, or twice the room."""
    grown = np.empty(max(least, 2 * len(array)), array.dtype)
    grown[:used] = array[:used]
    return grown
