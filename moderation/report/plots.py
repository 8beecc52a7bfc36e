"""Bars as inline SVG in a table: no script, no font, no file of its own; the numbers are text beside them. Pure.

Words and numbers are the page's own text and not the picture's, so that they keep their size on a telephone, are read
aloud as a table, and can be copied; the bars are ornament.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its length, and what stands at its end."""

    label: str
    length: float
    told: str
    tone: str = "plain"
    """A class of the page's style sheet."""


def bars(bars: Sequence[Bar], title: str) -> str:
    """A horizontal bar chart, a row for each; the title is read aloud before it."""
    longest = max((bar.length for bar in bars), default=0.0) or 1.0
    rows = (
        f'<tr><th scope="row">{escape(bar.label)}</th><td class="room">'
        + _picture([(0.0, max(0.5 if bar.length else 0.0, bar.length / longest * 100), bar.tone)], "bar")
        + f'</td><td class="number">{escape(bar.told)}</td></tr>'
        for bar in bars
    )
    return f'<table class="bars"><caption>{escape(title)}</caption><tbody>{"".join(rows)}</tbody></table>'


def stack(bars: Sequence[Bar]) -> str:
    """All in one bar, side by side, each as long as its share; beside a table that says the same."""
    whole = sum(bar.length for bar in bars) or 1.0
    parts, at = [], 0.0
    for bar in bars:
        parts.append((at, bar.length / whole * 100, bar.tone))
        at += bar.length / whole * 100
    return _picture(parts, "stack")


def _picture(parts: Sequence[tuple[float, float, str]], kind: str) -> str:
    """Rectangles of (start, length, tone), in hundredths of the room there is."""
    drawn = "".join(
        f'<rect class="{escape(tone)}" x="{start:.2f}" width="{length:.2f}" height="10"/>'
        for start, length, tone in parts
    )
    return f'<svg class="{kind}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
