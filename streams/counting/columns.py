"""Columns of equal length that grow at their end, as lists do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_FIRST_SIZE = 8


class GrowingColumns:
    """Named columns of equal length.

    >>> rows = GrowingColumns(key=np.int64, count=np.int64)
    >>> rows.extend(2, key=np.array([7, 8]), count=1)
    >>> len(rows), rows["key"].tolist(), rows["count"].tolist()
    (2, [7, 8], [1, 1])
    """

    __slots__ = ("_arrays", "_length")

    def __init__(self, **kinds: npt.DTypeLike) -> None:
        self._length = 0
        self._arrays: dict[str, Array] = {name: np.empty(_FIRST_SIZE, kind) for name, kind in kinds.items()}

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> Array:
        """Return a view of a column, valid until the next `extend`."""
        return self._arrays[name][: self._length]

    def extend(self, n: int, **more: Array | float) -> None:
        """Add n rows; each column is given as an array (n,) or as one value for all rows."""
        first, end = self._length, self._length + n
        for name, values in more.items():
            self._arrays[name] = with_room(self._arrays[name], end)
            self._arrays[name][first:end] = values
        self._length = end


def with_room(array: Array, rows: int) -> Array:
    """Return an array that has room for so many rows: itself, or a copy at least twice as long."""
    if rows <= len(array):
        return array
    grown = np.empty((max(rows, 2 * len(array)), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
