"""Columns of integers in as few bytes as their range needs: each value is an offset from the smallest one.

This is frame-of-reference coding (Goldstein, Ramakrishnan and Shaft 1998, "Compressing relations and indexes").
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Ints
from streams.log.kernels.frames import unframe

_WORD = 8


class Framed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Integers (n,): value i is `base` plus an offset of `width` bytes.

    `data` (width, n) has the lowest byte of all offsets first. Equal values take no bytes.

    >>> framed = frame(np.array([1_000_007, 1_000_000]))
    >>> framed.width, read_frame(framed, 2).tolist()
    (1, [1000007, 1000000])
    """

    base: int
    width: int
    data: bytes

    def has(self, n: int) -> bool:
        """Return whether this holds n values."""
        return 0 <= self.width <= _WORD and len(self.data) == n * self.width and -(2**63) <= self.base < 2**63

    def is_within(self, least: int, most: int) -> bool:
        """Return whether any values of this base and width are in [least, most]; if not, these values may be."""
        return least <= self.base and self.base + (1 << _WORD * self.width) - 1 <= most


def frame(column: npt.NDArray[Any]) -> Framed:
    """Frame integers (n,) of any type up to int64."""
    if not len(column):
        return Framed(0, 0, b"")
    base = int(column.min())
    width = -(-(int(column.max()) - base).bit_length() // _WORD)
    offsets = column.astype("<i8").view("<u8") - np.uint64(base % 2**64)
    return Framed(base, width, offsets.view(np.uint8).reshape(-1, _WORD).T[:width].tobytes())


def read_frame(framed: Framed, n: int) -> Ints:
    """Return the n values."""
    values: Ints = unframe(np.frombuffer(framed.data, np.uint8), framed.base, framed.width, n)
    return values
