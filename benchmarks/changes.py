"""Differences between the figures of two runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich.console import Console

Figures = Mapping[str, float | None]
"""Figures of one row by name; None: never."""


class FigureChange(NamedTuple):
    """One figure of one row that differs."""

    row: str
    figure: str
    before: float | None
    after: float | None

    def __str__(self) -> str:
        return f"{self.row}: {self.figure} {_shown(self.before)} → {_shown(self.after)}"


def changes(before: Mapping[str, Figures], after: Mapping[str, Figures]) -> list[FigureChange]:
    """List the figures that differ, of the rows that both runs have."""
    return [
        FigureChange(row, name, before[row].get(name), value)
        for row, figures in after.items()
        if row in before
        for name, value in figures.items()
        if before[row].get(name) != value
    ]


def print_changes(console: Console, before: Mapping[str, Figures], after: Mapping[str, Figures], earlier: str) -> None:
    """Print how many figures differ from those of an earlier run, by its name, and each of them."""
    differences = changes(before, after)
    console.print(f"{len(differences)} figures differ from {earlier}", highlight=False)
    for difference in differences:
        console.print(f"  {difference}", markup=False, highlight=False)


def _shown(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"
