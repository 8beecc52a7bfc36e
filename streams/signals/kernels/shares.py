"""Shares of the sampled authors of each tag."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.compiled import compiled


@compiled
def part_by_tag(
    tag: npt.NDArray[np.int64], of: npt.NDArray[np.bool_], hit: npt.NDArray[np.bool_], m: int
) -> npt.NDArray[np.float64]:
    """Return (m,) the part of the rows (n,) of each tag that are `hit`, among those that are `of`; 0 of none."""
    whole, part, shares = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m)
    row = 0
    while row < len(tag):
        number, n_of, n_hit = tag[row], 0, 0
        while row < len(tag) and tag[row] == number:
            n_of += of[row]
            n_hit += of[row] & hit[row]
            row += 1
        whole[number] += n_of
        part[number] += n_hit
    for number in range(m):
        if whole[number]:
            shares[number] = part[number] / whole[number]
    return shares
