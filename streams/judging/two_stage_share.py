"""The harmful share by two scorers: a quick one on every sampled author, a slow one on some of them.

The difference estimator of double sampling (Cochran 1977, "Sampling Techniques", section 12.9) adds two means: that of
the quick scorer over all authors, and that of the difference of both scorers over the authors that the slow one scored.
These are the first of the sample by author hash, and so a fair sample of it. The error of the second mean is
independent: it widens each half of the interval to the root of the sum of squares (Zou and Donner 2008, "Construction
of confidence limits about effect measures").

The sum estimates the slow scorer's mean over all authors. It is therefore read on the slow scorer's own scale, which
comes with the corrections.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import NormalDist

import numpy as np

from streams.judging.side_inputs.corrections import SampleCorrections
from streams.signals.base import Bools, Doubles, Ints

SUBSAMPLE = 20
"""Upper bound on the scored authors of a sample whose texts stage 2 reads."""
LEAST = 5
"""Least number of differences that correct a share: fewer do not show how much they vary."""


@dataclass(frozen=True, slots=True, eq=False)
class ShareCorrection:
    """Correction of the shares of m keys by stage 2."""

    looked: Ints
    """(m,) authors whose texts stage 2 has read; 0: the share is stage 1's."""
    variance: Doubles
    """(m, columns) variance of the mean difference; 0 where nothing was corrected."""
    revisions: tuple[str, ...]
    """(m,) revision of stage 2; "" where nothing was corrected; two joined by + while one replaces another."""
    scale_of: Ints
    """(m,) index into `scales` of the meaning of the corrected mean; -1: that of stage 1's."""
    scales: tuple[bytes, ...]
    """Different meanings, as `models.share.Scale.to_bytes` encodes them, ascending."""

    def take(self, rows: Ints) -> ShareCorrection:
        """Select rows by number."""
        revisions = tuple(self.revisions[row] for row in rows.tolist())
        return ShareCorrection(self.looked[rows], self.variance[rows], revisions, self.scale_of[rows], self.scales)

    def widen(
        self, share: Doubles, lower: Doubles, upper: Doubles, column: int, confidence: float, gap: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Add the error of the correction to the bounds (m,) of a sampled share.

        Args:
            share: (m,) corrected harmful shares, from 0 to 1.
            lower: (m,) lower bounds of the shares.
            upper: (m,) upper bounds of the shares.
            column: score column of the category.
            confidence: confidence of the two-sided interval, between 0 and 1.
            gap: (m,) rise of the mean probability, which was corrected, from a share of 0 to one of 1.
        """
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        more = z * z * self.variance[:, column] / gap**2
        looked = self.looked > 0
        down = share - np.sqrt((share - lower) ** 2 + more)
        up = share + np.sqrt((upper - share) ** 2 + more)
        return np.where(looked, np.maximum(down, 0.0), lower), np.where(looked, np.minimum(up, 1.0), upper)


def first_scored(group: Ints, scored: Bools) -> Bools:
    """Mark (n,) the first `SUBSAMPLE` scored rows of each group; rows are sorted by (group, author)."""
    before: Ints = np.cumsum(scored) - scored
    begins = np.searchsorted(group, group)
    return scored & (before - before[begins] < SUBSAMPLE) if len(group) else scored


def correct(
    share: Doubles, group: Ints, scored: Bools, corrections: SampleCorrections | None
) -> tuple[Doubles, ShareCorrection | None]:
    """Add the mean differences of stage 2 to shares; the correction is None where no share changes.

    Args:
        share: (m, columns) means over the scored rows.
        group: (n,) group of each sampled row.
        scored: (n,)
        corrections: differences by stage 2 of the n sampled rows; None: there are none.
    """
    if corrections is None:
        return share, None
    m = len(share)
    rows = np.flatnonzero(first_scored(group, scored) & (corrections.revisions >= 0))
    of = group[rows]
    looked = np.bincount(of, minlength=m)
    enough = looked >= LEAST
    rows, of = rows[enough[of]], of[enough[of]]
    if not len(rows):
        return share, None
    looked = np.where(enough, looked, 0)
    differences = corrections.differences[rows].astype(np.float64)
    n = np.maximum(looked, 1)[:, None]
    mean = _sums(of, differences, m) / n
    spread = _sums(of, (differences - mean[of]) ** 2, m) / np.maximum(n - 1, 1)
    whole = np.maximum(np.bincount(group[scored], minlength=m), 1)[:, None]
    corrected = np.where(enough[:, None], np.clip(share + mean, 0.0, 1.0), share)
    variance = spread / n * (1 - n / whole)  # finite population: the subsample is a part of the sample
    return corrected, ShareCorrection(
        looked, np.where(enough[:, None], variance, 0.0), *_revisions(corrections, rows, of, m)
    )


def _sums(group: Ints, values: Doubles, m: int) -> Doubles:
    """Sum values (n, c) by group (n,) to (m, c); each sum is added up in the order of its rows."""
    sums = np.zeros((m, values.shape[1]))
    np.add.at(sums, group, values)
    return sums


def _revisions(
    corrections: SampleCorrections, rows: Ints, group: Ints, m: int
) -> tuple[tuple[str, ...], Ints, tuple[bytes, ...]]:
    """Return (m,) the names of the revisions that corrected each group, and the scale of the one with most rows.

    The scales are returned as (m,) indexes and the different ones.
    """
    named, chosen = [""] * m, [b""] * m
    pairs, counts = np.unique(np.stack((group, corrections.revisions[rows])), axis=1, return_counts=True)
    found = [
        (key, corrections.names[number], corrections.scales[number], count)
        for key, number, count in zip(*pairs.tolist(), counts.tolist(), strict=True)
    ]
    for key, its in groupby(sorted(found), key=itemgetter(0)):
        of_key = [*its]
        named[key] = "+".join(dict.fromkeys(name for _, name, _, _ in of_key))
        chosen[key] = max(of_key, key=itemgetter(3))[2]
    scales = tuple(sorted(set(chosen) - {b""}))
    numbers = {scale: number for number, scale in enumerate(scales)}
    return tuple(named), np.array([numbers.get(scale, -1) for scale in chosen], np.int64), scales
