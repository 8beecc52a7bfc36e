"""Find the end of a URL, whose words are not features."""

from __future__ import annotations

from models.compiled import inlined
from models.kernels.points import BLANK, Points


@inlined
def url_end(points: Points, at: int, end: int) -> int:
    """Return the end of the URL that begins at `at`, or `at` if none begins there."""
    first = points[at] | 0x20
    if first == 0x68 and at + 7 < end:  # h: http:// or https://
        if (points[at + 1] | 0x20) != 0x74 or (points[at + 2] | 0x20) != 0x74 or (points[at + 3] | 0x20) != 0x70:
            return at
        colon = at + 5 if (points[at + 4] | 0x20) == 0x73 else at + 4
        if points[colon] != 0x3A or points[colon + 1] != 0x2F or points[colon + 2] != 0x2F:
            return at
    elif first == 0x77 and at + 4 < end:  # www.
        if (points[at + 1] | 0x20) != 0x77 or (points[at + 2] | 0x20) != 0x77 or points[at + 3] != 0x2E:
            return at
    elif first == 0x74 and at + 5 < end:  # t.co/
        if points[at + 1] != 0x2E or (points[at + 2] | 0x20) != 0x63 or (points[at + 3] | 0x20) != 0x6F:
            return at
        if points[at + 4] != 0x2F:
            return at
    else:
        return at
    while at < end and points[at] > BLANK and points[at] < 0x2000:
        at += 1
    return at
