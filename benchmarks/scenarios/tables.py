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
    own = [one for one in tags if one.harmful]
    columns = sorted({(one.source, one.language) for one in own})
    table = _table(
        "Campaigns found", ["variant", "harmful", *(f"{source} {language}" for source, language in columns), "all"]
    )
    for variant, share in sorted({(one.variant, one.share) for one in own}, key=lambda row: _order(*row)):
        row = [one for one in own if (one.variant, one.share) == (variant, share)]
        cells = [_found([one for one in row if (one.source, one.language) == column]) for column in columns]
        table.add_row(variant, f"{share:.0%}", *cells, _found(row))
    return table


def times(tags: Iterable[HashtagOutcome]) -> Table:
    """Show the event time from a campaign's start to its first suppression, early or settled."""
    table = _table("Seconds to suppression", ["variant", "harmful", "suppressed", "median", "90% within", "slowest"])
    own = [one for one in tags if one.harmful]
    for variant, share in sorted({(one.variant, one.share) for one in own}, key=lambda row: _order(*row)):
        seconds = [
            one.seconds for one in own if (one.variant, one.share) == (variant, share) and one.seconds is not None
        ]
        table.add_row(variant, f"{share:.0%}", str(len(seconds)), *_times(seconds))
    return table


def innocents(tags: Iterable[HashtagOutcome]) -> Table:
    """Show what happens to harmless hashtags by kind; seconds are those hidden by settled decisions."""
    table = _table(
        "Innocent hashtags",
        ["kind", "variant", "hashtags", "suppressed", "early", "discounted", "reviewed", "seconds hidden, most"],
    )
    own = [one for one in tags if not one.harmful and one.kind != UNREAD]
    for kind, variant in sorted({(one.kind, one.variant) for one in own}):
        row = [one for one in own if (one.kind, one.variant) == (kind, variant)]
        counts = (
            len(row),
            sum(one.silenced for one in row),
            sum(one.early_seconds is not None for one in row),
            sum(one.weight is not None for one in row),
            sum(one.reviewed for one in row),
        )
        table.add_row(kind, variant, *map(str, counts), f"{max(one.hidden_seconds for one in row):.0f}")
    return table


def unread(tags: Iterable[HashtagOutcome]) -> Table:
    """Show what happens to hashtags in languages that no model was measured on."""
    table = _table("Unread languages", ["language", "hashtags", "suppressed", "discounted", "cases"])
    own = [one for one in tags if one.kind == UNREAD]
    for language in sorted({one.language for one in own}):
        row = [one for one in own if one.language == language]
        counts = (
            len(row),
            sum(one.seconds is not None for one in row),
            sum(one.weight is not None for one in row),
            sum(one.not_assessed for one in row),
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
    left_out = [one for one in tags if one.source != KNOWN]
    own = [one for one in left_out if one.variant == OPEN]
    innocent = [one for one in left_out if not one.harmful]
    lines: dict[str, Sequence[tuple[float, float]]] = {}
    for n_labels in sorted({one.labels for one in own}):
        spared = [one for one in innocent if one.labels == n_labels]
        points = [(0.0, 100 * sum(one.silenced for one in spared) / max(1, len(spared)))]
        for share in sorted({one.share for one in own}):
            row = [one for one in own if (one.labels, one.share) == (n_labels, share)]
            points.append((100 * share, 100 * sum(one.found for one in row) / max(1, len(row))))
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
    return f"{sum(one.found for one in tags)} of {len(tags)}" if tags else "-"


def _times(seconds: Sequence[float]) -> tuple[str, str, str]:
    if not seconds:
        return "-", "-", "-"
    late = sorted(seconds)[math.ceil(_QUANTILE * len(seconds)) - 1]
    return f"{median(seconds):.0f}", f"{late:.0f}", f"{max(seconds):.0f}"
