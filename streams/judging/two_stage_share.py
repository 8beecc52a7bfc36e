"""The harmful share by two scorers: a quick one on every sampled author, a slow one on some of them.

The difference estimator of double sampling (Cochran 1977, "Sampling Techniques", section 12.9): the quick scorer's mean
over all, plus the mean difference over those of whom the slow one has been asked. They are the first of the sample
by author hash, and so a fair sample of it. Its error is added to the bounds as a second, independent one: each
half of the interval grows as the root of the sum of squares (Zou and Donner 2008, "Construction of confidence limits").
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.judging.bounds import Doubles
from streams.judging.side_inputs.corrections import Seen
from streams.windows.corrections import Ints

SUBSAMPLE = 20
"""So many scored authors of a sample are looked at, at most."""
LEAST = 5
"""Fewer correct nothing: their differences do not tell how much they vary."""


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What stage 2 has added to the shares of m keys."""

    looked: Ints
    """(m,) authors whose texts it has read; 0: the share is stage 1's."""
    variance: Doubles
    """(m, columns) of the mean difference; 0 where nothing was corrected."""
    revisions: tuple[str, ...]
    """(m,) of stage 2; "" where nothing was corrected; two with a + between them while one follows another."""

    def take(self, rows: Ints) -> Correction:
        """Some of the keys."""
        return Correction(self.looked[rows], self.variance[rows], tuple(self.revisions[row] for row in rows.tolist()))


def first_scored(group: Ints, scored: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(n,) whether a row is one of the first `SUBSAMPLE` scored ones of its group; rows are sorted by group, author."""
    before: Ints = np.cumsum(scored) - scored
    begins = np.searchsorted(group, group)
    return scored & (before - before[begins] < SUBSAMPLE) if len(group) else scored


def correct(
    share: Doubles, group: Ints, scored: npt.NDArray[np.bool_], seen: Seen | None
) -> tuple[Doubles, Correction | None]:
    """The shares with what stage 2 has found added, and what that was; None where it was nothing.

    Args:
        share: (m, columns) means over the scored rows.
        group: (n,) of each sampled row; scored: (n,).
    """
    if seen is None:
        return share, None
    m = len(share)
    rows = np.flatnonzero(first_scored(group, scored) & (seen.revisions >= 0))
    of = group[rows]
    looked = np.bincount(of, minlength=m)
    enough = looked >= LEAST
    rows, of = rows[enough[of]], of[enough[of]]
    if not len(rows):
        return share, None
    looked = np.where(enough, looked, 0)
    differences = seen.differences[rows].astype(np.float64)
    n = np.maximum(looked, 1)[:, None]
    mean = sums(of, differences, m) / n
    spread = sums(of, (differences - mean[of]) ** 2, m) / np.maximum(n - 1, 1)
    whole = np.maximum(np.bincount(group[scored], minlength=m), 1)[:, None]
    corrected = np.where(enough[:, None], np.clip(share + mean, 0.0, 1.0), share)
    variance = spread / n * (1 - n / whole)  # those who were asked are a part of those sampled
    return corrected, Correction(looked, np.where(enough[:, None], variance, 0.0), _revisions(seen, rows, of, m))


def widen(
    share: Doubles, lower: Doubles, upper: Doubles, corrected: Correction, column: int, confidence: float, gap: Doubles
) -> tuple[Doubles, Doubles]:
    """Bounds (m,) of a share that was sampled, with the error of its correction added.

    Args:
        gap: (m,) by how much a mean, which is what was corrected, rises from a share of 0 to one of 1.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    more = z * z * corrected.variance[:, column] / gap**2
    found = corrected.looked > 0
    down = share - np.sqrt((share - lower) ** 2 + more)
    up = share + np.sqrt((upper - share) ** 2 + more)
    return np.where(found, np.maximum(down, 0.0), lower), np.where(found, np.minimum(up, 1.0), upper)


@compiled
def sums(group: Ints, values: npt.NDArray[np.floating[Any]], m: int) -> Doubles:
    """(m, c) sums of values (n, c) by group (n,), each added up in the order of its rows, as float64."""
    found = np.zeros((m, values.shape[1]))
    for row in range(len(group)):
        for column in range(values.shape[1]):
            found[group[row], column] += values[row, column]
    return found


def _revisions(seen: Seen, rows: Ints, group: Ints, m: int) -> tuple[str, ...]:
    named = [""] * m
    pairs = np.unique(np.stack((group, seen.revisions[rows])), axis=1).T.tolist()
    for key, name in sorted((key, seen.names[number]) for key, number in pairs):
        named[key] = f"{named[key]}+{name}" if named[key] else name
    return tuple(named)
