"""Choice of a threshold from labels: precision and recall on the tags that people have labelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve

from streams.judging.bounds import share_bounds
from streams.signals.base import Doubles, rounded

_GAP = 0.65
"""Ratio of `clear_at` to `suppress_at` that `hushtag policy check` advises."""


class ThresholdPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Precision and recall at one threshold. Bounds are Wilson's, at confidence 0.95."""

    suppress_at: float
    hit: int
    """Labelled tags that would be hit."""
    precision: float
    precision_low: float
    precision_high: float
    recall: float
    recall_low: float
    recall_high: float


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Suggestion for one category."""

    category: str
    labelled: int
    """Labelled tags in the evidence."""
    harmful: int
    curve: tuple[ThresholdPoint, ...]
    """Points in ascending order of the threshold."""
    chosen: ThresholdPoint | None
    """The lowest threshold, with the greatest recall, whose precision meets the target; None: no threshold does."""
    best: ThresholdPoint | None
    """The point with the greatest precision; None: no threshold would hit a labelled tag."""
    protected: int = 0
    """Labelled tags in the evidence that the policy protects: no threshold hits them, so they do not count."""
    clear_at: float | None = None
    """A `clear_at` for `chosen`, where the policy's is not below it; None: the policy's fits."""


def suggest(
    category: str,
    peaks: Mapping[str, float],
    labels: Mapping[str, bool],
    min_precision: float,
    *,
    protected: Set[str] = frozenset(),
    clear_at: float = 0.0,
) -> Suggestion:
    """Choose `suppress_at` for a category.

    Args:
        category: name of the category.
        peaks: by hashtag the greatest threshold that it would have reached, in [0, 1]; 0: none.
        labels: by hashtag whether people have labelled it harmful.
        min_precision: in (0, 1].
        protected: hashtags in `never_suppress`.
        clear_at: the policy's, in [0, 1).
    """
    seen = [tag for tag in labels if tag in peaks]
    tags = sorted(tag for tag in seen if tag not in protected)
    truth = np.array([labels[tag] for tag in tags], bool)
    reached = (
        np.floor(np.array([peaks[tag] for tag in tags], float) * 1000 + 1e-9) / 1000
    )  # three decimals, rounded down
    curve = tuple(_curve(truth, reached)) if truth.any() else ()
    met = [point for point in curve if point.precision >= min_precision]
    chosen = met[0] if met else None
    return Suggestion(
        category=category,
        labelled=len(tags),
        harmful=int(truth.sum()),
        curve=curve,
        chosen=chosen,
        best=max(curve, key=lambda point: (point.precision, point.recall), default=None),
        protected=len(seen) - len(tags),
        clear_at=float(f"{chosen.suppress_at * _GAP:.2g}") if chosen and chosen.suppress_at <= clear_at else None,
    )


def _curve(truth: npt.NDArray[np.bool_], reached: Doubles) -> Iterator[ThresholdPoint]:
    precision, recall, thresholds = precision_recall_curve(truth, reached)
    for at, threshold in enumerate(thresholds.tolist()):
        if threshold <= 0:
            continue
        hit = reached >= threshold
        n = np.array([hit.sum(), truth.sum()])
        low, high = share_bounds(np.array([precision[at], recall[at]]), n, 0.95)
        yield ThresholdPoint(
            suppress_at=round(threshold, 3),
            hit=int(n[0]),
            precision=rounded(float(precision[at])),
            precision_low=rounded(float(low[0])),
            precision_high=rounded(float(high[0])),
            recall=rounded(float(recall[at])),
            recall_low=rounded(float(low[1])),
            recall_high=rounded(float(high[1])),
        )
