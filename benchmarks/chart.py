"""Line charts as SVG files, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from web.svg import Point, document, label, line, polyline

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 320, 64, 20, 46, 52
_COLOURS = ("blue", "orange", "green", "purple")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #59636e } .title { font-size: 14px; font-weight: 600; fill: #1f2328 }
.grid { stroke: #d1d9e0 } .mark { stroke: #59636e; stroke-dasharray: 4 3 } polyline { fill: none; stroke-width: 2 }
.blue { stroke: #1f6feb } .orange { stroke: #bc4c00 } .green { stroke: #1a7f37 } .purple { stroke: #8250df }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 } .title { fill: #e6edf3 } .grid { stroke: #3d444d } .mark { stroke: #9198a1 }
  .blue { stroke: #4493f8 } .orange { stroke: #db6d28 } .green { stroke: #3fb950 } .purple { stroke: #ab7df8 }
}
"""


@dataclass(frozen=True)
class LineChart:
    """One chart; both axes begin at 0."""

    title: str
    x_label: str
    y_label: str
    lines: dict[str, Sequence[Point]]
    """Points of each line, by its name."""
    limits: dict[str, float] = field(default_factory=dict)
    """Height of each dashed horizontal line, by its name."""
    moments: dict[str, float] = field(default_factory=dict)
    """Position of each dashed vertical line, by its name."""
    x_names: dict[float, str] = field(default_factory=dict)
    """Ticks of the x axis; empty: round numbers."""


def svg(chart: LineChart) -> str:
    """Draw the chart as an SVG file."""
    points = [point for line in chart.lines.values() for point in line]
    widest = max(x for x, _ in points) or 1.0
    highest = max([*(y for _, y in points), *chart.limits.values()]) * 1.1 or 1.0
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def across(x: float) -> float:
        return _LEFT + x / widest * (right - _LEFT)

    def up(y: float) -> float:
        return bottom - y / highest * (bottom - _TOP)

    parts = [
        label(_LEFT, 16, chart.title, "title"),
        label(right, _HEIGHT - 12, chart.x_label, anchor="end"),
        label(12, _TOP - 8, chart.y_label),
    ]
    for y in _round_numbers(highest):
        parts.append(line(_LEFT, up(y), right, up(y), "grid"))
        parts.append(label(_LEFT - 8, up(y) + 4, f"{y:,g}", anchor="end"))
    for x, name in (chart.x_names or {x: f"{x:,g}" for x in _round_numbers(widest)}).items():
        parts.append(label(across(x), bottom + 18, name, anchor="middle"))
    for name, y in chart.limits.items():
        parts.append(line(_LEFT, up(y), right, up(y), "mark"))
        parts.append(label(_LEFT + 4, up(y) - 6, name))
    for number, (name, x) in enumerate(chart.moments.items()):
        parts.append(line(across(x), _TOP, across(x), bottom, "mark"))
        left = x > 0.6 * widest
        place = across(x) + (-5 if left else 5)
        parts.append(label(place, bottom - 8 - 14 * number, name, anchor="end" if left else ""))
    legend = float(_LEFT)
    for colour, (name, drawn) in zip(_COLOURS, chart.lines.items(), strict=False):
        parts.append(polyline(((across(x), up(y)) for x, y in drawn), colour))
        parts.append(line(legend, _HEIGHT - 16, legend + 18, _HEIGHT - 16, colour))
        parts.append(label(legend + 24, _HEIGHT - 12, name))
        legend += 44 + 6.6 * len(name)
    return document(_WIDTH, _HEIGHT, chart.title, STYLE, parts)


def _round_numbers(most: float) -> list[float]:
    rough = most / 6
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [number * step for number in range(int(most / step) + 1)]
