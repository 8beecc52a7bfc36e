"""Spellings of a pane's rows as spans of one text, so that a pane has no object per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.counting.block_counts import Ints, to_lines
from streams.counting.kernels.lines import LINE_BREAK, Bytes, write_lines

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Spellings:
    """Spellings (n,): spelling i is text[begins[i]:ends[i]], in UTF-8. Several may share a span.

    >>> spellings = Spellings.of(["Cat", "cat", "DOG"])
    >>> spellings[np.array([2, 1])].tolist()
    ['DOG', 'cat']
    """

    text: bytes
    begins: Ints
    ends: Ints

    @staticmethod
    def of(names: Iterable[str]) -> Spellings:
        """Return the spellings of some names, which have no line breaks."""
        return Spellings.of_lines(to_lines([*names]))

    @staticmethod
    def of_lines(lines: bytes) -> Spellings:
        """Return the spellings of lines, each ended by a line break."""
        ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == LINE_BREAK)
        return Spellings(lines, np.append(0, ends[:-1] + 1)[: len(ends)], ends)

    @staticmethod
    def joined(parts: Sequence[Spellings]) -> Spellings:
        """Return the spellings of several parts, one after the other."""
        shifts = np.cumsum([0, *(len(part.text) for part in parts)]).tolist()
        shifted = [(part.begins + shift, part.ends + shift) for part, shift in zip(parts, shifts, strict=False)]
        begins, ends = (np.concatenate(columns) for columns in zip(*shifted, strict=True))
        return Spellings(b"".join([part.text for part in parts]), begins, ends)

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Spellings:
        """Return the spellings that a slice, row numbers or a mask select."""
        return Spellings(self.text, self.begins[rows], self.ends[rows])

    @property
    def sizes(self) -> Ints:
        """Return (n,) the length of each spelling in bytes."""
        return self.ends - self.begins

    def tolist(self) -> list[str]:
        """Return the spellings as strings."""
        return self.lines().decode("utf-8", "surrogatepass").split("\n")[:-1]

    def lines(self) -> bytes:
        """Return the spellings as lines, each ended by a line break."""
        lines: Bytes = write_lines(*self._spans)[0]
        return lines.tobytes()

    def compacted(self) -> Spellings:
        """Return the same spellings with a text that has no others."""
        return Spellings.of_lines(self.lines())

    def same_as(self, other: Spellings) -> Mask:
        """Return (n,) whether each spelling equals the one of n others at its place."""
        same: Mask = _same_spans(*self._spans, *other._spans)
        return same

    def blanked(self, blank: Mask) -> Spellings:
        """Return the spellings with "" where a mask (n,) is set."""
        return Spellings(self.text, self.begins, np.where(blank, self.begins, self.ends))

    def commonest(self, group: Ints, groups: int) -> Spellings:
        """Return the commonest spelling of each group, of equally common ones the smallest.

        Args:
            group: (n,) group of each spelling.
            groups: number of groups; each has a spelling.
        """
        members = np.argsort(group, kind="stable")
        bounds = np.searchsorted(group[members], np.arange(groups + 1))
        chosen: Ints = _commonest_spans(*self._spans, members, bounds)
        return self[chosen]

    @property
    def _spans(self) -> tuple[Bytes, Ints, Ints]:
        """The text (t,) for a kernel, always read-only, and the spans."""
        return np.frombuffer(self.text, np.uint8), self.begins, self.ends


NO_SPELLINGS = Spellings.of([])


@compiled
def _compare(text: Bytes, begin: int, end: int, other: Bytes, other_begin: int, other_end: int) -> np.int64:
    """Compare two spans byte by byte, the order of their code points: below 0, 0 or above 0."""
    for at in range(min(end - begin, other_end - other_begin)):
        if text[begin + at] != other[other_begin + at]:
            return np.int64(text[begin + at]) - np.int64(other[other_begin + at])
    return np.int64((end - begin) - (other_end - other_begin))


@compiled
def _same_spans(text: Bytes, begins: Ints, ends: Ints, other: Bytes, other_begins: Ints, other_ends: Ints) -> Mask:
    same = np.empty(len(begins), np.bool_)
    for i in range(len(begins)):
        same[i] = _compare(text, begins[i], ends[i], other, other_begins[i], other_ends[i]) == 0
    return same


@compiled
def _commonest_spans(text: Bytes, begins: Ints, ends: Ints, members: Ints, bounds: Ints) -> Ints:
    """Return (r,) the number of each group's commonest spelling; group i has members[bounds[i]:bounds[i + 1]]."""
    chosen = np.empty(len(bounds) - 1, np.int64)
    for of in range(len(chosen)):
        best, most = members[bounds[of]], 0
        for at in range(bounds[of], bounds[of + 1]):
            member = members[at]
            against_best = _compare(text, begins[member], ends[member], text, begins[best], ends[best])
            if most and against_best == 0:
                continue
            count = 0
            for later in range(at, bounds[of + 1]):
                other = members[later]
                count += _compare(text, begins[member], ends[member], text, begins[other], ends[other]) == 0
            if count > most or (count == most and against_best < 0):
                best, most = member, count
            if 2 * count > bounds[of + 1] - bounds[of]:  # nearly always
                break
        chosen[of] = best
    return chosen
