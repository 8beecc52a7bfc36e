"""`hushtag policy impact`: judge the kept evidence under a new policy and show what would change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from streams.cli.evidence_input import feed_from_file, feed_from_log, live_policy
from streams.cli.inputs import load_policy_file, since_ms
from streams.cli.lists import Cell, print_list
from streams.cli.options import EvidenceFile, Json, NewPolicy, Page
from streams.cli.output import print_json, write_text
from streams.console import PlainConsole
from streams.progress import block_bars
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.backtest import ImpactReport
    from streams.backtest.comparison import PolicyChange
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

        write_text(html, render(report), private=True)
    if as_json:
        print_json(report)
    else:
        show(report, PlainConsole())


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
        impact = Impact(load_policy_file(live or settings.policy), policy)
        feed_from_file(impact.add, evidence, back_ms)
    else:
        impact = Impact(load_policy_file(live) if live else asyncio.run(live_policy(settings)), policy)
        asyncio.run(feed_from_log(impact.add, settings, since_ms("24h") if back_ms is None else back_ms))
    return impact.finish()


def show(report: ImpactReport, console: Console) -> None:
    """Print a report: what it cannot see first, then protected tags; lines are wrapped on a terminal alone."""
    from streams.backtest import text

    console.soft_wrap = not console.is_terminal
    for line in text.uncovered_in_words(report):
        console.print(line, style="yellow")
    console.print(f"policy {report.live_revision} (live) → {report.new_revision}: {text.summary(report)}", style="bold")
    console.print(f"on {text.span(report)}")
    if report.protected:
        console.print("\nProtected: would be hit if they were not in never_suppress", style="bold red")
        print_list(CHANGE_HEADERS, [change_cells(change) for change in report.protected], console=console)
    if report.changes:
        console.print("")
        print_list(CHANGE_HEADERS, [change_cells(change) for change in report.changes[:SHOWN_MAX]], console=console)
        if len(report.changes) > SHOWN_MAX:
            console.print(f"and {len(report.changes) - SHOWN_MAX} more: --json and --html have them")
    if report.totals:
        console.print("")
        headers = ("category", "country", "changes", "hidden, live", "new", "discounted, live", "new")
        print_list((*headers, "flagged, live", "new"), list(_totals(report)), names=2, console=console)
    for histogram in report.histograms:
        console.print("")
        for line in plot(histogram):
            console.print(line)
    console.print(f"\n{text.SETTLED_ONLY}", style="dim")


CHANGE_HEADERS = ("hashtag", "where", "category", "what", "live", "new", "authors", "lower bound")


def change_cells(change: PolicyChange) -> tuple[Cell, ...]:
    """Build the line of a changed tag in a list; the columns are `CHANGE_HEADERS`."""
    from streams.backtest import text

    marked = change.was_protected or (change.kind == "newly" and change.effect == "hidden")
    what = text.kind_in_words(change) + (", loses its protection" if change.was_protected else "")
    cells = (
        f"#{change.hashtag}",
        f"{change.country} {'+'.join(change.surfaces)}",
        change.category,
        what,
        text.side_in_words(change.live),
        text.side_in_words(change.new),
        f"{change.side.authors:,}",
        text.margin_in_words(change.side),
    )
    return tuple(Text(cell, style="red") for cell in cells) if marked else cells


def _totals(report: ImpactReport) -> Iterator[tuple[Cell, ...]]:
    from streams.backtest import text
    from streams.backtest.comparison import EFFECTS

    for total in report.totals:
        changes = ", ".join(f"{count} {kind}" for kind, count in total.changes.items()) or "none"
        sides = ((total.live[effect], total.new[effect]) for effect in EFFECTS)
        yield total.category, total.country, changes, *(text.total_in_words(each) for side in sides for each in side)


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
