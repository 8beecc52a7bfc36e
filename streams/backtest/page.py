"""An impact report as one self-contained page: no script, no font, no image, no request to another host."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from streams.backtest import text
from streams.backtest.histogram import BINS, Histogram
from streams.backtest.impact import ImpactReport
from streams.backtest.shadow import FlaggedCounts, ShadowReport
from web.templates import page_templates

SHOWN_MAX = 500
WIDTH, HEIGHT = 340, 100
LABEL_WIDTH = 110
"""Space of a threshold's label, on a phone, where letters are largest."""


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """Rectangle of one bin."""

    x: float
    y: float
    width: float
    height: float
    tooltip: str


@dataclass(frozen=True, slots=True)
class ThresholdMark:
    """Line of one threshold."""

    x: float
    label: str
    policy: str
    """`live` or `new`: the policy with the threshold; `live new` if both have it."""
    row: int
    """Line of the label above the plot, from 0 at the top: two labels never share one."""
    anchor: str
    """Side of the label at which its line is: `start` or `end`."""


@dataclass(frozen=True, slots=True)
class BoundPlot:
    """Histogram of one bound, with thresholds."""

    title: str
    bars: list[HistogramBar]
    marks: list[ThresholdMark]


def plots(histogram: Histogram) -> list[BoundPlot]:
    """Plot lower bounds with `suppress_at`, and upper bounds with `clear_at`.

    Heights are square roots of the counts, so that small counts are visible.
    """
    return [
        BoundPlot(
            f"{histogram.category}: lower bound of the harmful share, and suppress_at",
            _bars(histogram.lower),
            _marks("suppress_at", histogram),
        ),
        BoundPlot(
            f"{histogram.category}: upper bound of the harmful share, and clear_at",
            _bars(histogram.upper),
            _marks("clear_at", histogram),
        ),
    ]


def _bars(counts: list[int]) -> list[HistogramBar]:
    highest, width = sqrt(max(1, *counts)), WIDTH / BINS
    edges = pairwise(at / BINS for at in range(BINS + 1))
    return [
        HistogramBar(
            round(low * WIDTH, 2),
            round(HEIGHT - (height := sqrt(count) / highest * HEIGHT), 2),
            width - 1,
            round(height, 2),
            f"{low:.3f} to {high:.3f}: {count:,} tag-panes",
        )
        for count, (low, high) in zip(counts, edges, strict=True)
        if count
    ]


def _marks(key: str, histogram: Histogram) -> list[ThresholdMark]:
    marks: dict[float, list[str]] = {}
    for policy, thresholds in (("live", histogram.live), ("new", histogram.new)):
        if thresholds is not None:
            marks.setdefault(getattr(thresholds, key), []).append(policy)
    return [
        ThresholdMark(
            x=round(at * WIDTH, 2),
            label=f"{' and '.join(policies)} {at:g}",
            policy=" ".join(policies),
            row=row,
            anchor="start" if at * WIDTH + LABEL_WIDTH <= WIDTH else "end",
        )
        for row, (at, policies) in enumerate(marks.items(), start=2 - len(marks))
    ]


@dataclass(frozen=True, slots=True)
class CountLine:
    """Number of tags over time, as the points of an SVG polyline."""

    name: str
    kind: str
    """`both`, `live` or `new`."""
    points: str
    last: int


def highest_of(points: list[FlaggedCounts]) -> int:
    """Return the greatest count, at least 1: the top of the plot."""
    return max(1, *(max(point.both, point.live, point.new) for point in points))


def lines(points: list[FlaggedCounts]) -> list[CountLine]:
    """Draw three lines on one scale, from 0 at the bottom to the greatest count at the top."""
    highest = highest_of(points)
    wide = max(1, len(points) - 1)
    names = {"both": "under both policies", "live": "under the live policy only", "new": "under the new policy only"}
    return [
        CountLine(
            name,
            kind,
            " ".join(
                f"{at * WIDTH / wide:.1f},{HEIGHT - getattr(point, kind) * HEIGHT / highest:.1f}"
                for at, point in enumerate(points)
            ),
            getattr(points[-1], kind),
        )
        for kind, name in names.items()
    ]


def render(verdict: ImpactReport, shadow: ShadowReport | None = None) -> str:
    """Render the page as HTML, with the differences of a shadow first."""
    return (
        page_templates("streams.backtest", ".")
        .get_template("page.html")
        .render(
            verdict=verdict,
            words=text,
            changes=verdict.changes[:SHOWN_MAX],
            more=max(0, len(verdict.changes) - SHOWN_MAX),
            plots=[(histogram, plots(histogram)) for histogram in verdict.histograms],
            shadow=shadow,
            lines=None if shadow is None else lines(shadow.over_time),
            highest=None if shadow is None else highest_of(shadow.over_time),
            width=WIDTH,
            height=HEIGHT,
        )
    )
