"""The README's picture: two sets of bars as SVG, readable on a light and on a dark page.

The scale is logarithmic, since the slowest and the fastest are three powers of ten apart; each bar shows its figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from benchmarks.side_by_side import Result
from web.svg import document, element, label, line

_WIDTH, _NAMES, _GAP = 1000, 270, 30
_ROW, _BAR, _HEAD, _FOOT = 34, 18, 66, 40
_SHORTEST = 0.15
"""Shortest bar, in powers of ten."""
_FIGURE = 64
"""Room right of the longest bar for its figure."""

_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .small { font-size: 12px; fill: #59636e }
.bar { fill: #9aa4af } .base { fill: #1f6feb } .ours { fill: #1a7f37 } .line { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .bar { fill: #656c76 } .base { fill: #4493f8 } .ours { fill: #3fb950 } .line { stroke: #3d444d }
}
"""


def picture(results: list[Result], kinds: Mapping[str, str], advance_seconds: int, measured_on: str) -> str:
    """Bars of tweets a second and of processor seconds.

    Args:
        results: results from top to bottom.
        kinds: name of a result to the colour of its bars: `base`, `ours`; the others are grey.
        advance_seconds: seconds from a window to the next.
        measured_on: machine and date, for the line below the chart.
    """
    column = (_WIDTH - _NAMES - _GAP) // 2
    height = _HEAD + _ROW * len(results) + _FOOT
    title = "The same window job in several frameworks: tweets a second and processor seconds"
    parts = [
        *_panel(results, "tweets a second: longer is faster", kinds, _NAMES, column, lambda result: result.per_second),
        *_panel(
            results,
            "CPU s per million: shorter is cheaper",
            kinds,
            _NAMES + column + _GAP,
            column,
            lambda result: result.cpu_per_million,
        ),
    ]
    for number, result in enumerate(results):
        parts.append(label(_NAMES - 12, _middle(number), result.name, anchor="end"))
    parts.append(
        label(
            12,
            height - 12,
            f"10 minute windows every {advance_seconds} seconds; logarithmic scales; {measured_on}",
            "small",
        )
    )
    return document(_WIDTH, height, title, _STYLE, parts)


def _panel(
    results: list[Result],
    title: str,
    kinds: Mapping[str, str],
    left: int,
    width: int,
    value: Callable[[Result], float],
) -> list[str]:
    values = [value(result) for result in results]
    low, high = math.floor(math.log10(min(values)) - _SHORTEST), math.ceil(math.log10(max(values)))
    per_power = (width - _FIGURE) / max(high - low, 1)
    bottom = _HEAD + _ROW * len(results)
    parts = [label(left, 22, title, "title")]
    for power in range(low, high + 1):
        x = left + per_power * (power - low)
        parts.append(line(x, _HEAD - 8, x, bottom, "line"))
        parts.append(label(x, _HEAD - 16, _power_of_ten(power), "small", "middle" if power > low else ""))
    for number, (result, figure) in enumerate(zip(results, values, strict=True)):
        length = per_power * (math.log10(figure) - low)
        top = _HEAD + _ROW * number + (_ROW - _BAR) / 2
        kind = kinds.get(result.name, "bar")
        parts.append(element("rect", class_=kind, x=left, y=top, width=length, height=_BAR, rx=2))
        parts.append(label(left + length + 6, _middle(number), f"{figure:,.0f}" if figure >= 10 else f"{figure:.1f}"))
    return parts


def _power_of_ten(power: int) -> str:
    for least, letter in ((6, "M"), (3, "k")):
        if power >= least:
            return f"{10 ** (power - least):,}{letter}"
    return f"{10.0**power:g}"


def _middle(number: int) -> float:
    return _HEAD + _ROW * number + _ROW / 2 + 5
