"""Picture of the sensitivity: a panel for each category, a line for each language, in the style of the line charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.chart import STYLE
from web.svg import document, label, line, polyline

TITLE = "Hashtags over the threshold, by the share of their authors who are harmful"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 760, 320, 64, 20, 66, 52, 30
_COLOURS = ("blue", "orange", "green")
_TICKS = (0, 25, 50, 75, 100)


def picture(shares: Sequence[float], curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Draw the curves as an SVG file.

    Args:
        shares: harmful shares of the authors, in [0, 1].
        curves: language -> category -> part of such hashtags over the threshold, in [0, 1], for each share.
    """
    categories = list(next(iter(curves.values())))
    bottom = _HEIGHT - _BOTTOM
    wide = (_WIDTH - _LEFT - _RIGHT - _GAP * (len(categories) - 1)) / len(categories)

    def up(part: float) -> float:
        return bottom - part * (bottom - _TOP)

    parts = [
        label(_LEFT, 16, TITLE, "title"),
        label(12, 38, "% of hashtags over the threshold"),
        label(_WIDTH - _RIGHT, _HEIGHT - 12, "% of authors harmful", anchor="end"),
    ]
    for number, category in enumerate(categories):
        left = _LEFT + number * (wide + _GAP)
        parts.append(label(left + wide / 2, _TOP - 8, category.replace("_", " "), anchor="middle"))
        for tick in _TICKS:
            y = up(tick / 100)
            parts.append(line(left, y, left + wide, y, "grid"))
            parts.append(label(left + tick / 100 * wide, bottom + 18, str(tick), anchor="middle"))
            if number == 0:
                parts.append(label(left - 8, y + 4, str(tick), anchor="end"))
        for colour, by_category in zip(_COLOURS, curves.values(), strict=True):
            points = [(left + x * wide, up(y)) for x, y in zip(shares, by_category[category], strict=True)]
            parts.append(polyline(points, colour))
    legend = float(_LEFT)
    for colour, name in zip(_COLOURS, curves, strict=True):
        parts.append(line(legend, _HEIGHT - 16, legend + 18, _HEIGHT - 16, colour))
        parts.append(label(legend + 24, _HEIGHT - 12, name))
        legend += 44 + 6.6 * len(name)
    return document(_WIDTH, _HEIGHT, TITLE, STYLE, parts)
