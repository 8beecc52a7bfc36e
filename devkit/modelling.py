"""`hushtag train` and `hushtag evaluate`: train a model on labelled texts, and measure a model."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import models
from streams.cli.scoring import stack
from streams.errors import EXIT_NO, CallerMistake

if TYPE_CHECKING:
    from models.data import Example

_MOST_OF_A_SOURCE = 1_200  # maximum texts of a source with stage 2, which takes ten milliseconds a text
_REMEMBER = Path(".cache") / "encoder"
_DEFAULT_DATA = Path(models.__file__).resolve().parents[1].parent / "shared" / "data" / "harm"
# Purpose of the simulator's kinds of text in the figures on false positives.
_PURPOSES = {"harmful": "hate", "counter_speech": "counter", "news": "quote"}
_N_SIMULATED = 400  # texts of each kind and language, fewer after removal of repeats


def register(app: typer.Typer) -> None:
    """Add the commands `train` and `evaluate`."""
    app.command()(train)
    app.command()(evaluate)


def train(
    data: Annotated[Path, typer.Option(help="Folder of labelled texts, or one with train/ and dev/.")] = (
        _DEFAULT_DATA
    ),
    out: Annotated[Path | None, typer.Option(help="Output file. Default: the model in use.")] = None,
    any_data: Annotated[bool, typer.Option(help="Accept files that models/sources.toml does not list.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.", min=0)] = 0,
    stage: Annotated[
        int,
        typer.Option(help="2: train the model on the encoder's vectors, for the linear model in use.", min=1, max=2),
    ] = 1,
    remember: Annotated[Path, typer.Option(help="With --stage 2: cache folder for vectors of texts.")] = _REMEMBER,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Train the scorer on labelled texts and write it to a model file."""
    from models import artefact, training  # slow to import, and used by this command alone

    if not any_data and (data / "train").is_dir():
        _check_sources(data)
    folder = data / "train" if (data / "train").is_dir() else data
    recipe = training.Recipe(seed=seed)
    if stage == 2:
        target, trainer = _stage_2_trainer(out, remember)
    else:
        target = artefact.ARTEFACT_PATH if out is None else out
        trainer = partial(training.train, recipe=recipe)
    _make_room(target)  # fail before the minutes of training, not after them
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("training", total=1.0)

            def on_progress(step: str, part: float) -> None:
                bar.update(task, completed=part, description=f"training: {step}")

            content = trainer(folder, progress=on_progress)
    except models.TrainingDataError as error:
        raise CallerMistake(
            str(error), fix="set --data to a folder with the files that models/MODEL_CARD.md names"
        ) from error
    revision = hashlib.sha256(content).hexdigest()[:12]
    _write(target, content)
    if as_json:
        print(json.dumps({"revision": revision, "bytes": len(content), "out": str(target)}))
    else:
        Console().print(f"model {revision}, {len(content) / 1e6:.1f} MB, in {target}", highlight=False, soft_wrap=True)


def _stage_2_trainer(out: Path | None, remember: Path) -> tuple[Path, Callable[..., bytes]]:
    """Return the output file and the training function."""
    from models import artefact

    try:
        from models.encoder import stack_file, stacking
        from models.encoder.encoder import Encoder

        encoder = Encoder.with_cache(remember, threads=os.cpu_count() or 1)
    except (ImportError, models.EncoderUnavailable) as error:
        raise CallerMistake(f"stage 2 is not installed: {error}", fix="run make encoder") from error
    linear = artefact.load(artefact.ARTEFACT_PATH)
    return (
        stack_file.STACK_PATH if out is None else out,
        partial(stacking.train, stage_1=linear, encoder=encoder),
    )


def _check_sources(folder: Path) -> None:
    from models import sources

    problems = sources.problems(folder)
    if problems:
        raise CallerMistake("; ".join(problems), fix="get the files that models/sources.toml lists, or pass --any-data")


