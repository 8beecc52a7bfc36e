"""Records the help of every command, and the decisions and panes of replayed histories."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from tests.support.command_line import command

HISTORIES = range(10)


def helps() -> Iterator[tuple[str, str]]:
    """Yield the words of each command, and its help at 100 columns."""
    for words in sorted(_commands(command(), ())):
        result = CliRunner().invoke(_app(), [*words, "--help"], terminal_width=100, env={"COLUMNS": "100"})
        yield " ".join(words), result.output


def replay(seed: int, folder: Path) -> None:
    """Simulate six minutes of a seed, and write the decisions and the panes of their replay."""
    history, panes = folder / f"{seed}.history", folder / f"{seed}.panes"
    simulated = ["simulate", "--seed", str(seed), "--minutes", "6", "--rate", "40", "--start-ms", "1612800000000"]
    truth = folder / f"{seed}.truth"
    history.write_bytes(_run([*simulated, "--truth", str(truth)]))
    decisions = _run(["replay", str(history), "--early", "--panes", str(panes)])
    (folder / f"{seed}.decisions").write_bytes(decisions)
    history.unlink()
    truth.unlink()


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for name, inner in getattr(group, "commands", {}).items():
        yield from _commands(inner, (*words, name))


def _app() -> typer.Typer:
    from streams.cli.main import make_app

    return make_app()


def _run(words: list[str]) -> bytes:
    hushtag = Path(sys.executable).with_name("hushtag")
    return subprocess.run([hushtag, *words], check=True, stdout=subprocess.PIPE).stdout
