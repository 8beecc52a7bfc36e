"""`hushtag policy impact`: judge the kept evidence under a new policy and show what would change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from streams.cli.evidence_input import feed_from_file, feed_from_log, live_policy
from streams.cli.inputs import load_policy_file, since_ms
from streams.cli.options import EvidenceFile, Json, NewPolicy, Page
from streams.cli.output import print_json, write_text
from streams.progress import block_bars
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.backtest import ImpactReport
    from streams.backtest.compare import PolicyChange
    from streams.backtest.histogram import Histogram

SHOWN_MAX = 40


def impact(
    new: NewPolicy,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="How far back to judge: 30m, 24h, ...; the topic keeps a week. With --evidence: back from the last "
            "record of the file.",
            show_default="24h; with --evidence the whole file",
        ),
    ] = None,
    evidence: EvidenceFile = None,
    live: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Policy file to compare with.",
            show_default="the live policy; with --evidence HUSHTAG_POLICY",
        ),
    ] = None,
    html: Page = None,
    as_json: Json = False,
) -> None:
    """Judge the kept evidence under the live policy and under a new one, and show what would change.

    No text is scored again and no worker is affected. Rules that the evidence cannot answer are named: they need a
    replay.
    """
    report = judge(load_settings(), new, since=since, evidence=evidence, live=live)
    if html is not None:
        from streams.backtest.page import render

        write_text(html, render(report))
    if as_json:
        print_json(report)
    else:
        show(report, Console(highlight=False, markup=False))


def judge(
    settings: Settings, new: Path, *, since: str | None, evidence: Path | None, live: Path | None
) -> ImpactReport:
    """Judge the past under a policy file.

    Args:
        settings: addresses and topic names.
        new: file of the policy to try.
        since: duration to look back; None: 24h of the topic, or the whole file.
        evidence: file of evidence; None: the evidence topic.
        live: file of the policy to compare with; None: the live one, or with `evidence` the file in the settings.

    Raises:
        CallerMistake: a file or a duration cannot be read.
    """
    from streams.backtest import Impact

    policy, back_ms = load_policy_file(new, settings.shards), since_ms(since) if since is not None else None
    if evidence is not None:
        found = Impact(load_policy_file(live or settings.policy), policy)
        feed_from_file(found.add, evidence, back_ms)
    else:
        found = Impact(load_policy_file(live) if live else asyncio.run(live_policy(settings)), policy)
        asyncio.run(feed_from_log(found.add, settings, since_ms("24h") if back_ms is None else back_ms))
    return found.finish()


def show(report: ImpactReport, console: Console) -> None:
    """Print a report on a terminal, protected tags first."""
    from streams.backtest import text

    console.print(f"policy {report.live_revision} (live) → {report.new_revision}: {text.summary(report)}", style="bold")
    console.print(f"on {text.span(report)}")
    for line in text.uncovered_in_words(report):
        console.print(line, style="yellow")
    if report.protected:
        console.print("\nProtected: would be hit if they were not in never_suppress", style="bold red")
        console.print(change_table(report.protected))
    if report.changes:
        console.print("")
        console.print(change_table(report.changes[:SHOWN_MAX]))
        if len(report.changes) > SHOWN_MAX:
            console.print(f"and {len(report.changes) - SHOWN_MAX} more: --json and --html have them")
    if report.totals:
        console.print("")
        console.print(_totals(report))
    for histogram in report.histograms:
        console.print("")
        for line in plot(histogram):
            console.print(line)
    console.print(f"\n{text.SETTLED_ONLY}", style="dim")


def change_table(changes: list[PolicyChange]) -> Table:
    """Return a table with one row for each changed tag."""
    from streams.backtest import text

    table = Table(box=None, pad_edge=False)
    for name in ("hashtag", "where", "category", "what", "live", "new"):
        table.add_column(name, overflow="fold")
    table.add_column("authors", justify="right")
    table.add_column("lower bound", no_wrap=True)
    for one in changes:
        table.add_row(
            f"#{one.hashtag}" + (" (loses its protection)" if one.was_protected else ""),
            f"{one.country} {'+'.join(one.surfaces)}",
            one.category,
            text.kind_in_words(one),
            text.side_in_words(one.live),
            text.side_in_words(one.new),
            f"{one.side.authors:,}",
            text.margin_in_words(one.side),
            style="red" if one.was_protected or (one.kind == "newly" and one.effect == "hidden") else None,
        )
    return table


def _totals(report: ImpactReport) -> Table:
    from streams.backtest import text
    from streams.backtest.compare import EFFECTS

    table = Table(box=None, pad_edge=False)
    for name in ("category", "country", "changes"):
        table.add_column(name)
    for name in ("hidden, live", "new", "discounted, live", "new", "flagged, live", "new"):
        table.add_column(name, justify="right")
    for one in report.totals:
        changes = ", ".join(f"{count} {kind}" for kind, count in one.changes.items()) or "none"
        sides = ((one.live[effect], one.new[effect]) for effect in EFFECTS)
        table.add_row(
            one.category, one.country, changes, *(text.total_in_words(each) for side in sides for each in side)
        )
    return table


def plot(histogram: Histogram) -> Iterator[str]:
    """Yield the two histograms as lines of text, with the thresholds below: l live, n new, x both."""
    yield f"{histogram.category}: {histogram.tag_panes:,} tag-panes over the floors, by their bounds"
    for name, counts, key in (("lower", histogram.lower, "suppress_at"), ("upper", histogram.upper, "clear_at")):
        bars = block_bars(counts, max(1, *counts))
        marks = [" "] * len(counts)
        for letter, thresholds in (("l", histogram.live), ("n", histogram.new)):
            if thresholds is not None:
                at = min(int(getattr(thresholds, key) * len(counts)), len(counts) - 1)
                marks[at] = letter if marks[at] == " " else "x"
        values = [f"n {getattr(histogram.new, key):g}"]
        if histogram.live is not None:
            values.insert(0, f"l {getattr(histogram.live, key):g}")
        yield f"  {name}  0│{bars}│1"
        yield f"          {''.join(marks)}   {key}: {', '.join(values)}"
