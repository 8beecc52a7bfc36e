"""Tables of the scenarios, and the picture of recall by harmful share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from rich.table import Table

from benchmarks.chart import LineChart, svg
from benchmarks.scenarios.goals import OPEN, UNREAD, ScenarioGoal
from benchmarks.scenarios.sources import KNOWN
from benchmarks.scenarios.verdicts import HashtagOutcome

_QUANTILE = 0.9


def campaigns(tags: Iterable[HashtagOutcome]) -> Table:
    """Show how many campaigns are found, by variant and share, for each source and language."""
    own = [tag for tag in tags if tag.harmful]
    columns = sorted({(tag.source, tag.language) for tag in own})
    table = _table(
        "Campaigns found", ["variant", "harmful", *(f"{source} {language}" for source, language in columns), "all"]
    )
    for variant, share in sorted({(tag.variant, tag.share) for tag in own}, key=lambda row: _order(*row)):
        row = [tag for tag in own if (tag.variant, tag.share) == (variant, share)]
        cells = [_found([tag for tag in row if (tag.source, tag.language) == column]) for column in columns]
        table.add_row(variant, f"{share:.0%}", *cells, _found(row))
    return table


def times(tags: Iterable[HashtagOutcome]) -> Table:
    """Show the event time from a campaign's start to its first suppression, early or settled."""
    table = _table("Seconds to suppression", ["variant", "harmful", "suppressed", "median", "90% within", "slowest"])
    own = [tag for tag in tags if tag.harmful]
    for variant, share in sorted({(tag.variant, tag.share) for tag in own}, key=lambda row: _order(*row)):
        seconds = [
            tag.seconds for tag in own if (tag.variant, tag.share) == (variant, share) and tag.seconds is not None
        ]
        table.add_row(variant, f"{share:.0%}", str(len(seconds)), *_times(seconds))
    return table


def innocents(tags: Iterable[HashtagOutcome]) -> Table:
    """Show what happens to harmless hashtags by kind; seconds are those hidden by settled decisions."""
    table = _table(
        "Innocent hashtags",
        ["kind", "variant", "hashtags", "suppressed", "early", "discounted", "reviewed", "seconds hidden, most"],
    )
    own = [tag for tag in tags if not tag.harmful and tag.kind != UNREAD]
    for kind, variant in sorted({(tag.kind, tag.variant) for tag in own}):
        row = [tag for tag in own if (tag.kind, tag.variant) == (kind, variant)]
        counts = (
            len(row),
            sum(tag.silenced for tag in row),
            sum(tag.early_seconds is not None for tag in row),
            sum(tag.weight is not None for tag in row),
            sum(tag.reviewed for tag in row),
        )
        table.add_row(kind, variant, *map(str, counts), f"{max(tag.hidden_seconds for tag in row):.0f}")
    return table


def unread(tags: Iterable[HashtagOutcome]) -> Table:
    """Show what happens to hashtags in languages that no model was measured on."""
    table = _table("Unread languages", ["language", "hashtags", "suppressed", "discounted", "cases"])
    own = [tag for tag in tags if tag.kind == UNREAD]
    for language in sorted({tag.language for tag in own}):
        row = [tag for tag in own if tag.language == language]
        counts = (
            len(row),
            sum(tag.seconds is not None for tag in row),
            sum(tag.weight is not None for tag in row),
            sum(tag.not_assessed for tag in row),
        )
        table.add_row(language, *map(str, counts))
    return table


def of_goals(goals: Iterable[ScenarioGoal]) -> Table:
    """Show each goal and its figure."""
    table = _table("Goals", ["goal", "", "figure"])
    for goal in goals:
        table.add_row(goal.text, "met" if goal.met else "MISSED", goal.figure)
    return table


def picture(tags: Sequence[HashtagOutcome]) -> str:
    """Draw the part of the open campaigns that is found, by harmful share, as an SVG file.

    It has a line for each number of labels, and the innocent hashtags that are suppressed at a share of 0. The texts
    that the model knows are left out: they have no labels to compare with.
    """
    left_out = [tag for tag in tags if tag.source != KNOWN]
    own = [tag for tag in left_out if tag.variant == OPEN]
    innocent = [tag for tag in left_out if not tag.harmful]
    lines: dict[str, Sequence[tuple[float, float]]] = {}
    for n_labels in sorted({tag.labels for tag in own}):
        spared = [tag for tag in innocent if tag.labels == n_labels]
        points = [(0.0, 100 * sum(tag.silenced for tag in spared) / max(1, len(spared)))]
        for share in sorted({tag.share for tag in own}):
            row = [tag for tag in own if (tag.labels, tag.share) == (n_labels, share)]
            points.append((100 * share, 100 * sum(tag.found for tag in row) / max(1, len(row))))
        lines[f"{n_labels} labels" if n_labels else "as trained"] = points
    title = "Campaigns found on sources that the model has not seen"
    return svg(LineChart(title, "% of authors who write harm", "% found", lines))


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        text = column in ("variant", "kind", "language", "goal", "")
        table.add_column(column, justify="left" if text else "right")
    return table


def _order(variant: str, share: float) -> tuple[bool, str, float]:
    return variant != OPEN, variant, share


def _found(tags: Sequence[HashtagOutcome]) -> str:
    return f"{sum(tag.found for tag in tags)} of {len(tags)}" if tags else "-"


def _times(seconds: Sequence[float]) -> tuple[str, str, str]:
    if not seconds:
        return "-", "-", "-"
    late = sorted(seconds)[math.ceil(_QUANTILE * len(seconds)) - 1]
    return f"{median(seconds):.0f}", f"{late:.0f}", f"{max(seconds):.0f}"
