"""Sparklines: how finely to cut the last minutes, and the two SVG paths that draw them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

POINTS = 40
LONGEST_STEP_SECONDS = 8


def step_seconds(observed_seconds: int, points: int = POINTS, longest: int = LONGEST_STEP_SECONDS) -> int:
    """Seconds a point: the time watched so far fills the line, until it shows `points * longest` seconds.

    >>> step_seconds(30), step_seconds(90), step_seconds(600)
    (1, 3, 8)
    """
    return min(max(ceil(observed_seconds / points), 1), longest)


def paths(counts: Sequence[int], width: int = 120, height: int = 32) -> tuple[str, str]:
    """SVG path data of the line and of the area below it, in a `width` by `height` box, 2 units from its edges.

    >>> paths([0, 2], 10, 12)
    ('M0 10L10 2', 'M0 10L10 2L10 12L0 12Z')
    """
    top = max(max(counts, default=0), 1)
    across = width / max(len(counts) - 1, 1)
    points = [f"{i * across:.4g} {height - 2 - count / top * (height - 4):.4g}" for i, count in enumerate(counts)]
    line = "M" + "L".join(points)
    return line, f"{line}L{width} {height}L0 {height}Z"
