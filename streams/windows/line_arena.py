"""Lines of bytes by number. They stay in the texts that they came in: copying them would cost more than all reads."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from streams.counting.block_counts import Ints, Lines
from streams.counting.columns import GrowingColumns
from streams.counting.kernels.lines import Bytes, copy_spans, write_lines


class LineArena:
    """Lines of several texts, numbered in order, each with its line break."""

    __slots__ = ("_spans", "_texts")

    def __init__(self) -> None:
        self._texts: list[Bytes] = []
        self._spans = GrowingColumns(text=np.int32, begin=np.int64, end=np.int64)

    def extend(self, lines: Lines, rows: Ints | None = None) -> None:
        """Add lines, or copies of those with some numbers. Without numbers, their text must not change any more."""
        if rows is not None:
            lines = Lines(*write_lines(lines.text, lines.ends[rows], lines.ends[rows + 1] - 1))
        self._spans.extend(len(lines), text=len(self._texts), begin=lines.ends[:-1], end=lines.ends[1:])
        self._texts.append(lines.text)

    def take(self, rows: Ints) -> Lines:
        """Return copies of some lines, given by number."""
        text, begin, end = (self._spans[name][rows] for name in ("text", "begin", "end"))
        ends = np.append(0, np.cumsum(end - begin))
        copied = np.empty(int(ends[-1]), np.uint8)
        by_text = np.argsort(text, kind="stable")
        bounds = np.flatnonzero(np.diff(text[by_text], prepend=-1, append=-1)).tolist()
        for first, last in pairwise(bounds):
            copy_spans(self._texts[text[by_text[first]]], begin, end, by_text[first:last], ends, copied)
        return Lines(copied, ends)
