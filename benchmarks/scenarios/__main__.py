"""Command line of the scenarios: runs in two processes, tables, goals, JSON and the picture."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import benchmarks.scenarios
from benchmarks.machine import machine
from benchmarks.scenarios import tables
from benchmarks.scenarios.goals import ScenarioGoal, goals, outcomes, precision
from benchmarks.scenarios.runs import ScenarioRun, observe, runs
from benchmarks.scenarios.sources import SIMULATOR, material, names
from benchmarks.scenarios.verdicts import Verdict

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_SEEDS = "0-2"
DEFAULT_LABELS = (0, 300)
EXIT_MISSED = 3


def seeds_of(text: str) -> list[int]:
    """Parse a list of seeds and ranges.

    >>> seeds_of("3,7,20-22")
    [3, 7, 20, 21, 22]
    """
    seeds: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        seeds += range(int(low), int(high) + 1) if dash else [int(low)]
    return seeds


def run_all(cases: Sequence[ScenarioRun]) -> list[Verdict]:
    """Run all cases in two processes, which share the models that this process has loaded."""
    columns = (TextColumn("scenarios"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    verdicts = []
    with Progress(*columns, console=Console(stderr=True)) as progress, ProcessPoolExecutor(2) as pool:
        task = progress.add_task("", total=len(cases))
        for verdict in pool.map(observe, cases):
            verdicts.append(verdict)
            progress.advance(task)
    return verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios, print tables and goals; return the exit code."""
    options = _arguments(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    sources = options.source or list(names())
    console.print(machine(), highlight=False)
    if sources == [SIMULATOR]:
        console.print("texts: the simulator's own, since ../shared/data/harm is absent; model: the committed one")
    cases = runs(sources, seeds_of(options.seeds), options.policy, options.labels)
    for source, n_labels in dict.fromkeys((run.source, run.labels) for run in cases):
        trained = material(source, n_labels)  # trains a model that the cache lacks; the processes share it
        about = f"scale fitted to {n_labels} labels" if n_labels else "as trained"
        console.print(
            f"{source}: {', '.join(trained.languages)}; model {trained.scorer.revision}, {about}", highlight=False
        )
    verdicts = run_all(cases)
    all_goals: dict[int, list[ScenarioGoal]] = {}
    for n_labels in options.labels:
        own = [verdict for run, verdict in zip(cases, verdicts, strict=True) if run.labels == n_labels]
        if own:
            all_goals[n_labels] = goals(own)
            _report(console, n_labels, own, all_goals[n_labels])
    if options.json:
        rows = {
            "machine": machine(),
            "seeds": options.seeds,
            "policy": options.policy.name,
            "goals": {n_labels: [goal._asdict() for goal in checked] for n_labels, checked in all_goals.items()},
            "tags": [asdict(tag) for tag in outcomes(verdicts)],
        }
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if options.picture:
        options.picture.write_text(tables.picture(outcomes(verdicts)), "utf-8")
    return 0 if all(goal.met for checked in all_goals.values() for goal in checked) else EXIT_MISSED


def _report(console: Console, n_labels: int, verdicts: Sequence[Verdict], checked: Sequence[ScenarioGoal]) -> None:
    """Print the tables and goals of one number of labels."""
    tags = outcomes(verdicts)
    console.rule(f"scale fitted to {n_labels} labels of each source" if n_labels else "scale as trained")
    for table in (tables.campaigns(tags), tables.times(tags), tables.innocents(tags), tables.unread(tags)):
        console.print(table, highlight=False)
    part = precision(tags)
    console.print(f"precision over all hashtags: {'-' if part is None else f'{part:.3f}'}", highlight=False)
    console.print(tables.of_goals(checked), highlight=False)
    for goal in checked:
        for reason in goal.reasons:
            console.print(f"MISSED {goal.text}: {reason}", markup=False, highlight=False)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scenarios",
        description=benchmarks.scenarios.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", default=os.environ.get("SEEDS", DEFAULT_SEEDS), help="such as 0-2 or 3,7,20-29")
    parser.add_argument("--labels", type=int, nargs="+", default=DEFAULT_LABELS, help="numbers of labels; 0: none")
    parser.add_argument("--source", action="append", choices=names(), help="only this source; repeatable")
    parser.add_argument("--policy", type=Path, default=ROOT / "config" / "demo-policy.yaml")
    parser.add_argument("--json", type=Path, help="write all outcomes there")
    parser.add_argument("--picture", type=Path, help="write the recall by harmful share there, as SVG")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
