"""Bar charts of the report: a table with a small SVG bar in each row, and one stacked bar. Pure.

Labels and numbers are text of the page and not part of the picture. They keep their size on a phone, can be copied, and
a screen reader reads them as a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from web.svg import stacked_bar

_SHORTEST = 0.5
"""Length of the shortest bar that is not 0, in hundredths of the longest."""


@dataclass(frozen=True, slots=True)
class LabeledBar:
    """One bar with its label and its printed number."""

    label: str
    length: float
    number: str
    css: str


def bar_table(bars: Sequence[LabeledBar], title: str) -> str:
    """Draw horizontal bars, a table row each; the title is a caption for screen readers."""
    longest = max((bar.length for bar in bars), default=0.0) or 1.0
    rows = (
        f'<tr><th scope="row">{escape(bar.label)}</th><td class="room">'
        + stacked_bar([(max(_SHORTEST if bar.length else 0.0, bar.length / longest * 100), bar.css)], "bar")
        + f'</td><td class="number">{escape(bar.number)}</td></tr>'
        for bar in bars
    )
    return f'<table class="bars"><caption>{escape(title)}</caption><tbody>{"".join(rows)}</tbody></table>'


def share_bar(bars: Sequence[LabeledBar]) -> str:
    """Draw all bars end to end, each as long as its share of the sum."""
    total = sum(bar.length for bar in bars) or 1.0
    return stacked_bar(((bar.length / total * 100, bar.css) for bar in bars), "stack")
