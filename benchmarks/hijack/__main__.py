"""Command line: the rows in two processes, table, goals, JSON, and differences from an earlier run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import benchmarks.hijack
from benchmarks.changes import Figures, print_changes
from benchmarks.hijack import row_tables
from benchmarks.hijack.results import RowResult, measure
from benchmarks.hijack.row_goals import row_goals
from benchmarks.hijack.rows import AttackRow, rows
from benchmarks.machine import machine

SEEDS, QUICK_SEEDS = 3, 1
EXIT_MISSED = 3
_FIGURES = ("hidden_seconds", "hidden_before_seconds", "first_hidden_seconds", "case_seconds", "rank", "weight")


def run_all(cases: Sequence[AttackRow]) -> list[RowResult]:
    """Play all cases in two processes."""
    results = []
    columns = (TextColumn("attacks"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, ProcessPoolExecutor(2) as pool:
        task = progress.add_task("", total=len(cases))
        for result in pool.map(measure, cases):
            results.append(result)
            progress.advance(task)
    return results


def figures(results: Sequence[RowResult]) -> dict[str, Figures]:
    """Return the figures of each case by its key."""
    return {result.row.key: {name: getattr(result, name) for name in _FIGURES} for result in results}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the rows; print table, goals and differences; return the exit code."""
    options = _arguments(arguments)
    seeds = options.seeds or (QUICK_SEEDS if options.quick else SEEDS)
    cases = [row for row in rows(quick=options.quick, seeds=seeds) if options.only in row.key]
    base = None
    if options.base:
        earlier = msgspec.json.decode(options.base.read_bytes(), type=list[RowResult])
        base = {result.row.key: result for result in earlier}
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(machine(), highlight=False)
    results = run_all(cases)
    goals = row_goals(results, base)
    console.print(row_tables.of_rows(results), row_tables.of_goals(goals), highlight=False)
    for goal in goals:
        for missed in goal.missed:
            console.print(f"MISSED {goal.text}: {missed.row}: {missed.figure}", markup=False, highlight=False)
    if base is not None:
        print_changes(console, figures(list(base.values())), figures(results), options.base.name)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return EXIT_MISSED if any(goal.missed for goal in goals) else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hijack",
        description=benchmarks.hijack.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="ten minutes, three attackers each, who come first")
    parser.add_argument("--seeds", type=int, help=f"repetitions (default {SEEDS}; quick {QUICK_SEEDS})")
    parser.add_argument("--only", default="", help="play only cases whose name contains this")
    parser.add_argument("--json", type=Path, help="write all results there")
    parser.add_argument("--base", type=Path, help="JSON of an earlier run to compare with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
