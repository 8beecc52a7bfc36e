"""Spellings of a pane's rows as spans of one text, so that a pane has no object per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Ints
from streams.counting.kernels.lines import LINE_BREAK
from streams.windows.kernels.spellings import Mask, UInt8s, commonest_spans, copy_spans, same_spans


@dataclass(frozen=True, slots=True, eq=False)
class Spellings:
    """Spellings (n,): spelling i is text[begins[i]:ends[i]], in UTF-8. Several may share a span.

    >>> spellings = Spellings.of(["Cat", "cat", "DOG"])
    >>> spellings[0], spellings[np.array([2, 1])].tolist()
    ('Cat', ['DOG', 'cat'])
    """

    text: bytes
    begins: Ints
    ends: Ints

    @staticmethod
    def of(names: Iterable[str]) -> Spellings:
        """Return the spellings of some names."""
        return Spellings.of_bytes([name.encode("utf-8", "surrogatepass") for name in names])

    @staticmethod
    def of_bytes(names: Sequence[bytes]) -> Spellings:
        """Return the spellings of some names in UTF-8."""
        ends = np.cumsum(np.fromiter(map(len, names), np.int64, len(names)))
        return Spellings(b"".join(names), np.append(0, ends[:-1])[: len(names)], ends)

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

    @overload
    def __getitem__(self, rows: int) -> str: ...
    @overload
    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Spellings: ...
    def __getitem__(self, rows: int | slice | npt.NDArray[Any]) -> str | Spellings:
        """Return one spelling, or those that a slice, row numbers or a mask select."""
        if isinstance(rows, slice | np.ndarray):
            return Spellings(self.text, self.begins[rows], self.ends[rows])
        return self.text[self.begins[rows] : self.ends[rows]].decode("utf-8", "surrogatepass")

    @property
    def sizes(self) -> Ints:
        """Return (n,) the length of each spelling in bytes."""
        return self.ends - self.begins

    def tolist(self) -> list[str]:
        """Return all spellings."""
        return [self[row] for row in range(len(self))]

    def lines(self) -> bytes:
        """Return the spellings as lines, each ended by a line break."""
        return self._copied(b"\n")

    def compacted(self) -> Spellings:
        """Return the same spellings with a text that has nothing else."""
        ends = np.cumsum(self.sizes)
        return Spellings(self._copied(b""), ends - self.sizes, ends)

    def _copied(self, between: bytes) -> bytes:
        copied = np.empty(int(self.sizes.sum()) + len(between) * len(self), np.uint8)
        copy_spans(_bytes(self.text), self.begins, self.ends, _bytes(between), copied)
        return copied.tobytes()

    def same_as(self, other: Spellings) -> Mask:
        """Return (n,) whether each spelling equals the one of n others at its place."""
        found: Mask = same_spans(
            _bytes(self.text), self.begins, self.ends, _bytes(other.text), other.begins, other.ends
        )
        return found

    def blanked(self, blank: Mask) -> Spellings:
        """Return the spellings with "" where a mask (n,) is set."""
        return Spellings(self.text, self.begins, np.where(blank, self.begins, self.ends))

    def commonest(self, group: Ints, groups: int) -> Spellings:
        """Return the commonest spelling of each group, of equally common ones the smallest.

        Args:
            group: (n,) group of each spelling.
            groups: number of groups; each has a spelling.
        """
        chosen: Ints = commonest_spans(_bytes(self.text), self.begins, self.ends, group, groups)
        return self[chosen]


def _bytes(text: bytes) -> UInt8s:
    """Return a text (t,) for a kernel, always read-only."""
    return np.frombuffer(text, np.uint8)


NO_SPELLINGS = Spellings(b"", np.zeros(0, np.int64), np.zeros(0, np.int64))
