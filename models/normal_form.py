"""Detect texts that are in Unicode's form NFKC already, so that Python's slow `normalize` can be left out.

The table is built from Python's own `unicodedata`, for the scripts below U+3000, variation selectors and emoji. Other
code points, and Hangul's letters, which compose by arithmetic, are `UNSURE`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

OPENS, COMBINES, MAY_COMPOSE, UNSURE, ENDS_IN_MARK = 1, 2, 4, 8, 16
"""Bits: a code point that composes with a following one; of a combining class other than 0; that composes with a
preceding one; one that may change in any text; and a composed one that ends in a mark, before which a following mark
may belong."""
TABLE_SIZE = 0x1FB00
_KNOWN = (range(0x3000), range(0xFE00, 0xFE10), range(0x1F000, TABLE_SIZE))
_HANGUL = range(0x1100, 0x1200)


@lru_cache(maxsize=1)
def table() -> npt.NDArray[np.uint8]:
    """Build the read-only table of bits (TABLE_SIZE,)."""
    bits = np.full(TABLE_SIZE, UNSURE, np.uint8)
    for points in _KNOWN:
        for point in points:
            char = chr(point)
            is_fixed = point not in _HANGUL and unicodedata.normalize("NFKC", char) == char
            bits[point] = (0 if is_fixed else UNSURE) | (COMBINES if unicodedata.combining(char) else 0)
            if unicodedata.combining(unicodedata.normalize("NFD", char)[-1]):
                bits[point] |= ENDS_IN_MARK
    for point in range(0x10000):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and parts[0][0] != "<":
            first, second = (int(part, 16) for part in parts)
            if unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(point):
                bits[first] |= OPENS
                bits[second] |= MAY_COMPOSE
    bits.setflags(write=False)
    return bits
