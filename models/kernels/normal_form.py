"""Find the texts that an HTML entity, or Unicode's normal form NFKC, may change (quick check: UAX 15, section 9)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.kernels.points import Offsets, Points
from models.normal_form import COMBINES, MAY_COMPOSE, OPENS, UNSURE

_MARKS = COMBINES | MAY_COMPOSE
_ASCII, _AMPERSAND = np.uint32(0x80), np.uint32(0x26)


@compiled
def may_change(points: Points, offsets: Offsets, bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return (n,) whether a text may change: it has an ampersand, or may differ from its normal form.

    Args:
        points: code points of all texts.
        offsets: (n + 1,) bounds of the texts.
        bits: see `models.normal_form.table`.
    """
    found = np.zeros(len(offsets) - 1, np.bool_)
    for text in range(len(found)):
        before = np.uint8(0)
        for at in range(np.uint64(offsets[text]), np.uint64(offsets[text + 1])):
            point = points[at]
            if point < _ASCII and point != _AMPERSAND:
                before = bits[point]
                continue
            now = bits[point] if point < len(bits) else np.uint8(UNSURE)
            composes = (now & MAY_COMPOSE and before & OPENS) or (now & _MARKS and before & COMBINES)
            if point == _AMPERSAND or now & UNSURE or composes:
                found[text] = True
                break
            before = now
    return found
