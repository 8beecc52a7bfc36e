"""Thresholds of a rule on the hashtags that it judged, drawn as SVG. Pure.

The bars stretch with the page, while texts keep their size, as in `crowd_chart`. Colours are classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import sqrt
from typing import TYPE_CHECKING

from moderation.console.policy_words import share_words
from moderation.wording import counted
from streams.policy import Rule
from web.svg import element, polyline

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest.shadow import FlaggedCounts
    from streams.backtest.survey import RuleSurvey

_TOP, _PLOT = 34, 60
"""Beginning and height of the bars."""
_BOTTOM = _TOP + _PLOT
HEIGHT = _BOTTOM + 20
_UNITS = 400
LEAST_HASHTAGS = 5
"""Hashtags from which they are drawn: the bars of fewer would reveal the share of one, also before a first answer."""
_RIGHT = 0.7
"""Share of the width up to which a label fits to the right of its line, also on a phone."""


def survey_words(survey: RuleSurvey) -> str:
    """Say what the picture shows.

    The numbers are those of all hashtags together.
    """
    if not survey.judged:
        return "No hashtag was large enough to be judged"
    if survey.judged < LEAST_HASHTAGS:
        return f"Fewer than {LEAST_HASHTAGS} hashtags judged: too few to draw"
    words = (
        f"{counted(survey.judged, 'hashtag')} judged, {survey.above:,} reached {share_words(survey.rule.suppress_at)}"
    )
    return words + (f", {survey.over:,} with all that is needed" if survey.above else "")


def threshold_chart(rule: Rule, survey: RuleSurvey | None) -> str:
    """Draw the hashtags of a rule by their harmful share, with both thresholds; None: not counted yet."""
    bars = _bars(survey.bins, rule) if survey is not None and survey.judged >= LEAST_HASHTAGS else ""
    parts = [bars, *_marks(rule), *_axis()]
    words = "Hashtags by the lower bound of their harmful share" + (f": {survey_words(survey)}" if survey else "")
    size = {"width": "100%", "height": HEIGHT}
    return element("svg", "".join(parts), class_="chart thresholds", role="img", aria_label=words, **size)


def _bars(bins: Sequence[int], rule: Rule) -> str:
    width, highest = _UNITS / len(bins), sqrt(max(1, *bins))
    drawn = ""
    for at, count in enumerate(bins):
        if not count:
            continue
        low, height = at / len(bins), max(2.0, sqrt(count) / highest * _PLOT)
        title = f"{share_words(low)} to {share_words(low + 1 / len(bins))}: {counted(count, 'hashtag')}"
        css = "over" if low + 1e-9 >= rule.suppress_at else "under"
        place = {"x": at * width + 0.5, "y": _PLOT - height, "width": width - 1, "height": height}
        drawn += element("rect", element("title", escape(title)), class_=css, **place)
    if not drawn:
        return ""
    size = {"y": _TOP, "width": "100%", "height": _PLOT, "viewBox": f"0 0 {_UNITS} {_PLOT}"}
    return element("svg", drawn, preserveAspectRatio="none", **size)


def _marks(rule: Rule) -> Iterator[str]:
    """Draw the thresholds so that no label is crossed by the other's line."""
    suppress, clear = rule.suppress_at, rule.clear_at
    fits = suppress <= _RIGHT
    places = ((1, "start"), (0, "start" if clear < 0.5 else "end")) if fits else ((0, "end"), (1, "end"))
    for (row, anchor), css, share, words in zip(
        places, ("suppress", "clear"), (suppress, clear), ("acts from", "ends below"), strict=True
    ):
        x, y = f"{100 * share:.4g}%", 11 + 14 * row
        yield element("line", class_=f"mark {css}", x1=x, y1=y + 4, x2=x, y2=_BOTTOM)
        yield element("text", escape(f"{words} {share_words(share)}"), class_=css, x=x, y=y, text_anchor=anchor)


def _axis() -> Iterable[str]:
    yield element("line", class_="axis", x1=0, y1=_BOTTOM, x2="100%", y2=_BOTTOM)
    for share, anchor in ((0, ""), (50, "middle"), (100, "end")):
        yield element("text", f"{share}%", x=f"{share}%", y=_BOTTOM + 15, text_anchor=anchor)


def differences_chart(points: Sequence[FlaggedCounts]) -> str:
    """Draw how many hashtags and countries both policies flag, or one of them only, over time."""
    highest = max(1, *(max(point.both, point.live, point.new) for point in points))
    wide = max(1, len(points) - 1)
    drawn = "".join(
        polyline(
            [(at * _UNITS / wide, _PLOT - getattr(point, kind) * _PLOT / highest) for at, point in enumerate(points)],
            kind,
        )
        for kind in ("both", "live", "new")
    )
    size = {"y": _TOP, "width": "100%", "height": _PLOT, "viewBox": f"0 0 {_UNITS} {_PLOT}"}
    last = points[-1]
    words = (
        f"Flagged now: {last.both:,} under both policies, {last.live:,} only under the live one,"
        f" {last.new:,} only under the new one"
    )
    parts = [
        element("line", class_="axis", x1=0, y1=_BOTTOM, x2="100%", y2=_BOTTOM),
        element("text", f"most: {highest:,}", x=0, y=_TOP - 8),
        element("svg", drawn, preserveAspectRatio="none", **size),
    ]
    return element(
        "svg", "".join(parts), class_="chart differences", role="img", aria_label=words, width="100%", height=HEIGHT
    )
