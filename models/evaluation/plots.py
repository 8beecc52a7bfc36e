"""Draw the SVG plots of an evaluation; report.html has their styles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from models.evaluation import figures
from models.evaluation.figures import Figure, ScoredTexts
from models.evaluation.synthetic_tags import SHARES, SyntheticTags
from models.scorer import LANGUAGES
from web.svg import UnitPlot, coordinates, element, label, line

_PLOT = UnitPlot()


def reliability(of: ScoredTexts) -> str:
    """Plot the share of harmful tweets against the mean probability, in tenths of each language's tweets."""
    body = _PLOT.line([(0, 0), (1, 1)], "d")
    for at, language in enumerate(LANGUAGES):
        use = np.array([e.language == language and not e.source.startswith(figures.NOT_TWEETED) for e in of.examples])
        p, y = of.probabilities[use, 0], of.labels()[use, 0]
        if len(y) >= 100:
            parts = np.array_split(np.argsort(p, kind="stable"), 10)
            body += _PLOT.line([(float(p[part].mean()), float((y[part] == 1).mean())) for part in parts], f"l{at}")
            body += label(_PLOT.margin + 6, 14 + 12 * at, language, f"c{at}")
    return _PLOT.draw(body, title=f"{of.texts}, as collected", x="probability", y="harmful")


def shares(of: SyntheticTags) -> str:
    """Plot the estimated share against the true one: mean, and the band of 90% of the tags."""
    body = _PLOT.line([(0, 0), (1, 1)], "d")
    rows = [(share, of.estimate[np.abs(of.truth - share) < 0.01]) for share in SHARES]
    band = [(s, float(np.quantile(e, 0.05))) for s, e in rows] + [
        (s, float(np.quantile(e, 0.95))) for s, e in rows[::-1]
    ]
    body += element("polygon", class_="b", points=coordinates(_PLOT.place(band)))
    body += _PLOT.line([(s, float(e.mean())) for s, e in rows], "l0")
    return _PLOT.draw(body, title=f"{of.texts}, {of.subject}, {of.language}", x="true share", y="estimated")


def histogram(of: ScoredTexts) -> str:
    """Plot the distributions of the scores of clean and of harmful tweets."""
    body = ""
    labels = of.labels()[:, 0]
    tweeted = np.array([not e.source.startswith(figures.NOT_TWEETED) for e in of.examples])
    for at, truth in ((0, 0), (2, 1)):
        counts = np.histogram(of.probabilities[tweeted & (labels == truth), 0], 20, (0, 1))[0]
        most = max(1, int(counts.max()))
        body += _PLOT.line([((i + 0.5) / 20, float(n) / most) for i, n in enumerate(counts)], f"l{at}")
        body += label(_PLOT.side, 14 + 6 * at, ("clean", "harmful")[truth], f"c{at} e")
    return _PLOT.draw(body, title=of.texts, x="probability", y="texts (relative to the maximum)")


def forest(figures: Iterable[Figure], measure: str, subject: str | None = None) -> str:
    """Plot one figure per line with its interval, for all subjects or one."""
    rows = [
        f for f in figures
        if f.measure == measure and f.column == "harmful" and subject in (None, f.subject)
    ]  # fmt: skip
    if not rows:
        return ""
    body, height = "", 16 * len(rows) + 8
    for at, f in enumerate(rows):
        y = 16 * at + 14
        low, value, high = (150 + x * 300 for x in (f.low, f.value, f.high))
        body += label(0, y + 4, f"{f.texts}, {f.language}" if subject else f"{f.subject}, {f.language}")
        body += line(low, y, high, y, "l0") + element("circle", cx=value, cy=y, r=3)
        body += label(460, y + 4, f"{f.value:.3f}")
    ticks = "".join(line(150 + t * 30, 4, 150 + t * 30, height, "g") for t in range(11))
    return element("svg", ticks + body, viewBox=f"0 0 500 {height + 8}", width=500, role="img", aria_label=measure)
