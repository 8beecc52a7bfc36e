"""SVG that the server draws: elements, stacked bars, sparklines and plots in a unit square. Pure.

Colours are classes of the page's or document's style sheet. Texts and attribute values are escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

Point = tuple[float, float]


def element(tag: str, body: str = "", **attributes: object) -> str:
    """Write one element around `body`, which is markup already.

    Attributes that are "" are left out; `_` stands for `-` in their names, and a trailing `_` is dropped.

    >>> element("rect", class_="a", x=1.0, stroke_width=0.25)
    '<rect class="a" x="1" stroke-width="0.25"/>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
        if value != ""
    )
    return f"<{tag}{written}>{body}</{tag}>" if body else f"<{tag}{written}/>"


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Draw a straight line."""
    return element("line", class_=css, x1=x1, y1=y1, x2=x2, y2=y2)


def polyline(points: Iterable[Point], css: str) -> str:
    """Draw a line through points."""
    return element("polyline", class_=css, points=coordinates(points))


def coordinates(points: Iterable[Point]) -> str:
    """Write points as the `points` attribute of a polyline or polygon.

    >>> coordinates([(0, 1.26), (2, 3)])
    '0,1.3 2,3'
    """
    return " ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in points)


def label(x: float, y: float, text: str, css: str = "", anchor: str = "") -> str:
    """Write a text; `anchor` is "" for start, or `middle` or `end`."""
    return element("text", escape(text), class_=css, x=x, y=y, text_anchor=anchor)


def document(width: int, height: int, title: str, style: str, parts: Iterable[str]) -> str:
    """Join elements into an SVG file with its own style sheet."""
    body = "\n".join([f"\n<style>{style}</style>", *parts, ""])
    size = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    return element("svg", body, xmlns="http://www.w3.org/2000/svg", **size, role="img", aria_label=title) + "\n"


def stacked_bar(parts: Iterable[tuple[float, str]], css: str) -> str:
    """Draw (length, class) parts end to end in a bar that fills its place; 100 is the whole length.

    It is hidden from screen readers: the page must give its numbers as text.
    """
    drawn, start = "", 0.0
    for length, part in parts:
        drawn += element("rect", class_=part, x=start, y=0, width=length, height=10)
        start += length
    return element(
        "svg", drawn or " ", class_=css, viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true"
    )


def sparkline(counts: Sequence[int], width: int = 120, height: int = 32) -> tuple[str, str]:
    """Compute path data of a line and of the area below it, in a box with a margin of 2 at top and bottom.

    >>> sparkline([0, 2], 10, 12)
    ('M0 10L10 2', 'M0 10L10 2L10 12L0 12Z')
    """
    top = max(max(counts, default=0), 1)
    step = width / max(len(counts) - 1, 1)
    points = [f"{i * step:.4g} {height - 2 - count / top * (height - 4):.4g}" for i, count in enumerate(counts)]
    path = "M" + "L".join(points)
    return path, f"{path}L{width} {height}L0 {height}Z"


class UnitPlot:
    """A square plot whose both axes run from 0 to 1.

    Classes of the style sheet: `t` title, `f` frame, `m` centred text, `e` text that ends at its point.
    """

    def __init__(self, side: int = 220, margin: int = 34) -> None:
        self.side, self.margin = side, margin

    def place(self, points: Iterable[Point]) -> list[Point]:
        """Convert points of the unit square to positions in the picture."""
        return [(self.margin + x * self.side, (1 - y) * self.side) for x, y in points]

    def line(self, points: Iterable[Point], css: str) -> str:
        """Draw a line through points of the unit square."""
        return polyline(self.place(points), css)

    def draw(self, body: str, *, title: str, x: str, y: str) -> str:
        """Draw the frame with the names of both axes around `body`."""
        low, side, high = self.margin, self.side, self.margin + self.side
        frame = [
            element("rect", class_="f", x=low, y=0, width=side, height=side),
            body,
            label(low, side + 12, "0"),
            label(high, side + 12, "1", "e"),
            label(low - 4, side, "0", "e"),
            label(low - 4, 8, "1", "e"),
            label(low + side / 2, side + 12, x, "m"),
            element("text", escape(y), class_="m", transform=f"translate({low - 12} {side / 2:g}) rotate(-90)"),
        ]
        plot = label(low, 14, title, "t") + element("g", "".join(frame), transform="translate(0 20)")
        return element(
            "svg", plot, viewBox=f"0 0 {high + 10} {high + 34}", width=high + 10, role="img", aria_label=title
        )


def _plain(value: object) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)
