"""A threshold from labels: of the tags that people have looked at, who would be hit at each, and how many rightly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve

from streams.judging.bounds import Doubles, share_bounds
from streams.judging.evidence import rounded

_GAP = 0.65
"""Of `suppress_at`: the `clear_at` that `hushtag policy check` would advise."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One threshold. Bounds are Wilson's, at confidence 0.95."""

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
    """What the labels say of a category."""

    category: str
    labelled: int
    """Tags with a label that the evidence has."""
    harmful: int
    curve: tuple[Point, ...]
    """Ascending by threshold."""
    chosen: Point | None
    """The lowest threshold, hence the greatest recall, whose precision meets the target; None: no threshold does."""
    best: Point | None
    """The one with the greatest precision; None: nothing that is labelled would be hit at any threshold."""
    protected: int = 0
    """Tags with a label that the evidence has and the policy protects: no threshold hits them, so they do not count."""
    clear_at: float | None = None
    """One that goes with `chosen`, where the policy's is not below it; None: the policy's does."""


def suggest(
    category: str,
    peaks: Mapping[str, float],
    labels: Mapping[str, bool],
    min_precision: float,
    *,
    protected: Set[str] = frozenset(),
    clear_at: float = 0.0,
) -> Suggestion:
    """Choose `suppress_at`.

    Args:
        peaks: by hashtag the greatest threshold that it would have passed, in [0, 1]; 0: none.
        labels: by hashtag whether people call it harmful.
        min_precision: in (0, 1].
        protected: hashtags in `never_suppress`.
        clear_at: the policy's, in [0, 1).
    """
    seen = [tag for tag in labels if tag in peaks]
    tags = sorted(tag for tag in seen if tag not in protected)
    truth = np.array([labels[tag] for tag in tags], bool)
    reached = np.floor(np.array([peaks[tag] for tag in tags], float) * 1000 + 1e-9) / 1000  # as somebody would write it
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


def _curve(truth: npt.NDArray[np.bool_], reached: Doubles) -> Iterator[Point]:
    precision, recall, thresholds = precision_recall_curve(truth, reached)
    for at, threshold in enumerate(thresholds.tolist()):
        if threshold <= 0:
            continue
        hit = reached >= threshold
        n = np.array([hit.sum(), truth.sum()])
        low, high = share_bounds(np.array([precision[at], recall[at]]), n, 0.95)
        yield Point(
            suppress_at=round(threshold, 3),
            hit=int(n[0]),
            precision=rounded(float(precision[at])),
            precision_low=rounded(float(low[0])),
            precision_high=rounded(float(high[0])),
            recall=rounded(float(recall[at])),
            recall_low=rounded(float(low[1])),
            recall_high=rounded(float(high[1])),
        )
