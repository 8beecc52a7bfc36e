"""`hushtag simulate`: tweets with ground truth, as log lines or bare payloads, into a file or live."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from devkit.simulation.config import DEFAULT_START_MS, MAX_START_MS, Config
from devkit.simulation.data import own_texts, tag_names
from devkit.simulation.demo import LEAST_RATE, demo
from devkit.simulation.lines import Line, encode_line
from devkit.simulation.moving import moving
from devkit.simulation.play import play
from devkit.simulation.run import Simulation
from devkit.simulation.scenario import scenario
from devkit.simulation.texts import LabelledText, LabelledTexts, Texts
from streams.clock import now_ms
from streams.errors import CallerMistake

_FIX_TEXTS = 'a line is {"text": "...", "harmful": true} with "lang" en, hi or hi-Latn if you like; "y" may be 1 or 0'


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    seed: Annotated[int, typer.Option(help="The same arguments give the same bytes.")] = 0,
    minutes: Annotated[float, typer.Option(help="Length of the run, above 0, at most 14 days.")] = 15.0,
    rate: Annotated[float, typer.Option(help="Tweets a second on average, above 0.")] = 40.0,
    texts: Annotated[
        Path | None, typer.Option(help='Lines {"text", "harmful" or "y", "lang"?} instead of own texts.')
    ] = None,
    start_ms: Annotated[
        int | None,
        typer.Option(min=0, max=MAX_START_MS, help="When it begins, ms since 1970; default: a fixed day, or now."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Each line when it is due, moved to now; Ctrl-C stops.")] = False,
    bare: Annotated[bool, typer.Option("--bare", help="Payloads without partition, offset and log time.")] = False,
    truth: Annotated[Path | None, typer.Option(help="Write the ground truth here.")] = None,
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="Partitions of the log.")] = 4,
    deletions: Annotated[
        float, typer.Option(min=0, max=1, help="Share of tweets that are deleted a while later.")
    ] = 0.0,
    preset: Annotated[
        Literal["scenario", "demo", "moving"],
        typer.Option(
            help="scenario: stories drawn by the seed; demo: timed for people who watch; moving: a campaign takes "
            "another hashtag at half-time."
        ),
    ] = "scenario",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, which it always is.")] = False,
) -> None:
    """Make tweets of several countries: everyday talk, protests, counter-speech, news, a match, bots, hate campaigns.

    A line is {"partition", "offset", "log_time_ms", "key", "value"}, ready for `hushtag replay`. The ground truth says
    of each hashtag what it was for, whether it should be suppressed, where and from when.
    Bare payloads have no log time, so none of them has a clock that runs ahead, and tombstones are left out.
    """
    if not 0 < minutes <= 14 * 1440:
        raise CallerMistake(f"--minutes is {minutes:g}", fix="above 0 and at most 20160 (14 days)")
    if not 0 < rate <= 1_000_000:
        raise CallerMistake(f"--rate is {rate:g}", fix="above 0 and at most 1000000")
    if preset == "demo" and rate < LEAST_RATE:
        raise CallerMistake(f"--rate is {rate:g}", fix=f"the demo's stories need at least {LEAST_RATE:g}")
    begin_ms = start_ms if start_ms is not None else now_ms() if live else DEFAULT_START_MS
    source = load_texts(texts)
    config = replace(_config(preset, seed, minutes, rate, begin_ms, partitions), deleted_share=deletions)
    if bare:
        config = replace(config, faults=config.faults.without_clocks_ahead())
    run = Simulation(config, source)
    _write_truth(truth, run)
    out = sys.stdout.buffer
    try:
        with suppress(KeyboardInterrupt):
            if live:
                asyncio.run(_play(run, out, bare))
            else:
                for entry in _with_progress(run):
                    _write(entry, out, bare)
        out.flush()
    except BrokenPipeError:  # whoever reads has enough: no mistake of the caller's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _write_truth(truth, run)


def load_texts(path: Path | None) -> Texts:
    """Labelled texts from a file, or the simulator's own if None.

    Raises:
        CallerMistake: the file cannot be read, a line is not as described, or it lacks harmful or clean texts.
    """
    if path is None:
        return own_texts()
    decode, rows = msgspec.json.Decoder(LabelledText).decode, []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise CallerMistake(f"cannot read {path}: {error.strerror}", fix="name a file of labelled texts") from error
    for number, row in enumerate(lines, 1):
        if not row.strip():
            continue
        try:
            rows.append(decode(row))
            rows[-1].label()
        except (ValueError, UnicodeDecodeError) as error:
            raise CallerMistake(f"{path}, line {number}: {error}", fix=_FIX_TEXTS) from error
    found = LabelledTexts(rows, own_texts())
    if not found.n_harmful or not found.n_clean:
        raise CallerMistake(
            f"{path} has {found.n_harmful} harmful and {found.n_clean} clean texts of at least 8 letters",
            fix="it needs some of both, better hundreds; " + _FIX_TEXTS,
        )
    return found


def _config(preset: str, seed: int, minutes: float, rate: float, start_ms: int, partitions: int) -> Config:
    names = tag_names()
    if preset == "scenario":
        return scenario(seed, names, minutes=minutes, rate=rate, start_ms=start_ms, partitions=partitions)
    if preset == "moving":
        return moving(seed, names, minutes=minutes, rate=rate, start_ms=start_ms, partitions=partitions)
    return demo(names, seed=seed, rate=rate, hours=minutes / 60, start_ms=start_ms, partitions=partitions)


def _write(entry: Line, out: BinaryIO, bare: bool) -> None:
    if not bare:
        out.write(encode_line(entry) + b"\n")
    elif (payload := entry.payload) is not None:
        out.write(payload + b"\n")


async def _play(run: Simulation, out: BinaryIO, bare: bool) -> None:
    async def send(entry: Line) -> None:
        _write(entry, out, bare)
        out.flush()

    await play(run.lines(), send, now_ms, asyncio.sleep)


def _write_truth(path: Path | None, run: Simulation) -> None:
    """At the start, so that it is there while tweets flow, and at the end with what was sent."""
    if path is None:
        return
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(run.truth()), indent=1) + b"\n")
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="name a file in a folder that exists"
        ) from error


def _with_progress(run: Simulation) -> Iterator[Line]:
    """The run's lines, with a bar on stderr if they go to a file and somebody watches."""
    console = Console(stderr=True)
    config, shown = run.config, console.is_terminal and not sys.stdout.isatty()
    bar = Progress(
        TextColumn("simulate"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, disable=not shown, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("simulate", total=config.duration_ms)
        for number, entry in enumerate(run.lines()):
            if not number % 2_000:
                bar.update(task, completed=entry.log_time_ms - config.start_ms)
            yield entry
