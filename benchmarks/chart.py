"""Line charts as SVG, readable on a light and on a dark page, and what other charts are drawn with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

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

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """One chart; x and y begin at 0."""

    title: str
    x_label: str
    y_label: str
    lines: dict[str, Points]
    """By name."""
    limits: dict[str, float] = field(default_factory=dict)
    """Dashed lines across, at a height."""
    moments: dict[str, float] = field(default_factory=dict)
    """Dashed lines upwards, at an x."""
    x_names: dict[float, str] = field(default_factory=dict)
    """Marks on the x axis instead of round numbers."""


def svg(chart: Chart) -> str:
    """The chart as a document."""
    points = [point for line in chart.lines.values() for point in line]
    widest = max(x for x, _ in points) or 1.0
    highest = max([*(y for _, y in points), *chart.limits.values()]) * 1.1 or 1.0

    def across(x: float) -> float:
        return _LEFT + x / widest * (_WIDTH - _LEFT - _RIGHT)

    def up(y: float) -> float:
        return _HEIGHT - _BOTTOM - y / highest * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">',
        f"<style>{STYLE}</style>",
        label(_LEFT, 16, chart.title, kind="title"),
        label(_WIDTH - _RIGHT, _HEIGHT - 12, chart.x_label, anchor="end"),
        label(12, _TOP - 8, chart.y_label),
    ]
    for y in _round_numbers(highest):
        parts.append(stroke(_LEFT, up(y), _WIDTH - _RIGHT, up(y), "grid"))
        parts.append(label(_LEFT - 8, up(y) + 4, f"{y:,g}", anchor="end"))
    for x, name in (chart.x_names or {x: f"{x:,g}" for x in _round_numbers(widest)}).items():
        parts.append(label(across(x), _HEIGHT - _BOTTOM + 18, name, anchor="middle"))
    for name, y in chart.limits.items():
        parts.append(stroke(_LEFT, up(y), _WIDTH - _RIGHT, up(y), "mark"))
        parts.append(label(_LEFT + 4, up(y) - 6, name))
    for number, (name, x) in enumerate(chart.moments.items()):
        parts.append(stroke(across(x), _TOP, across(x), _HEIGHT - _BOTTOM, "mark"))
        left = x > 0.6 * widest
        place = across(x) + (-5 if left else 5)
        parts.append(label(place, _HEIGHT - _BOTTOM - 8 - 14 * number, name, anchor="end" if left else "start"))
    legend = float(_LEFT)
    for colour, (name, line) in zip(_COLOURS, chart.lines.items(), strict=False):
        placed = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        parts.append(f'<polyline class="{colour}" points="{placed}"/>')
        parts.append(stroke(legend, _HEIGHT - 16, legend + 18, _HEIGHT - 16, colour))
        parts.append(label(legend + 24, _HEIGHT - 12, name))
        legend += 44 + 6.6 * len(name)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _round_numbers(most: float) -> list[float]:
    rough = most / 6
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [number * step for number in range(int(most / step) + 1)]


def label(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    """An element of SVG, as the next one is; `kind`: a class of STYLE."""
    which = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{which}>{escape(text)}</text>'


def stroke(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """See `label`."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'
