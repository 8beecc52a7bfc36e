"""The figures as people read them: Markdown tables for a terminal and the card, one HTML page with plots.

The page asks for nothing from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jinja2
import markupsafe

from models.evaluation import figures as kinds
from models.evaluation import plots
from models.evaluation.figures import Figure
from models.evaluation.run import Evaluation

_PAGE = Path(__file__).with_name("report.html")


def tables(of: Evaluation) -> Iterator[tuple[str, list[list[str]]]]:
    """(title, rows), the first row being the heads."""
    yield (
        "Ranking, as the sources label",
        _grid(of.figures, (*kinds.OF_CURVE, kinds.ECE), ("texts", "subject", "language", "column")),
    )
    yield (
        "Wrongly flagged where half of the hate is found",
        _grid(of.figures, (kinds.FLAGGED,), ("texts", "subject", "language")),
    )
    minus = tuple(measure + kinds.MINUS for measure in kinds.COMPARED)
    yield "Beside the baseline (difference)", _grid(of.figures, minus, ("texts", "subject", "language"))
    groups = (kinds.SUBGROUP, kinds.BPSN, kinds.BNSP)
    yield "By identity group", _grid(of.figures, groups, ("texts", "subject", "language"))
    shares = ("share Spearman", "share MAE", "share coverage", "share width", "share least width")
    yield "Harmful share of hashtags", _grid(of.figures, shares, ("texts", "subject", "language"))


def _grid(figures: Iterable[Figure], measures: Sequence[str], by: Sequence[str]) -> list[list[str]]:
    rows: dict[tuple[str, ...], dict[str, Figure]] = {}
    for figure in figures:
        if figure.measure in measures:
            rows.setdefault(tuple(getattr(figure, name) for name in by), {})[figure.measure] = figure
    found = [measure for measure in measures if any(measure in row for row in rows.values())]
    body = [
        [*key, str(max(f.n_texts for f in row.values())), *(_shown(row.get(measure)) for measure in found)]
        for key, row in rows.items()
    ]
    return [[*by, "n", *found], *body]


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _left_out(of: Evaluation) -> str:
    return ", ".join(f"{source} {n}" for source, n in of.left_out.items()) or "none"


def markdown(of: Evaluation) -> Iterator[str]:
    """Lines."""
    yield f"Model {of.revision}; 90% intervals by bootstrap; left out of dev as near-copies: {_left_out(of)}."
    for title, rows in tables(of):
        if len(rows) > 1:
            yield from ("", f"## {title}", "", f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|")
            yield from (f"| {' | '.join(row)} |" for row in rows[1:])


def html(of: Evaluation) -> str:
    """One page."""
    drawn = [
        (
            "Reliability: said against found, tenths of the dev tweets",
            [plots.reliability(one) for one in of.sets if one.texts == "dev"],
        ),
        ("AUC per language, dev and held out, with 90% intervals", [plots.forest(of.figures, "AUC", kinds.POOLED)]),
        (
            "Wrongly flagged where half of the hate is found (probes)",
            [plots.forest([f for f in of.figures if f.texts == "probes"], kinds.FLAGGED)],
        ),
        (
            "Estimated share against the true one: mean, and 5th to 95th percentile of tags",
            [plots.shares(one) for one in of.tags if one.n_authors == 50],
        ),
        ("Distribution of scores, dev tweets", [plots.histogram(one) for one in of.sets if one.texts == "dev"]),
    ]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_PAGE.read_text("utf-8")).render(
        revision=of.revision,
        left_out=_left_out(of),
        plots=[(title, [markupsafe.Markup(svg) for svg in svgs if svg]) for title, svgs in drawn],
        tables=[(title, rows) for title, rows in tables(of) if len(rows) > 1],
    )
