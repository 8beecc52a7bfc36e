"""Tables of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from rich.table import Table

from benchmarks.hijack.results import RowResult
from benchmarks.hijack.row_goals import RowGoal


def of_rows(results: Iterable[RowResult]) -> Table:
    """Show each row over its seeds and generators: the median, and the most."""
    table = Table(
        "protest / attackers / attackers for each / when / length", "cases", "seconds hidden", "most", "before",
        "first hidden", "case after", "no case", "rank", "weight",
    )  # fmt: skip
    groups: dict[str, list[RowResult]] = {}
    for result in results:
        groups.setdefault(result.row.family, []).append(result)
    for family, own in groups.items():
        hidden = [each.hidden_seconds for each in own]
        table.add_row(
            family,
            str(len(own)),
            f"{median(hidden):g}",
            f"{max(hidden):g}",
            f"{max(each.hidden_before_seconds for each in own):g}",
            _most([each.first_hidden_seconds for each in own]),
            _most([each.case_seconds for each in own]),
            str(sum(each.case_seconds is None for each in own)),
            _most([each.rank for each in own]),
            _most([each.weight for each in own]),
        )
    return table


def of_goals(goals: Iterable[RowGoal]) -> Table:
    """Show of each goal whether it is met, and by how many rows it is missed."""
    table = Table("goal", "", "missed by")
    for goal in goals:
        table.add_row(goal.text, goal.state, f"{len(goal.missed)} of {goal.cases}")
    return table


def _most(values: Sequence[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    return f"{median(numbers):.3g}, {max(numbers):.3g}" if numbers else "-"
