"""Sizes of attacks and campaigns with the simulator's texts, or labelled ones: tables, goals and a picture.

    python -m benchmarks.hijack.sizes [--full] [--texts own|dev|FILE] [--seeds N] [--json FILE] [--picture FILE]

M established accounts write distinct protest texts under one hashtag over ten minutes. K other accounts write hate
under the same one, before, among or after them. The log is replayed under the shipped policy with mode suppress, early
decisions included. Each second, a viewer in the hashtag's country sees the flag that is in force. Every ten seconds,
the reference trends service ranks the hashtag among forty steady ones.

The first table has few sizes. `--full` plays all kinds of attackers, K/M from 0.1 to 5 and M from 10 to 1,000. Both end
with the goals; the exit code is 3 if one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.hijack import tables
from benchmarks.hijack.attacks import KINDS, Attack, attacks
from benchmarks.hijack.campaigns import CampaignOutcome, StagedCampaign, campaigns, observe
from benchmarks.hijack.goals import goals
from benchmarks.hijack.outcomes import AttackOutcome, measure
from benchmarks.hijack.posts import texts_file
from benchmarks.machine import machine
from streams.errors import CallerMistake

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "hijack.svg"
YOUNG = ("young",)
PROTESTERS, RATIOS = (30, 100, 300), (0.3, 0.6, 1.0, 1.5)
FULL_PROTESTERS, FULL_RATIOS = (10, 30, 40, 100, 300, 1000), (0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 5.0)
LEAST_PROTESTERS, HARD_RATIOS = (40,), (0.3, 1.0, 5.0, 10.0, 20.0)
"""The smallest protest that the goals protect, with as many harmful protesters as they allow."""
CAMPAIGN_SEEDS = 8
EXIT_MISSED = 3


def _run(case: Attack | StagedCampaign, texts: Path | None) -> AttackOutcome | CampaignOutcome:
    return measure(case, texts) if isinstance(case, Attack) else observe(case, texts)


def run_all(
    cases: Sequence[Attack | StagedCampaign], texts: Path | None, done: Callable[[], object]
) -> list[AttackOutcome | CampaignOutcome]:
    """Run all cases in two processes; `done` is called after each."""
    outcomes = []
    with ProcessPoolExecutor(2) as pool:
        for outcome in pool.map(_run, cases, [texts] * len(cases)):
            outcomes.append(outcome)
            done()
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the attacks and campaigns, print tables and goals; return the exit code."""
    options = _arguments(arguments)
    sizes, ratios, kinds = (FULL_PROTESTERS, FULL_RATIOS, tuple(KINDS)) if options.full else (PROTESTERS, RATIOS, YOUNG)
    drawn = attacks((tables.DRAWN_PROTESTERS,), FULL_RATIOS, tables.DRAWN_KINDS, most_harm=False, seeds=options.seeds)
    tabled = list(
        dict.fromkeys(
            [
                *attacks(sizes, ratios, kinds, most_harm=False, seeds=options.seeds),
                *(attack for attack in drawn if attack.timing == tables.DRAWN_TIMING),
            ]
        )
    )
    hard = list(attacks(LEAST_PROTESTERS, HARD_RATIOS, tuple(KINDS), most_harm=True, seeds=options.seeds))
    cases: list[Attack | StagedCampaign] = [*tabled, *hard, *campaigns(CAMPAIGN_SEEDS)]
    console = Console(width=None if sys.stdout.isatty() else 160)
    columns = (TextColumn("attacks and campaigns"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="hushtag-hijack-") as folder:
        try:
            texts, description = texts_file(options.texts, Path(folder))
            console.print(f"{machine()}\ntexts: {description}", highlight=False)
            with Progress(*columns, console=Console(stderr=True)) as progress:
                task = progress.add_task("", total=len(cases))
                measured = run_all(cases, texts, lambda: progress.advance(task))
        except CallerMistake as mistake:
            console.print(f"{mistake}; {mistake.fix}", markup=False)
            return 2
    outcomes = [outcome for outcome in measured if isinstance(outcome, AttackOutcome)]
    seen = [outcome for outcome in measured if isinstance(outcome, CampaignOutcome)]
    return _report(options, console, outcomes[: len(tabled)], outcomes[len(tabled) :], seen)


def _report(
    options: argparse.Namespace,
    console: Console,
    outcomes: Sequence[AttackOutcome],
    hard: Sequence[AttackOutcome],
    seen: Sequence[CampaignOutcome],
) -> int:
    young = [outcome for outcome in outcomes if outcome.attack.kind == YOUNG[0]]
    young = [outcome for outcome in young if outcome.attack.protesters in PROTESTERS and outcome.attack.ratio in RATIOS]
    shown = [(tables.BY_RATIO, tables.by_ratio(young)), (tables.OF_LEAST, tables.of_least(hard))]
    if options.full:
        shown.insert(1, (tables.BY_SIZE, tables.by_size(outcomes)))
    for caption, table in (*shown, (tables.OF_CAMPAIGNS, tables.of_campaigns(seen))):
        console.print(caption, table, highlight=False)
    checked = goals([*outcomes, *hard], seen)
    console.print("\nGoals", tables.of_goals(checked))
    if options.json:
        rows = [*map(asdict, (*outcomes, *hard)), *map(asdict, seen)]
        options.json.write_text(
            json.dumps({"machine": machine(), "texts": options.texts, "cases": rows}, indent=1) + "\n"
        )
    target = options.picture or (PICTURE if options.texts == "own" else None)
    if target:
        target.write_text(tables.picture(outcomes), "utf-8")
        console.print(f"picture: {target}")
    return 0 if all(goal.met for goal in checked) else EXIT_MISSED


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hijack.sizes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="play all sizes and kinds: about ten minutes on two cores")
    parser.add_argument("--texts", default="own", help="own (default), dev (../shared/data/harm/dev), or a file")
    parser.add_argument("--seeds", type=int, default=1, help="repetitions of each attack with other texts and times")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--picture", type=Path, help=f"default: docs/images/{PICTURE.name} with the simulator's texts")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
