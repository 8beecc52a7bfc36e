"""`hushtag simulate`: simulated tweets with ground truth, as log lines or bare payloads, at once or live."""

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

from devkit.simulation.config import DEFAULT_START_MS, MAX_START_MS, SimulationConfig
from devkit.simulation.data import own_texts, tag_names
from devkit.simulation.demo import LEAST_RATE, demo_config
from devkit.simulation.hard import hard_config
from devkit.simulation.lines import SimulatedRecord, encode_line
from devkit.simulation.moving import moving_config
from devkit.simulation.play import play
from devkit.simulation.run import Simulation
from devkit.simulation.scenario import scenario_config
from devkit.simulation.texts import LabelledText, LabelledTexts, TextSource
from streams.cli.options import parse_share
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.progress import progress_bar

_FIX_TEXTS = 'a line is {"text": "...", "harmful": true}, optionally with "lang" en, hi or hi-Latn; "y" may be 1 or 0'


def register(app: typer.Typer) -> None:
    """Add the command `simulate`."""
    app.command()(simulate)


def simulate(
    seed: Annotated[int, typer.Option(help="The same arguments give the same bytes.")] = 0,
    minutes: Annotated[float, typer.Option(help="Length of the run, above 0, at most 14 days.")] = 15.0,
    rate: Annotated[float, typer.Option(help="Tweets a second on average, above 0.")] = 40.0,
    texts: Annotated[
        Path | None, typer.Option(help='File of lines {"text", "harmful" or "y", "lang"?} that replaces the own texts.')
    ] = None,
    start_ms: Annotated[
        int | None,
        typer.Option(
            min=0, max=MAX_START_MS, help="Start of the run, ms since 1970; default: a fixed day, with --live now."
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Shift times to now and write each line when it is due; Ctrl-C stops.")
    ] = False,
    bare: Annotated[bool, typer.Option("--bare", help="Payloads without partition, offset and log time.")] = False,
    truth: Annotated[Path | None, typer.Option(help="Write the ground truth here.")] = None,
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="Partitions of the log.")] = 4,
    deletions: Annotated[
        float, typer.Option(parser=parse_share, metavar="SHARE", help="Share of tweets that are deleted later.")
    ] = 0.0,
    preset: Annotated[
        Literal["scenario", "demo", "moving", "hard", "slow"],
        typer.Option(
            help="scenario: stories drawn by the seed; demo: stories on a fixed schedule; moving: a campaign moves to "
            "another hashtag at half-time; hard: campaigns of every share and disguise beside hijacked protests, "
            "reclaimed words, sarcasm and languages that no model reads; slow: the same over an hour (--minutes 60 "
            "--rate 8)."
        ),
    ] = "scenario",
    json: Annotated[bool, typer.Option("--json", help="Accepted for consistency: output is always JSON.")] = False,
) -> None:
    """Simulate tweets of several countries: background, protests, counter-speech, news, sports, bots, hate campaigns.

    A line is {"partition", "offset", "log_time_ms", "key", "value"}, as `hushtag replay` reads it. The ground truth
    lists each hashtag with its kind, whether it should be suppressed, its countries and its time.
    Bare payloads have no log time, so clocks that run ahead and tombstones are left out.
    """
    if not 0 < minutes <= 14 * 1440:
        raise CallerMistake(f"--minutes is {minutes:g}", fix="use a value above 0 and at most 20160 (14 days)")
    if not 0 < rate <= 1_000_000:
        raise CallerMistake(f"--rate is {rate:g}", fix="use a value above 0 and at most 1000000")
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
    except BrokenPipeError:  # the reader has closed the pipe, which is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _write_truth(truth, run)


def load_texts(path: Path | None) -> TextSource:
    """Load labelled texts from a file, or the simulator's own if None.

    Raises:
        CallerMistake: the file cannot be read, a line is malformed, or there are no harmful or no clean texts.
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
    labelled = LabelledTexts(rows, own_texts())
    if not labelled.n_harmful or not labelled.n_clean:
        raise CallerMistake(
            f"{path} has {labelled.n_harmful} harmful and {labelled.n_clean} clean texts of at least 8 letters",
            fix="add texts of both kinds, best hundreds; " + _FIX_TEXTS,
        )
    return labelled


def _config(preset: str, seed: int, minutes: float, rate: float, start_ms: int, partitions: int) -> SimulationConfig:
    names = tag_names()
    if preset == "scenario":
        return scenario_config(seed, names, minutes=minutes, rate=rate, start_ms=start_ms, partitions=partitions)
    if preset in ("hard", "slow"):
        return hard_config(
            seed, names, minutes=minutes, rate=rate, start_ms=start_ms, partitions=partitions, slow=preset == "slow"
        )
    if preset == "moving":
        return moving_config(seed, names, minutes=minutes, rate=rate, start_ms=start_ms, partitions=partitions)
    return demo_config(names, seed=seed, rate=rate, hours=minutes / 60, start_ms=start_ms, partitions=partitions)


def _write(entry: SimulatedRecord, out: BinaryIO, bare: bool) -> None:
    if not bare:
        out.write(encode_line(entry) + b"\n")
    elif (payload := entry.payload) is not None:
        out.write(payload + b"\n")


async def _play(run: Simulation, out: BinaryIO, bare: bool) -> None:
    async def send(entry: SimulatedRecord) -> None:
        _write(entry, out, bare)
        out.flush()

    await play(run.lines(), send, now_ms, asyncio.sleep)


def _write_truth(path: Path | None, run: Simulation) -> None:
    # Called at the start, so that the plan is readable during the run, and at the end with the counts.
    if path is None:
        return
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(run.truth()), indent=1) + b"\n")
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="name a file in a folder that exists"
        ) from error


def _with_progress(run: Simulation) -> Iterator[SimulatedRecord]:
    """Iterate over the run's records, with a progress bar on a terminal if they go to a file."""
    config = run.config
    with progress_bar("simulate", enabled=not sys.stdout.isatty()) as bar:
        task = bar.add_task("simulate", total=config.duration_ms)
        for number, entry in enumerate(run.lines()):
            if not number % 2_000:
                bar.update(task, completed=entry.log_time_ms - config.start_ms)
            yield entry
