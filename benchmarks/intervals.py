"""Intervals with what they are the mean of, as SVG: a row each, a line for the interval, a dot for each part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.chart import STYLE, label, stroke

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 760, 190, 24, 58, 26, 40
_COLOURS = ("blue", "orange")
_STYLE = """
.wide { stroke-width: 3; stroke-linecap: round } circle { fill: none; stroke-width: 1; opacity: .55 }
circle.mean { opacity: 1; stroke-width: 3 } .zero { stroke: #59636e; stroke-width: 1.5 }
"""


@dataclass(frozen=True, slots=True)
class Row:
    """`series`: which of the chart's it belongs to; `parts`: what `value` is the mean of."""

    name: str
    series: int
    value: float
    low: float
    high: float
    parts: Sequence[float]


def svg(title: str, series: Sequence[str], rows: Sequence[Row], step: float) -> str:
    """The chart as a document; `step`: between two marks on the axis, which has 0 on it."""
    ends = [x for row in rows for x in (row.low, row.high, *row.parts)]
    least, most = (math.floor(min(0.0, *ends) / step) * step, math.ceil(max(0.0, *ends) / step) * step)
    bottom = _TOP + _ROW * len(rows)

    def across(x: float) -> float:
        return _LEFT + (x - least) / (most - least) * (_WIDTH - _LEFT - _RIGHT)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{bottom + _BOTTOM}" '
        f'viewBox="0 0 {_WIDTH} {bottom + _BOTTOM}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}{_STYLE}</style>",
        label(12, 18, title, kind="title"),
    ]
    begin = 12.0
    for colour, name in zip(_COLOURS, series, strict=True):
        parts += [stroke(begin, 36, begin + 18, 36, f"{colour} wide"), label(begin + 26, 40, name)]
        begin += 56 + 6.6 * len(name)
    for mark in range(round(least / step), round(most / step) + 1):
        parts.append(stroke(across(mark * step), _TOP - 6, across(mark * step), bottom, "grid" if mark else "zero"))
        parts.append(label(across(mark * step), bottom + 18, f"{mark * step:.2f}", anchor="middle"))
    for number, row in enumerate(rows):
        y, colour = _TOP + _ROW * (number + 0.5), _COLOURS[row.series]
        parts.append(label(12, y + 4, row.name))
        parts += [f'<circle class="{colour}" cx="{across(x):.1f}" cy="{y:.1f}" r="4"/>' for x in row.parts]
        parts.append(stroke(across(row.low), y, across(row.high), y, f"{colour} wide"))
        parts.append(f'<circle class="{colour} mean" cx="{across(row.value):.1f}" cy="{y:.1f}" r="4"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"
