"""Decode lines of UTF-8 to code points, and find the texts that normalisation may change.

These have an HTML entity, or may differ from Unicode's form NFKC (its quick check: UAX 15, section 9).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.points import Offsets, Points
from models.normal_form import COMBINES, ENDS_IN_MARK, MAY_COMPOSE, OPENS, UNSURE

_MARKS = COMBINES | MAY_COMPOSE
_ASCII, _AMPERSAND, _END = np.uint32(0x80), np.uint32(0x26), np.uint32(0x0A)
_SMALLEST = np.array([0, 0x80, 0x800, 0x10000], np.uint32)  # code points by the number of bytes after the first
_LAST = np.uint32(0x10FFFF)


@compiled
def read_lines(
    lines: npt.NDArray[np.uint8],
    bits: npt.NDArray[np.uint8],
    points: Points,
    offsets: Offsets,
    may_change: npt.NDArray[np.bool_],
) -> bool:
    """Decode n lines, each with its line break; return whether all bytes are UTF-8, where lone surrogates pass.

    Args:
        lines: bytes; the last one is a line break.
        bits: see `models.normal_form.table`.
        points: receives the code points, at most one per byte.
        offsets: (n + 1,) receives the bounds of the lines among them.
        may_change: (n,) receives whether a text has an ampersand, or may differ from its normal form.
    """
    at, used, line, suspect, one = np.uint64(0), np.uint64(0), 0, False, np.uint64(1)
    offsets[0] = 0
    while at < np.uint64(len(lines)):
        point = np.uint32(lines[at])
        at += one
        if point >= _ASCII:
            n_more = np.uint64(1 + (point >= 0xE0) + (point >= 0xF0))
            if point < 0xC0 or point >= 0xF8 or at + n_more > np.uint64(len(lines)):
                return False
            point &= np.uint32(0x3F) >> np.uint32(n_more)
            for i in range(at, at + n_more):
                if lines[i] & 0xC0 != 0x80:
                    return False
                point = point << np.uint32(6) | np.uint32(lines[i] & 0x3F)
            if point < _SMALLEST[n_more] or point > _LAST:
                return False
            at += n_more
            now = bits[point] if point < len(bits) else np.uint8(UNSURE)
            before = bits[points[used - one]] if used > 0 and points[used - one] < len(bits) else np.uint8(0)
            composes = (now & MAY_COMPOSE and before & OPENS) or (now & _MARKS and before & ENDS_IN_MARK)
            suspect = suspect or bool(now & UNSURE) or bool(composes)
        points[used] = point
        used += one
        if point == _AMPERSAND:
            suspect = True
        elif point == _END:
            may_change[line] = suspect
            line, suspect = line + 1, False
            offsets[line] = used
    return True
