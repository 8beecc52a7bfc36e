"""Read mean probabilities on the scale of the scorer that estimated them: stage 2's where it corrected, else stage 1's.

A correction shifts a mean to the one that stage 2 would have had over all authors. Stage 2 has other means of clean and
of harmful texts than stage 1, so on stage 1's scale such a mean would be another share.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
        estimates = self._base.estimates(share, self._mix)
        for scale, rows in self._others:
            estimates[rows] = scale.estimates(share[rows], self._mix[rows])
        return estimates

    def bounds(self, mean: Doubles, n: Ints, column: int, confidence: float) -> tuple[Doubles, Doubles, Doubles]:
        """Compute estimate, lower and upper bound (m,) of one column from its means (m,) over n (m,) authors."""
        share, lower, upper = self._base.bounds(mean, n, self._mix, column, confidence)
        for scale, rows in self._others:
            share[rows], lower[rows], upper[rows] = scale.bounds(
                mean[rows], n[rows], self._mix[rows], column, confidence
            )
        return share, lower, upper

    def line(self, column: int) -> tuple[Doubles, Doubles]:
        """Compute (m,) a column's expected mean at a share of 0, and its rise to that at a share of 1."""
        clean, gap = self._base.line(self._mix, column)
        for scale, rows in self._others:
            clean[rows], gap[rows] = scale.line(self._mix[rows], column)
        return clean, gap

    def converted(self, share: Doubles, to: RowScales) -> Doubles:
        """Convert means (m, columns) on these scales to the means of the same shares on other scales of the rows."""
        if not self._others and not to._others:
            return share
        moved, rows = share.copy(), np.flatnonzero(self._of_rows() != to._of_rows())
        for column in range(share.shape[1]):
            (clean, gap), (other_clean, other_gap) = self.line(column), to.line(column)
            moved[rows, column] = (other_clean + (share[:, column] - clean) * (other_gap / gap))[rows]
        return moved

    def _of_rows(self) -> npt.NDArray[np.object_]:
        """Return (m,) the scale of each row."""
        scales = np.full(len(self._mix), self._base, object)
        for scale, rows in self._others:
            scales[rows] = scale
        return scales
