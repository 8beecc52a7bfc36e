"""Intervals as an SVG file: a row each, with a line for the interval and a dot for each value in its mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.chart import STYLE
from web.svg import document, element, label, line

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 760, 190, 24, 58, 26, 40
_COLOURS = ("blue", "orange")
_STYLE = """
.wide { stroke-width: 3; stroke-linecap: round } circle { fill: none; stroke-width: 1; opacity: .55 }
circle.mean { opacity: 1; stroke-width: 3 } .zero { stroke: #59636e; stroke-width: 1.5 }
"""


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One interval of the chart."""

    name: str
    series: int
    """Index into the names of the chart's series."""
    value: float
    low: float
    high: float
    parts: Sequence[float]
    """Values that `value` is the mean of."""


def svg(title: str, series: Sequence[str], rows: Sequence[IntervalRow], step: float) -> str:
    """Draw the chart as an SVG file.

    Args:
        title: line above the chart.
        series: names for the legend, at most one for each colour.
        rows: intervals from top to bottom.
        step: distance between two ticks of the axis, which includes 0.
    """
    ends = [x for row in rows for x in (row.low, row.high, *row.parts)]
    least, most = (math.floor(min(0.0, *ends) / step) * step, math.ceil(max(0.0, *ends) / step) * step)
    bottom = _TOP + _ROW * len(rows)

    def across(x: float) -> float:
        return _LEFT + (x - least) / (most - least) * (_WIDTH - _LEFT - _RIGHT)

    def dot(x: float, y: float, css: str) -> str:
        return element("circle", class_=css, cx=across(x), cy=y, r=4)

    parts = [label(12, 18, title, "title")]
    begin = 12.0
    for colour, name in zip(_COLOURS, series, strict=True):
        parts += [line(begin, 36, begin + 18, 36, f"{colour} wide"), label(begin + 26, 40, name)]
        begin += 56 + 6.6 * len(name)
    for tick in range(round(least / step), round(most / step) + 1):
        x = across(tick * step)
        parts.append(line(x, _TOP - 6, x, bottom, "grid" if tick else "zero"))
        parts.append(label(x, bottom + 18, f"{tick * step:.2f}", anchor="middle"))
    for number, row in enumerate(rows):
        y, colour = _TOP + _ROW * (number + 0.5), _COLOURS[row.series]
        parts.append(label(12, y + 4, row.name))
        parts += [dot(x, y, colour) for x in row.parts]
        parts.append(line(across(row.low), y, across(row.high), y, f"{colour} wide"))
        parts.append(dot(row.value, y, f"{colour} mean"))
    return document(_WIDTH, bottom + _BOTTOM, title, STYLE + _STYLE, parts)