def evaluate(
    data: Annotated[Path, typer.Option(help="Folder of labelled texts, or one with train/ and dev/.")] = (
        _DEFAULT_DATA
    ),
    model: Annotated[Path | None, typer.Option(help="Model file. Default: the model of this release.")] = None,
    stage: Annotated[int, typer.Option(help="2: measure with the encoder, compared with stage 1.", min=1, max=2)] = 1,
    remember: Annotated[Path, typer.Option(help="With --stage 2: cache folder for vectors of texts.")] = _REMEMBER,
    html: Annotated[Path | None, typer.Option(help="Write a page with tables and plots to this file.")] = None,
    baseline: Annotated[bool, typer.Option(help="Train the baseline recipe and compare with it.")] = True,
    record: Annotated[
        bool, typer.Option(help="Store the guarded figures as reference, unless they are worse.")
    ] = False,
    accept_worse: Annotated[str, typer.Option(help="With --record: the reason to accept worse figures.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a figure on standard output.")] = False,
) -> None:
    """Measure a model: ranking, calibration, false positives, identity groups, shares of hashtags.

    With --stage 2 the differences are those to stage 1, and at most 1,200 texts of a source are measured.
    """
    from models import artefact
    from models.evaluation import guard, report, run

    path = artefact.ARTEFACT_PATH if model is None else model
    if stage == 2 and record:
        raise CallerMistake(
            "--record works with stage 1 only: the gate guards the linear model", fix="leave out --stage 2"
        )
    if html is not None:
        _make_room(html)
    try:
        stage_1 = models.load_scorer(path)
        scorer = stage_1 if stage == 1 else stack(path, remember)
        evaluation = run.evaluate(
            scorer,
            data,
            compared_with=None if stage == 1 else stage_1,
            max_per_source=None if stage == 1 else _MOST_OF_A_SOURCE,
            with_baseline=baseline,
            extra_sets={"simulated": _simulated()},
        )
    except models.ArtefactError as error:
        raise CallerMistake(str(error), fix="name a file that hushtag train wrote") from error
    except models.TrainingDataError as error:
        raise CallerMistake(str(error), fix="set --data to a folder with train/ and dev/") from error
    if html is not None:
        _write(html, report.html(evaluation).encode())
    for line in (json.dumps(f.as_dict()) for f in evaluation.figures) if as_json else report.markdown(evaluation):
        typer.echo(line)
    if record:
        worse = guard.record(
            guard.REFERENCE_PATH, guard.sha256(path), guard.to_stored(evaluation.figures), accept_worse
        )
        for problem in worse:
            typer.echo(f"not stored, worse beyond noise: {problem}", err=True)
        if worse:
            raise typer.Exit(EXIT_NO)


def _simulated() -> list[Example]:
    """Draw the simulator's texts by kind; their authors differ from those of the training data."""
    from devkit.simulation.data import own_texts
    from devkit.simulation.texts import KINDS
    from models.data import UNLABELLED, Example

    texts, rng, examples = own_texts(), random.Random(0), []
    for kind in KINDS:
        label = int(kind == "harmful")
        for language in ("en", "hi", "hi-Latn"):
            drawn = dict.fromkeys(texts.draw(kind, language, rng, subject) for subject in range(_N_SIMULATED))
            labels = (label, label, UNLABELLED, UNLABELLED)
            examples += [Example(text, "simulated", _PURPOSES.get(kind, kind), language, labels) for text in drawn]
    return examples


def _make_room(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CallerMistake(f"{target} cannot be written: {error.strerror}", fix="set --out to another file") from error
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise CallerMistake(
            f"{target} cannot be written: not a file in a writable folder", fix="set --out to another file"
        )


def _write(target: Path, content: bytes) -> None:
    """Write the file atomically."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CallerMistake(f"{target} cannot be written: {error.strerror}", fix="set --out to another file") from error
