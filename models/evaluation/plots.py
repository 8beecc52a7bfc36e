"""The plots of an evaluation: small SVG of our own, numbers from 0 to 1 in a square, styled by report.html."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from models.evaluation import figures as kinds
from models.evaluation.figures import Figure, Scored
from models.evaluation.tags import SHARES, Tags
from models.scorer import LANGUAGES

_SIZE, _MARGIN = 220, 34


def _axes(title: str, body: str, x: str, y: str) -> str:
    low, high = _MARGIN, _SIZE + _MARGIN
    return (
        f'<svg viewBox="0 0 {high + 10} {high + 34}" width="{high + 10}" role="img" aria-label="{title}">'
        f'<text x="{low}" y="14" class="t">{title}</text><g transform="translate(0 20)">'
        f'<rect x="{low}" y="0" width="{_SIZE}" height="{_SIZE}" class="f"/>{body}'
        f'<text x="{low}" y="{_SIZE + 12}">0</text><text x="{high}" y="{_SIZE + 12}" class="e">1</text>'
        f'<text x="{low - 4}" y="{_SIZE}" class="e">0</text><text x="{low - 4}" y="8" class="e">1</text>'
        f'<text x="{low + _SIZE / 2}" y="{_SIZE + 12}" class="m">{x}</text>'
        f'<text transform="translate({low - 12} {_SIZE / 2}) rotate(-90)" class="m">{y}</text></g></svg>'
    )


def _at(x: float, y: float) -> str:
    return f"{_MARGIN + x * _SIZE:.1f},{(1 - y) * _SIZE:.1f}"


def _line(points: Iterable[tuple[float, float]], css: str) -> str:
    return f'<polyline class="{css}" points="{" ".join(_at(x, y) for x, y in points)}"/>'


def reliability(of: Scored) -> str:
    """What was said against what was found, in tenths of the tweets of each language."""
    body = _line([(0, 0), (1, 1)], "d")
    for at, language in enumerate(LANGUAGES):
        use = np.array([e.language == language and not e.source.startswith(kinds.NOT_TWEETED) for e in of.examples])
        p, y = of.probabilities[use, 0], of.labels()[use, 0]
        if len(y) >= 100:
            parts = np.array_split(np.argsort(p, kind="stable"), 10)
            body += _line([(float(p[part].mean()), float((y[part] == 1).mean())) for part in parts], f"l{at}")
            body += f'<text x="{_MARGIN + 6}" y="{14 + 12 * at}" class="c{at}">{language}</text>'
    return _axes(f"{of.texts}, as collected", body, "probability", "harmful")


def shares(of: Tags) -> str:
    """The estimated share against the true one: mean, and the band that holds 90% of the tags."""
    body = _line([(0, 0), (1, 1)], "d")
    rows = [(share, of.estimate[np.abs(of.truth - share) < 0.01]) for share in SHARES]
    band = [(s, float(np.quantile(e, 0.05))) for s, e in rows] + [
        (s, float(np.quantile(e, 0.95))) for s, e in rows[::-1]
    ]
    body += f'<polygon class="b" points="{" ".join(_at(x, y) for x, y in band)}"/>'
    body += _line([(s, float(e.mean())) for s, e in rows], "l0")
    return _axes(f"{of.texts}, {of.subject}, {of.language}", body, "true share", "estimated")


def histogram(of: Scored) -> str:
    """How the scores of clean and of harmful tweets are spread."""
    body = ""
    labels = of.labels()[:, 0]
    tweeted = np.array([not e.source.startswith(kinds.NOT_TWEETED) for e in of.examples])
    for at, label in ((0, 0), (2, 1)):
        counts = np.histogram(of.probabilities[tweeted & (labels == label), 0], 20, (0, 1))[0]
        most = max(1, int(counts.max()))
        body += _line([((i + 0.5) / 20, float(n) / most) for i, n in enumerate(counts)], f"l{at}")
        body += f'<text x="{_SIZE}" y="{14 + 6 * at}" class="c{at} e">{("clean", "harmful")[label]}</text>'
    return _axes(of.texts, body, "probability", "texts (of the most)")


def forest(figures: Iterable[Figure], measure: str, subject: str | None = None) -> str:
    """A figure per line with its interval; all subjects, or one."""
    rows = [
        f for f in figures
        if f.measure == measure and f.column == "harmful" and subject in (None, f.subject)
    ]  # fmt: skip
    if not rows:
        return ""
    body, height = "", 16 * len(rows) + 8
    for at, f in enumerate(rows):
        y = 16 * at + 14
        name = f"{f.texts}, {f.language}" if subject else f"{f.subject}, {f.language}"
        low, value, high = (f"{150 + x * 300:.1f}" for x in (f.low, f.value, f.high))
        body += f'<text x="0" y="{y + 4}">{name}</text><line x1="{low}" x2="{high}" y1="{y}" y2="{y}" class="l0"/>'
        body += f'<circle cx="{value}" cy="{y}" r="3"/><text x="460" y="{y + 4}">{f.value:.3f}</text>'
    ticks = "".join(
        f'<line x1="{150 + t * 30}" x2="{150 + t * 30}" y1="4" y2="{height}" class="g"/>' for t in range(11)
    )
    return f'<svg viewBox="0 0 500 {height + 8}" width="500" role="img" aria-label="{measure}">{ticks}{body}</svg>'
