"""Choice of a threshold from labels: precision and recall on the tags that people have labelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap
from sklearn.metrics import precision_recall_curve

from models.share import plain
from streams.signals.base import Doubles, rounded

_GAP = 0.65
"""Ratio of `clear_at` to `suppress_at` that `hushtag policy check` advises."""


METHOD = "95% percentile bootstrap over the labelled hashtags (Efron and Tibshirani 1993, chapter 13)"
"""Method of the interval of a threshold: An Introduction to the Bootstrap, Chapman and Hall."""
_RESAMPLES = 1_000
_STEP = 0.001
"""Precision of a threshold."""


class ThresholdPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Precision and recall at one threshold. Bounds are Wilson's, at confidence 0.95."""

    suppress_at: float
    """The lowest threshold that hits these tags, above the policy's `clear_at` where one does."""
    up_to: float
    """The highest threshold that hits these tags."""
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
    interval: tuple[float, float] | None = None
    """Interval of the thresholds that meet the precision, by `METHOD`; None with fewer than two labels of each kind."""
    method: str = METHOD
    not_found: tuple[str, ...] = ()
    """Labelled tags that the evidence does not have."""
    never_hit: tuple[str, ...] = ()
    """Tags labelled harmful that no threshold hits: they lacked a floor, harm or corroboration."""


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
    curve = tuple(_curve(truth, reached, clear_at)) if truth.any() else ()
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
        interval=_interval(truth, reached, min_precision, clear_at) if chosen else None,
        not_found=tuple(sorted(tag for tag in labels if tag not in peaks)),
        never_hit=tuple(tag for tag, peak in zip(tags, reached.tolist(), strict=True) if labels[tag] and peak <= 0),
    )


def _curve(truth: npt.NDArray[np.bool_], reached: Doubles, clear_at: float) -> Iterator[ThresholdPoint]:
    precision, recall, thresholds = precision_recall_curve(truth, reached)
    below = 0.0
    for at, threshold in enumerate(thresholds.tolist()):
        if threshold <= 0:
            continue
        hit = reached >= threshold
        n = np.array([hit.sum(), truth.sum()])
        _, low, high = plain(1).bounds(np.array([precision[at], recall[at]]), n, np.ones((2, 1)), 0, 0.95)
        yield ThresholdPoint(
            suppress_at=_lowest(below, threshold, clear_at),
            up_to=round(threshold, 3),
            hit=int(n[0]),
            precision=rounded(float(precision[at])),
            precision_low=rounded(float(low[0])),
            precision_high=rounded(float(high[0])),
            recall=rounded(float(recall[at])),
            recall_low=rounded(float(low[1])),
            recall_high=rounded(float(high[1])),
        )
        below = threshold


def _lowest(below: float, reached: float, clear_at: float) -> float:
    """Return the lowest threshold in (below, reached], above `clear_at` where there is one."""
    return round(max(below + _STEP, min(reached, clear_at + _STEP)), 3)


def _interval(
    truth: npt.NDArray[np.bool_], reached: Doubles, min_precision: float, clear_at: float
) -> tuple[float, float] | None:
    """Return the interval from the lowest to the highest threshold that meets the precision, over resampled labels.

    Harmful and harmless labels are resampled apart. A resample that no threshold fits counts as 1: nothing is hidden.
    """
    samples = reached[truth], reached[~truth]
    if min(map(len, samples)) < 2:
        return None

    def statistic(harmful: Doubles, harmless: Doubles) -> Doubles:
        return np.array(_meeting(harmful, harmless, min_precision, clear_at))

    drawn = bootstrap(
        samples, statistic, n_resamples=_RESAMPLES, vectorized=False, method="percentile", rng=np.random.default_rng(0)
    ).bootstrap_distribution
    return round(float(np.quantile(drawn[0], 0.025)), 3), round(float(np.quantile(drawn[1], 0.975)), 3)


def _meeting(harmful: Doubles, harmless: Doubles, min_precision: float, clear_at: float) -> tuple[float, float]:
    """Return the ends of the lowest range of thresholds that meets the precision; (1, 1) where none does."""
    below = 0.0
    for value in np.unique(np.concatenate((harmful, harmless))).tolist():
        if value <= 0:
            continue
        hit = int((harmful >= value).sum())
        if hit and hit / (hit + int((harmless >= value).sum())) >= min_precision:
            return _lowest(below, value, clear_at), value
        below = value
    return 1.0, 1.0
