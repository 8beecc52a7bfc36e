"""Report figures as Markdown tables or as one HTML page with plots, which loads nothing from the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import markupsafe

from models.evaluation import figures, plots
from models.evaluation.figures import Figure
from models.evaluation.run import Evaluation
from web.templates import page_templates


def tables(of: Evaluation) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield (title, rows); the first row has the column heads."""
    yield (
        "Ranking by the sources' labels",
        _grid(of.figures, (*figures.OF_CURVE, figures.ECE), ("texts", "subject", "language", "column")),
    )
    yield (
        "False positives at half of the hate found",
        _grid(of.figures, (figures.FLAGGED,), ("texts", "subject", "language")),
    )
    minus = tuple(measure + figures.MINUS for measure in figures.COMPARED)
    yield "Difference to the baseline", _grid(of.figures, minus, ("texts", "subject", "language"))
    groups = (figures.SUBGROUP, figures.BPSN, figures.BNSP)
    yield "Identity groups", _grid(of.figures, groups, ("texts", "subject", "language"))
    shares = ("share Spearman", "share MAE", "share coverage", "share width", "share least width")
    yield "Harmful share of hashtags", _grid(of.figures, shares, ("texts", "subject", "language"))


def _grid(figures: Iterable[Figure], measures: Sequence[str], by: Sequence[str]) -> list[list[str]]:
    rows: dict[tuple[str, ...], dict[str, Figure]] = {}
    for figure in figures:
        if figure.measure in measures:
            rows.setdefault(tuple(getattr(figure, name) for name in by), {})[figure.measure] = figure
    measured = [measure for measure in measures if any(measure in row for row in rows.values())]
    body = [
        [*key, str(max(f.n_texts for f in row.values())), *(_shown(row.get(measure)) for measure in measured)]
        for key, row in rows.items()
    ]
    return [[*by, "n", *measured], *body]


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _left_out(of: Evaluation) -> str:
    return ", ".join(f"{source} {n}" for source, n in of.left_out.items()) or "none"


def markdown(of: Evaluation) -> Iterator[str]:
    """Yield the lines of a Markdown report."""
    yield f"Model {of.revision}; 90% intervals by bootstrap; near-duplicates left out of dev: {_left_out(of)}."
    for title, rows in tables(of):
        if len(rows) > 1:
            yield from ("", f"## {title}", "", f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|")
            yield from (f"| {' | '.join(row)} |" for row in rows[1:])


def html(of: Evaluation) -> str:
    """Render the HTML page."""
    drawn = [
        (
            "Reliability: harmful share against mean probability, in tenths of the dev tweets",
            [plots.reliability(scored) for scored in of.sets if scored.texts == "dev"],
        ),
        ("AUC per language, dev and held out, with 90% intervals", [plots.forest(of.figures, "AUC", figures.POOLED)]),
        (
            "False positives at half of the hate found (probes)",
            [plots.forest([f for f in of.figures if f.texts == "probes"], figures.FLAGGED)],
        ),
        (
            "Estimated share against the true one: mean, and 5th to 95th percentile of tags",
            [plots.shares(tags) for tags in of.tags if tags.n_authors == 50],
        ),
        (
            "Distribution of scores, dev tweets",
            [plots.histogram(scored) for scored in of.sets if scored.texts == "dev"],
        ),
    ]
    return (
        page_templates("models.evaluation", ".")
        .get_template("report.html")
        .render(
            revision=of.revision,
            left_out=_left_out(of),
            plots=[(title, [markupsafe.Markup(svg) for svg in svgs if svg]) for title, svgs in drawn],
            tables=[(title, rows) for title, rows in tables(of) if len(rows) > 1],
        )
    )
