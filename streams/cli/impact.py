"""`hushtag policy impact`: what a policy would change, judged on the evidence that was kept."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from streams.cli.files import load_policy_file
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.progress import progress_bar
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.backtest import Verdict
    from streams.backtest.compare import Change
    from streams.backtest.histogram import Histogram
    from streams.log.evidence import EvidenceRecord
    from streams.policy import Policy

SHOWN_MAX = 40
_BARS = " ▁▂▃▄▅▆▇█"


def impact(
    new: Annotated[Path, typer.Argument(metavar="NEW.yaml", help="The policy to try.", show_default=False)],
    since: Annotated[
        str | None,
        typer.Option(
            help="How far back: 30m, 24h, ... The log keeps a week. With --evidence: from its last record back.",
            show_default="24h; with --evidence all of it",
        ),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="Evidence from `hushtag replay --evidence` or `dump hashtag-evidence` instead.")
    ] = None,
    live: Annotated[
        Path | None,
        typer.Option(help="Compare with this file.", show_default="the live policy; with --evidence HUSHTAG_POLICY"),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with everything.")] = False,
) -> None:
    """Judge the kept evidence under the live and a new policy, and show what would change.

    Nothing is scored again and nobody is disturbed. What the evidence cannot tell is named: it needs a replay.
    """
    verdict = judge(load_settings(), new, since=since, evidence=evidence, live=live)
    if html is not None:
        from streams.backtest.page import render

        _write(html, render(verdict))
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
        sys.stdout.buffer.flush()
    else:
        show(verdict, Console(highlight=False, markup=False))


def judge(settings: Settings, new: Path, *, since: str | None, evidence: Path | None, live: Path | None) -> Verdict:
    """The verdict on a policy file; `since` None: 24h, of a file all.

    Raises:
        CallerMistake: a file or a duration cannot be read.
    """
    from streams.backtest import Impact

    policy, back_ms = load_policy_file(new, settings.shards), duration_ms(since) if since is not None else None
    if evidence is not None:
        found = Impact(load_policy_file(live or settings.policy), policy)
        feed_from_file(found.add, evidence, back_ms)
    else:
        found = Impact(load_policy_file(live) if live else asyncio.run(live_policy(settings)), policy)
        asyncio.run(feed_from_log(found.add, settings, duration_ms("24h") if back_ms is None else back_ms))
    return found.finish()


async def live_policy(settings: Settings) -> Policy:
    """What runs now.

    Raises:
        CallerMistake: no policy was ever live.
    """
    from streams.log.policies import read_policies
    from streams.policy import Policy

    kept = await read_policies(settings)
    if not kept:
        raise CallerMistake("no policy was ever live here", fix="say what to compare with: --live FILE")
    return Policy.from_canonical(list(kept.values())[-1].policy)


def duration_ms(text: str) -> int:
    """Milliseconds of a `--since`.

    Raises:
        CallerMistake: it is no duration.
    """
    from streams.policy.durations import parse_duration

    found = parse_duration(text)
    if not found:
        raise CallerMistake(f"--since {text!r} is no duration", fix="write 30m, 24h or 168h")
    return found


def feed_from_file(add: Callable[[EvidenceRecord], object], path: Path, back_ms: int | None = None) -> None:
    """Every record of a file of evidence, or those from so long before its last one on, with a progress bar.

    Raises:
        CallerMistake: it cannot be read, or holds something else.
    """
    from streams.log.evidence import decode_evidence_record
    from streams.replay import read_lines

    try:
        with path.open("rb") as file, progress_bar() as bar:
            since_ms = -1
            if back_ms is not None:
                since_ms = max((record.timestamp for record in read_lines(file)), default=0) - back_ms
                file.seek(0)
            task, read = bar.add_task("", total=path.stat().st_size), 0

            def lines() -> Iterator[bytes]:
                nonlocal read
                for line in file:
                    read += len(line)
                    yield line

            for number, record in enumerate(read_lines(lines()), 1):
                if record.timestamp < since_ms:
                    continue
                try:
                    add(decode_evidence_record(record.value or b""))
                except msgspec.DecodeError as error:
                    raise CallerMistake(
                        f"{path}: line {number} holds no evidence: {error}",
                        fix="`hushtag replay --evidence` and `hushtag dump hashtag-evidence` write it",
                    ) from error
                bar.update(task, completed=read)
    except OSError as error:
        raise CallerMistake(
            f"cannot read {path}: {error.strerror or error}", fix="`hushtag replay --evidence FILE` writes one"
        ) from error


async def feed_from_log(add: Callable[[EvidenceRecord], object], settings: Settings, back_ms: int) -> None:
    """Every record of `hashtag-evidence` since so long, with a progress bar."""
    from streams.log.evidence import decode_evidence_record

    with progress_bar() as bar:
        task = bar.add_task("", total=None)
        async for value, done, total in _records(settings, now_ms() - back_ms):
            add(decode_evidence_record(value))
            bar.update(task, completed=done, total=total)


async def _records(settings: Settings, since_ms: int) -> AsyncIterator[tuple[bytes, int, int]]:
    """Values of `hashtag-evidence` since a moment, each with how many of how many it is."""
    from streams.log.reading import LogReader, connection

    async with LogReader(connection(settings), settings.topic("hashtag-evidence")) as reader:
        bounds = await reader.bounds()
        starts = {one: await reader.offset_at(one, since_ms) for one in reader.partitions}
        total = sum(bounds[one].end - (start or bounds[one].begin) for one, start in starts.items())
        done = 0
        async for batch in reader.to_end(starts):
            for record in batch:
                done += 1
                yield record.value, done, total


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="name a file in a folder that is there"
        ) from error


def show(verdict: Verdict, console: Console) -> None:
    """The verdict on a terminal, protected tags first."""
    from streams.backtest import text

    console.print(
        f"policy {verdict.live_revision} (live) → {verdict.new_revision}: {text.summary(verdict)}", style="bold"
    )
    console.print(f"on {text.span(verdict)}")
    for line in text.uncovered_in_words(verdict):
        console.print(line, style="yellow")
    if verdict.protected:
        console.print("\nProtected: would be hit if they were not in never_suppress", style="bold red")
        console.print(change_table(verdict.protected))
    if verdict.changes:
        console.print("")
        console.print(change_table(verdict.changes[:SHOWN_MAX]))
        if len(verdict.changes) > SHOWN_MAX:
            console.print(f"and {len(verdict.changes) - SHOWN_MAX} more: --json and --html have them")
    if verdict.totals:
        console.print("")
        console.print(_totals(verdict))
    for histogram in verdict.histograms:
        console.print("")
        for line in plot(histogram):
            console.print(line)
    console.print(f"\n{text.SETTLED_ONLY}", style="dim")


def change_table(changes: list[Change]) -> Table:
    """One row a tag."""
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
            style="red" if one.was_protected or (one.kind == "newly" and one.hidden) else None,
        )
    return table


def _totals(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("category", "country", "changes"):
        table.add_column(name)
    for name in ("hidden tag-min, live", "new", "flagged tag-min, live", "new"):
        table.add_column(name, justify="right")
    for one in verdict.totals:
        changes = ", ".join(f"{count} {kind}" for kind, count in one.changes.items()) or "none"
        minutes = (
            one.hidden_minutes_live, one.hidden_minutes_new, one.flagged_minutes_live, one.flagged_minutes_new
        )  # fmt: skip
        table.add_row(one.category, one.country, changes, *(f"{each:,.0f}" for each in minutes))
    return table


def plot(histogram: Histogram) -> Iterator[str]:
    """The two histograms as lines of text, thresholds below them: l the live one, n the new one, x both."""
    yield f"{histogram.category}: {histogram.tag_panes:,} tag-panes over the floors, by their bounds"
    for name, counts, key in (("lower", histogram.lower, "suppress_at"), ("upper", histogram.upper, "clear_at")):
        highest = max(1, *counts)
        bars = "".join(_BARS[-(-8 * count // highest)] for count in counts)
        marks = [" "] * len(counts)
        for letter, thresholds in (("l", histogram.live), ("n", histogram.new)):
            if thresholds is not None:
                at = min(int(getattr(thresholds, key) * len(counts)), len(counts) - 1)
                marks[at] = letter if marks[at] == " " else "x"
        said = [f"n {getattr(histogram.new, key):g}"]
        if histogram.live is not None:
            said.insert(0, f"l {getattr(histogram.live, key):g}")
        yield f"  {name}  0│{bars}│1"
        yield f"          {''.join(marks)}   {key}: {', '.join(said)}"
