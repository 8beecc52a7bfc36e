"""A verdict as one self-contained page: no script, no font, no image, nothing that is fetched from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from jinja2 import Environment, PackageLoader, StrictUndefined

from streams.backtest import text
from streams.backtest.histogram import BINS, Histogram
from streams.backtest.impact import Verdict
from streams.backtest.shadow import Point, Report

SHOWN_MAX = 500
WIDTH, HEIGHT = 640, 120


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin as a rectangle."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold as a line."""

    x: float
    label: str
    policy: str
    """`live` or `new`."""


@dataclass(frozen=True, slots=True)
class Plot:
    """The histogram of one bound."""

    title: str
    bars: list[Bar]
    marks: list[Mark]


def plots(histogram: Histogram) -> list[Plot]:
    """Lower bounds with `suppress_at`, upper bounds with `clear_at`. Heights grow with the root, so that few show."""
    return [
        Plot(
            f"{histogram.category}: lower bound of the harmful share, and suppress_at",
            _bars(histogram.lower),
            _marks("suppress_at", histogram),
        ),
        Plot(
            f"{histogram.category}: upper bound of the harmful share, and clear_at",
            _bars(histogram.upper),
            _marks("clear_at", histogram),
        ),
    ]


def _bars(counts: list[int]) -> list[Bar]:
    highest, width = sqrt(max(1, *counts)), WIDTH / BINS
    edges = pairwise(at / BINS for at in range(BINS + 1))
    return [
        Bar(
            round(low * WIDTH, 2),
            round(HEIGHT - (height := sqrt(count) / highest * HEIGHT), 2),
            width - 1,
            round(height, 2),
            f"{low:.3f} to {high:.3f}: {count:,} tag-panes",
        )
        for count, (low, high) in zip(counts, edges, strict=True)
        if count
    ]


def _marks(key: str, histogram: Histogram) -> list[Mark]:
    found = [("live", histogram.live), ("new", histogram.new)]
    return [
        Mark(round(getattr(thresholds, key) * WIDTH, 2), f"{policy} {getattr(thresholds, key):g}", policy)
        for policy, thresholds in found
        if thresholds is not None
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """How many tags over time, as the points of an SVG polyline."""

    name: str
    kind: str
    """`both`, `live` or `new`."""
    points: str
    last: int


def highest_of(points: list[Point]) -> int:
    """The greatest count of all, at least 1: the top of the plot."""
    return max(1, *(max(one.both, one.live, one.new) for one in points))


def lines(points: list[Point]) -> list[Line]:
    """Three lines of one scale, from 0 at the bottom to the greatest count at the top."""
    highest = highest_of(points)
    wide = max(1, len(points) - 1)
    names = {"both": "under both policies", "live": "under the live policy only", "new": "under the new policy only"}
    return [
        Line(
            name,
            kind,
            " ".join(
                f"{at * WIDTH / wide:.1f},{HEIGHT - getattr(one, kind) * HEIGHT / highest:.1f}"
                for at, one in enumerate(points)
            ),
            getattr(points[-1], kind),
        )
        for kind, name in names.items()
    ]


def render(verdict: Verdict, shadow: Report | None = None) -> str:
    """The page, as HTML; with what a shadow shows before it."""
    environment = Environment(
        loader=PackageLoader("streams.backtest", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html").render(
        verdict=verdict,
        words=text,
        changes=verdict.changes[:SHOWN_MAX],
        more=max(0, len(verdict.changes) - SHOWN_MAX),
        plots=[(one, plots(one)) for one in verdict.histograms],
        shadow=shadow,
        lines=None if shadow is None else lines(shadow.over_time),
        highest=None if shadow is None else highest_of(shadow.over_time),
        width=WIDTH,
        height=HEIGHT,
    )
