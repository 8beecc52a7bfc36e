"""The crowd of a case as a picture: established and coordinated authors over time, with the moments of decisions. Pure.

The areas stretch with the page, while texts keep their size: the outer picture has no `viewBox`, and its texts are
placed by percent. Colours and strokes are classes of `console.css`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from moderation.domain.crowd.answers import CrowdAnswer, CrowdMomentAnswer, CrowdPointAnswer
from streams.countries import in_country
from streams.naming import format_duration
from web.svg import coordinates, element, label

WIDTH, HEIGHT = 640, 200
_TOP, _PLOT = 30, 124
"""Beginning and height of the areas."""
_BOTTOM = _TOP + _PLOT
_NEAR = 0.06
"""Share of the width below which the numbers of two decisions are written as one."""
_WORDS = {"held": "held for review", "undone": "decision undone"}
"""Words of decisions whose names do not say it."""


@dataclass(frozen=True, slots=True)
class NumberedMoment:
    """Decision in the list below the picture."""

    number: int
    at_ms: int
    words: str
    """Event and its place, without the actor."""
    actor: str
    """Person who decided; "" for the pipeline. A page isolates it with `<bdi>`."""


def crowd_chart(crowd: CrowdAnswer) -> str:
    """Draw a crowd as SVG; `crowd` is the answer of `GET /v1/cases/{case}/crowd`."""
    points, scale = crowd.points, _Scale(crowd.since_ms, crowd.until_ms)
    peak = max((point.authors for point in points), default=0)
    parts = [
        element("title", "Authors over time", id="crowd-title"),
        element("desc", escape(crowd_words(crowd)), id="crowd-words"),
        _frame(scale, peak) if points else _empty_frame(crowd, scale),
        _areas(crowd, scale, peak),
        *_marks(crowd, scale),
    ]
    size = {"width": "100%", "height": HEIGHT}
    labels = {"role": "img", "aria_labelledby": "crowd-title crowd-words"}
    return element("svg", "".join(parts), class_="chart crowd", **labels, **size)


def crowd_words(crowd: CrowdAnswer) -> str:
    """Say what the picture shows, for people who do not see it."""
    points = crowd.points
    if not points:
        words = empty_words(crowd)
    else:
        first, last = points[0], points[-1]
        peak = max(points, key=lambda point: point.authors)
        window = format_duration(crowd.window_ms)
        words = (
            f"Authors {in_country(crowd.country)}, counted over {window} at a time: {first.authors:,} at"
            f" {_clock(first.at_ms)} UTC, most at {_clock(peak.at_ms)} with {peak.authors:,}, of whom"
            f" {peak.established:,} established and {peak.coordinated:,} coordinated; {last.authors:,} at"
            f" {_clock(last.at_ms)}."
        )
    moments = [
        f"{moment.number}: {moment.words}{f' by {moment.actor}' if moment.actor else ''} at {_clock(moment.at_ms)}"
        for moment in numbered_moments(crowd)
    ]
    return words + (f" Decisions: {'; '.join(moments)}." if moments else "")


def empty_words(crowd: CrowdAnswer) -> str:
    """Say why a crowd has no points."""
    if not crowd.complete:
        return "The evidence is still being read"
    if not crowd.window_ms:
        return "There is no evidence of this time"
    return f"Fewer than {crowd.floor} tweets in any {format_duration(crowd.window_ms)}"


def numbered_moments(crowd: CrowdAnswer) -> list[NumberedMoment]:
    """Number the decisions of a crowd as the picture does, oldest first."""
    return [
        NumberedMoment(number, moment.at_ms, _moment_words(moment), moment.actor)
        for number, moment in enumerate(crowd.moments, 1)
    ]


def label_at(percent: float, y: float, text: str, anchor: str = "") -> str:
    """Write a text at a share of the width."""
    return element("text", escape(text), x=f"{percent:.4g}%", y=y, text_anchor=anchor)


@dataclass(frozen=True, slots=True)
class _Scale:
    since_ms: int
    until_ms: int

    def share(self, at_ms: int) -> float:
        """Return the place of a moment, from 0 to 1."""
        return min(max((at_ms - self.since_ms) / max(self.until_ms - self.since_ms, 1), 0.0), 1.0)


def _moment_words(moment: CrowdMomentAnswer) -> str:
    automatically = " automatically" if moment.source == "automated" else ""
    words = _WORDS.get(moment.what, moment.what.replace("_", " "))
    return f"{words}{automatically} {in_country(moment.country)}"


def _frame(scale: _Scale, peak: int) -> str:
    """Draw the axis with times, the legend, and the height of the peak."""
    parts = [_axis(scale), element("line", class_="axis", x1=0, y1=_TOP, x2="100%", y2=_TOP)]
    parts.append(label_at(100, _TOP - 6, f"most: {peak:,} author{'' if peak == 1 else 's'}", "end"))
    for x, css, name in ((0, "area-1", "established"), (98, "area-2", "coordinated")):
        parts.append(element("rect", class_=css, x=x, y=_TOP - 15, width=10, height=10, rx=2))
        parts.append(label(x + 15, _TOP - 6, name))
    return "".join(parts)


def _empty_frame(crowd: CrowdAnswer, scale: _Scale) -> str:
    return _axis(scale) + label_at(0, _TOP - 6, empty_words(crowd))


def _axis(scale: _Scale) -> str:
    parts = [element("line", class_="axis", x1=0, y1=_BOTTOM, x2="100%", y2=_BOTTOM)]
    for share, anchor in ((0.0, ""), (0.5, "middle"), (1.0, "end")):
        at_ms = round(scale.since_ms + share * (scale.until_ms - scale.since_ms))
        parts.append(label_at(100 * share, _BOTTOM + 17, _clock(at_ms) + (" UTC" if share == 1.0 else ""), anchor))
    return "".join(parts)


def _areas(crowd: CrowdAnswer, scale: _Scale, peak: int) -> str:
    if not peak:
        return ""
    drawn = ""
    for run in _runs(crowd.points, crowd.step_ms):
        first = run[0].model_copy(update={"at_ms": run[0].at_ms - crowd.step_ms})  # a point counts what came before it
        xs = [scale.share(point.at_ms) * WIDTH for point in (first, *run)]
        established = [point.established / peak * _PLOT for point in (first, *run)]
        authors = [point.authors / peak * _PLOT for point in (first, *run)]
        drawn += _area(xs, [0.0] * len(xs), established, "area-1") + _area(xs, established, authors, "area-2")
    size = {"y": _TOP, "width": "100%", "height": _PLOT, "viewBox": f"0 0 {WIDTH} {_PLOT}"}
    return element("svg", drawn, preserveAspectRatio="none", **size)


def _area(xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], css: str) -> str:
    above = [(x, _PLOT - high) for x, high in zip(xs, highs, strict=True)]
    below = [(x, _PLOT - low) for x, low in zip(xs, lows, strict=True)]
    return element("polygon", class_=css, points=coordinates([*above, *below[::-1]]))


def _runs(points: Sequence[CrowdPointAnswer], step_ms: int) -> Iterator[list[CrowdPointAnswer]]:
    """Split points where minutes are missing: the hashtag had fewer tweets than the floor."""
    run: list[CrowdPointAnswer] = []
    for point in points:
        if run and point.at_ms - run[-1].at_ms > 2 * step_ms:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _marks(crowd: CrowdAnswer, scale: _Scale) -> Iterator[str]:
    """Draw a line for each decision, and its number below the axis; numbers of near ones are written as one."""
    moments = numbered_moments(crowd)
    for moment, decision in zip(moments, crowd.moments, strict=True):
        by = f" by {moment.actor}" if moment.actor else ""
        x = f"{100 * scale.share(moment.at_ms):.4g}%"
        dashes = "4 3" if decision.source == "automated" else ""
        title = element("title", escape(f"{moment.number}: {moment.words}{by}, {_clock(moment.at_ms)} UTC"))
        yield element("line", title, class_="mark", x1=x, y1=_TOP, x2=x, y2=_BOTTOM + 4, stroke_dasharray=dashes)
    groups: list[list[NumberedMoment]] = []
    for moment in moments:
        if groups and scale.share(moment.at_ms) - scale.share(groups[-1][0].at_ms) < _NEAR:
            groups[-1].append(moment)
        else:
            groups.append([moment])
    for group in groups:
        share = sum(scale.share(near.at_ms) for near in group) / len(group)
        numbers = f"{group[0].number}" if len(group) == 1 else f"{group[0].number}–{group[-1].number}"
        anchor = "" if share < 0.02 else "end" if share > 0.98 else "middle"
        yield label_at(100 * share, HEIGHT - 10, numbers, anchor)


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M")
