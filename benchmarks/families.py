"""Innocent hashtags of twelve families through the reference: which are hidden, contested, or sent to people.

    python -m benchmarks.families [--quick] [--tags N] [--only FAMILY] [--json FILE] [--base FILE]

Each family has 300 hashtags of `devkit.crowds`, 12 with `--quick`. In turn a burst, slogans, young accounts or many
authors corroborate; a third have 5 to 20% hecklers. A quarter of the texts have two to four sentences. Mourning,
festival and activism (Pride among it) have as many hashtags again of which 50 to 90% of the authors write no word.
All are judged under the shipped policy with mode suppress, its circuit breakers open.

Goals: none is hidden, settled or early, and no more are contested than in the run that `--base` names. The exit code
is 3 if one is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.changes import Figures, print_changes
from benchmarks.judged import PublishedDecision, cases_of, judged, shipped_policy
from benchmarks.machine import machine
from devkit.crowds.data import crowd_texts
from devkit.crowds.families import LENGTH_MS, SILENT, InnocentTag, posts_of
from devkit.crowds.posts import log_of
from devkit.crowds.texts import FAMILIES
from streams.actions import HIDING, WEIGHING

TAGS, QUICK_TAGS, BATCH = 300, 12, 12
"""Hashtags of a family, and of one log."""
START_MS = 1_768_200_000_000
COUNTRY = "IN"
EXIT_MISSED = 3
_IDS = 10_000
_FIRST_ID = 10_000_000
_QUEUE = ("review", "contested", "not_assessed")
"""Kinds of cases that the table has columns for."""


class InnocentOutcome(msgspec.Struct, frozen=True):
    """Fate of one innocent hashtag."""

    family: str
    """Its family, with "silent" where most authors write no word."""
    number: int
    sign: str
    heckled: float
    settled: bool
    """Whether a settled decision hides it."""
    early: bool
    """Whether an early one does."""
    contested: bool
    cases: tuple[str, ...]
    """Kinds of the cases on it."""

    @property
    def hidden(self) -> bool:
        """Whether any decision hides it."""
        return self.settled or self.early

    @property
    def group(self) -> str:
        """Family, sign, and whether there are hecklers."""
        return f"{self.family} / {self.sign}{' / hecklers' if self.heckled else ''}"


def batches(tags: int, only: str = "") -> Iterator[list[InnocentTag]]:
    """List the hashtags of all families, in the batches that share a log."""
    for family in FAMILIES:
        for silent in (False, True) if family in SILENT else (False,):
            if only in family:
                own = [InnocentTag(family, number, silent) for number in range(tags)]
                yield from (own[first : first + BATCH] for first in range(0, tags, BATCH))


def observe(tags: Sequence[InnocentTag]) -> list[InnocentOutcome]:
    """Judge the hashtags of one log. A pure function of the hashtags, the policy and the model."""
    posts = [
        post
        for place, tag in enumerate(tags)
        for post in posts_of(tag, crowd_texts(), START_MS, _FIRST_ID + place * _IDS)
    ]
    decisions = judged(log_of(posts, START_MS, LENGTH_MS, COUNTRY), shipped_policy(capped=False))
    return outcomes(tags, decisions)


def outcomes(tags: Sequence[InnocentTag], decisions: Sequence[PublishedDecision]) -> list[InnocentOutcome]:
    """Return the fate of each hashtag."""
    cases = cases_of(decisions)
    actions: dict[str, set[tuple[str, bool]]] = {}
    for _, decision in decisions:
        for each in decision.rulings:
            actions.setdefault(decision.hashtag, set()).add((each.action, each.provisional))
    fates = []
    for tag in tags:
        own = actions.get(tag.hashtag, set())
        fate = InnocentOutcome(
            family=f"{tag.family}, silent" if tag.silent else tag.family,
            number=tag.number,
            sign=tag.sign,
            heckled=tag.heckled,
            settled=any(action in HIDING and not early for action, early in own),
            early=any(action in HIDING and early for action, early in own),
            contested=any(action in WEIGHING for action, _ in own),
            cases=tuple(sorted({case.kind for case in cases.get(tag.hashtag, ())})),
        )
        fates.append(fate)
    return fates


def figures(fates: Iterable[InnocentOutcome]) -> dict[str, Figures]:
    """Count the fates by group."""
    counts: dict[str, dict[str, float | None]] = {}
    for fate in fates:
        row = counts.setdefault(fate.group, dict.fromkeys(("hashtags", "settled", "early", "contested", *_QUEUE), 0))
        for name, holds in (
            ("hashtags", True), ("settled", fate.settled), ("early", fate.early), ("contested", fate.contested),
            *((kind, kind in fate.cases) for kind in _QUEUE if kind != "contested"),
        ):  # fmt: skip
            row[name] = (row[name] or 0) + holds
    return dict(counts)


def table(fates: Sequence[InnocentOutcome]) -> Table:
    """Show each family: its hashtags that are hidden, contested, or sent to people."""
    shown = Table(
        "family", "hashtags", "hidden, settled", "hidden, early", "contested", "review", "not assessed", "any case"
    )  # fmt: skip
    for family in dict.fromkeys(fate.family for fate in fates):
        own = [fate for fate in fates if fate.family == family]
        counts = (
            len(own),
            sum(fate.settled for fate in own),
            sum(fate.early for fate in own),
            sum(fate.contested for fate in own),
            sum("review" in fate.cases for fate in own),
            sum("not_assessed" in fate.cases for fate in own),
            sum(bool(fate.cases) for fate in own),
        )
        shown.add_row(family, *map(str, counts))
    return shown


def missed(fates: Sequence[InnocentOutcome], base: Sequence[InnocentOutcome] | None) -> list[str]:
    """List what misses a goal."""
    reasons = [
        f"hidden{'' if fate.settled else ', early'}: {fate.group} / {fate.number}" for fate in fates if fate.hidden
    ]
    if base is not None:
        before = {(fate.family, fate.number): fate for fate in base}
        reasons += [
            f"contested, and was not: {fate.group} / {fate.number}"
            for fate in fates
            if fate.contested and (then := before.get((fate.family, fate.number))) is not None and not then.contested
        ]
    return reasons


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the families; print table, goals and differences; return the exit code."""
    options = _arguments(arguments)
    own = list(batches(options.tags or (QUICK_TAGS if options.quick else TAGS), options.only))
    base = msgspec.json.decode(options.base.read_bytes(), type=list[InnocentOutcome]) if options.base else None
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(machine(), highlight=False)
    fates: list[InnocentOutcome] = []
    columns = (TextColumn("logs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, ProcessPoolExecutor(2) as pool:
        task = progress.add_task("", total=len(own))
        for judged_tags in pool.map(observe, own):
            fates += judged_tags
            progress.advance(task)
    console.print(table(fates), highlight=False)
    reasons = missed(fates, base)
    for reason in reasons:
        console.print(f"MISSED {reason}", markup=False, highlight=False)
    if base is not None:
        print_changes(console, figures(base), figures(fates), options.base.name)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(fates), indent=1) + b"\n")
    return EXIT_MISSED if reasons else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.families",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_TAGS} hashtags of each family")
    parser.add_argument("--tags", type=int, help="hashtags of each family")
    parser.add_argument("--only", default="", help="only families whose name contains this")
    parser.add_argument("--json", type=Path, help="write all outcomes there")
    parser.add_argument("--base", type=Path, help="JSON of an earlier run to compare with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
