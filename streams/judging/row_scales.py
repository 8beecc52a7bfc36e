"""Read mean probabilities on the scale of the scorer that estimated them: stage 2's where it corrected, else stage 1's.

A correction shifts a mean to the one that stage 2 would have had over all authors. Stage 2 has other means of clean and
of harmful texts than stage 1, so on stage 1's scale such a mean would be another share.
"""

from __future__ import annotations

import numpy as np

from models.share import Scale, from_bytes
from streams.judging.two_stage_share import ShareCorrection
from streams.signals.base import Doubles, Ints


class RowScales:
    """Scales of the means of m rows.

    Args:
        base: scale of stage 1.
        mix: (m, base.n_groups) fraction of each row's authors in each language group.
        correction: correction by stage 2; None: no row was corrected.
        columns: score columns of the model.
    """

    def __init__(self, base: Scale, mix: Doubles, correction: ShareCorrection | None, columns: int) -> None:
        self._base, self._mix = base, mix
        self._others: list[tuple[Scale, Ints]] = []
        """Each scale of stage 2, and its rows."""
        for number, packed in enumerate(() if correction is None else correction.scales):
            assert correction is not None
            rows = np.flatnonzero(correction.scale_of == number)
            scale = from_bytes(packed, columns)
            if len(rows) and scale.n_groups == base.n_groups:  # another model's groups have no meaning here
                self._others.append((scale, rows))

    def estimates(self, share: Doubles) -> Doubles:
        """Estimate the harmful shares (m, columns) from means of that shape; NaN stays NaN."""
        found = self._base.estimates(share, self._mix)
        for scale, rows in self._others:
            found[rows] = scale.estimates(share[rows], self._mix[rows])
        return found

    def bounds(self, mean: Doubles, n: Ints, column: int, confidence: float) -> tuple[Doubles, Doubles, Doubles]:
        """Compute estimate, lower and upper bound (m,) of one column from its means (m,) over n (m,) authors."""
        share, lower, upper = self._base.bounds(mean, n, self._mix, column, confidence)
        for scale, rows in self._others:
            share[rows], lower[rows], upper[rows] = scale.bounds(
                mean[rows], n[rows], self._mix[rows], column, confidence
            )
        return share, lower, upper

    def gaps(self, column: int) -> Doubles:
        """Compute (m,) the difference of a column's expected means at shares of 1 and 0."""
        found = self._base.gaps(self._mix, column)
        for scale, rows in self._others:
            found[rows] = scale.gaps(self._mix[rows], column)
        return found

    def converted(self, share: Doubles, to: RowScales) -> Doubles:
        """Convert means (m, columns) on these scales to the means of the same shares on other scales of the rows."""
        if not self._others and not to._others:
            return share
        found, mine, theirs = share.copy(), self._of_rows(), to._of_rows()
        for scale, rows in mine:
            for other, other_rows in theirs:
                both = np.intersect1d(rows, other_rows, assume_unique=True)
                if len(both) and other is not scale:
                    found[both] = _convert(share[both], self._mix[both], scale, other)
        return found

    def _of_rows(self) -> list[tuple[Scale, Ints]]:
        """Return every scale and its rows."""
        corrected = [rows for _, rows in self._others]
        rest = np.setdiff1d(np.arange(len(self._mix)), np.concatenate(corrected)) if corrected else None
        return [(self._base, np.arange(len(self._mix)) if rest is None else rest), *self._others]


def _convert(share: Doubles, mix: Doubles, scale: Scale, other: Scale) -> Doubles:
    """Convert means (n, columns): as far between the expected means of clean and of harmful texts on another scale."""
    found = np.empty_like(share)
    for column in range(share.shape[1]):
        clean, other_clean = (_clean(mix, one, column) for one in (scale, other))
        stretch = other.gaps(mix, column) / scale.gaps(mix, column)
        found[:, column] = other_clean + (share[:, column] - clean) * stretch
    return found


def _clean(mix: Doubles, scale: Scale, column: int) -> Doubles:
    """Compute (n,) the expected mean of clean texts, with a rounding of each row that depends on no other row."""
    found = np.zeros(len(mix))
    for group in range(scale.n_groups):
        found += mix[:, group] * scale.moments[group, column, 0]
    return found
