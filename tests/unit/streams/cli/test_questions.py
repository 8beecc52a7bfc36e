"""What a command line lacks: a person at a terminal is asked, a script gets an error that names it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.terminal import CTRL_C, Terminal

PROGRAM = """
import typer
from streams.cli.main import _Commands
app = typer.Typer(cls=_Commands)
@app.command()
def hide(tags: list[str] = typer.Argument(help="Hashtags."), reason: str = typer.Option(help="Why."), count: int = 1):
    print(f"tags={tags} reason={reason} count={count}")
@app.command()
def other(): ...
app()
"""
COMMAND = [sys.executable, "-c", PROGRAM, "hide"]


@pytest.mark.parametrize(
    ("words", "questions", "result"),
    [
        (["a", "--reason", "r"], [], "tags=['a'] reason=r count=1"),
        (["a", "--count", "2"], [("--reason: Why.", "-x y")], "tags=['a'] reason=-x y count=2"),
        (["--reason", "r"], [("TAGS", "b -c")], "tags=['b', '-c'] reason=r count=1"),
        ([], [("TAGS", "b"), ("--reason: Why.", ""), (">", "r")], "tags=['b'] reason=r count=1"),
    ],
)
def test_terminal_is_asked_for_what_is_missing(words: list[str], questions: list[tuple[str, str]], result: str) -> None:
    with Terminal([*COMMAND, *words]) as terminal:
        for question, answer in questions:
            terminal.wait_for(question)
            terminal.output = ""
            terminal.type(answer + "\n")
        terminal.wait_for(result)
        assert terminal.wait() == 0


def test_person_who_gives_up_gets_the_error() -> None:
    with Terminal([*COMMAND, "a"]) as terminal:
        terminal.wait_for("--reason: Why.")
        terminal.press_until(CTRL_C, "Missing option")
        assert terminal.wait() == 2


def test_terminal_is_asked_for_lines() -> None:
    with Terminal([sys.executable, "-m", "streams.cli.main", "inspect"]) as terminal:
        terminal.wait_for("type payloads, one a line; Ctrl-D ends")
        terminal.type("no tweet\n")
        terminal.wait_for('"ok":false')
        terminal.type("\x04")
        assert terminal.wait() == 0


def test_script_gets_an_error_that_names_the_option() -> None:
    done = subprocess.run([*COMMAND, "a"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing option" in done.stderr and "--reason" in done.stderr
