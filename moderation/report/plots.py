"""Bars as inline SVG: no script, no font, no file of its own; the numbers stand beside them as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABEL, _VALUE, _ROW = 720, 250, 90, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its length, and what stands at its end."""

    label: str
    length: float
    told: str
    tone: str = "plain"
    """A class of the page's style sheet."""


def bars(bars: Sequence[Bar], title: str) -> str:
    """A horizontal bar chart. Its title is read aloud in its place."""
    longest = max((bar.length for bar in bars), default=0.0) or 1.0
    room = _WIDTH - _LABEL - _VALUE
    height = _ROW * len(bars) + 8
    rows = []
    for at, bar in enumerate(bars):
        y = at * _ROW + 4
        long = max(2.0 if bar.length else 0.0, bar.length / longest * room)
        rows.append(
            f'<text class="label" x="{_LABEL - 10}" y="{y + 18}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="bar {escape(bar.tone)}" x="{_LABEL}" y="{y + 4}" width="{long:.1f}" height="20" rx="3"/>'
            f'<text class="value" x="{_LABEL + long + 8:.1f}" y="{y + 18}">{escape(bar.told)}</text>'
        )
    said = "; ".join(f"{bar.label}: {bar.told}" for bar in bars)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title + ". " + said)}">'
        + "".join(rows)
        + "</svg>"
    )
