"""`hushtag score` and `hushtag train`: texts in, probabilities out; labelled texts in, a model out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import models
from streams.errors import CallerMistake

BATCH = 256
_READ_BYTES = 1 << 18
_DEFAULT_DATA = Path(models.__file__).resolve().parents[1].parent / "shared" / "data" / "harm"


def register(app: typer.Typer) -> None:
    """Adds `score` and `train` to the command."""
    app.command()(score)
    app.command()(train)


def score(
    model: Annotated[Path | None, typer.Option(help="Model file. Default: the one that comes with hushtag.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Taken for uniformity: the output always is JSON.")] = False,
) -> None:
    """Probability of harm for each line {"text": "...", "lang"?: "..."} on standard input, in order.

    Prints {"harmful": p, "categories": {...}} a line; harmful is the calibrated probability of any category.
    """
    scorer = _scorer(model)
    out = sys.stdout
    for texts, mistake in _batches(sys.stdin.buffer):
        for row in scorer.score(texts).tolist():
            harmful, *categories = (round(p, 6) for p in row)
            answer = {"harmful": harmful, "categories": dict(zip(scorer.categories, categories, strict=True))}
            out.write(json.dumps(answer) + "\n")
        out.flush()
        if mistake is not None:
            raise mistake


def _scorer(path: Path | None) -> models.Scorer:
    try:
        return models.load_scorer(path)
    except models.ArtefactError as error:
        fix = "train one: hushtag train" if path is None else "give a file that hushtag train made"
        raise CallerMistake(str(error), fix=fix) from error


def _batches(stream: BinaryIO) -> Iterator[tuple[list[str], CallerMistake | None]]:
    """The texts of the lines that are there, at most BATCH at a time, without waiting for more.

    With the last batch comes what is wrong with the line after it, if one is wrong.
    """
    number, rest = 0, b""
    while True:
        block = stream.read1(_READ_BYTES)  # type: ignore[attr-defined]  # both of stdin and of BytesIO
        *lines, rest = (rest + block).split(b"\n")
        if not block and rest:
            lines, rest = [rest], b""
        texts: list[str] = []
        for line in lines:
            number += 1
            try:
                texts.append(_text(line))
            except (ValueError, RecursionError) as error:
                reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
                yield texts, CallerMistake(f"line {number}: {reason}", fix='each line: {"text": "...", "lang"?: "..."}')
                return
            if len(texts) == BATCH:
                yield texts, None
                texts = []
        if texts:
            yield texts, None
        if not block:
            return


def _text(line: bytes) -> str:
    """The text of one line of JSON. Raises ValueError saying what is wrong."""
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON at column {error.colno}: {error.msg}") from error
    if not isinstance(row, dict) or "text" not in row:
        raise ValueError('expected an object with "text"')
    text, lang = row["text"], row.get("lang")
    if not isinstance(text, str):
        raise ValueError(f'"text" is {type(text).__name__}, expected a string')
    if lang is not None and not isinstance(lang, str):
        raise ValueError(f'"lang" is {type(lang).__name__}, expected a string')
    return text


def train(
    data: Annotated[Path, typer.Option(help="Folder of labelled texts, or one with train/ and dev/ in it.")] = (
        _DEFAULT_DATA
    ),
    out: Annotated[Path | None, typer.Option(help="Where the model goes. Default: the one in use.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Trains the scorer on labelled texts and writes it as a model file."""
    from models import artefact, training  # slow to import, and only this command needs them

    folder = data / "train" if (data / "train").is_dir() else data
    target = artefact.ARTEFACT_PATH if out is None else out
    recipe = training.Recipe(seed=seed)
    _make_room(target)  # before the minutes of training, not after them
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("training", total=training.n_steps(recipe))

            def told(step: str) -> None:
                bar.update(task, advance=1, description=f"training: {step} done")

            content = training.train(folder, recipe, progress=told)
        revision = artefact.loads(content, str(target)).revision
    except models.TrainingDataError as error:
        raise CallerMistake(str(error), fix="--data FOLDER with the files that models/MODEL_CARD.md names") from error
    _write(target, content)
    if as_json:
        print(json.dumps({"revision": revision, "bytes": len(content), "out": str(target)}))
    else:
        Console().print(f"model {revision}, {len(content) / 1e6:.1f} MB, in {target}", highlight=False, soft_wrap=True)


def _make_room(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CallerMistake(f"{target} cannot be written: {error.strerror}", fix="--out FILE") from error
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise CallerMistake(f"{target} cannot be written: not a file in a folder of yours", fix="--out FILE")


def _write(target: Path, content: bytes) -> None:
    """Puts the file there whole or not at all."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CallerMistake(f"{target} cannot be written: {error.strerror}", fix="--out FILE") from error
