"""The command as a shell sees it: what it exits with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from streams.cli.main import EXIT_UNREAD


@pytest.mark.parametrize("arguments", [["settings", "--json"], ["settings"], ["--help"]])
def test_it_ends_quietly_when_nobody_reads_on(arguments: list[str]) -> None:
    """By whatever its output is written: print, rich or the help."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli.main", *arguments],
            stdout=writer, stderr=subprocess.PIPE, text=True, timeout=90, check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("HUSHTAG_")},
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (EXIT_UNREAD, "")


def test_a_pipe_to_somebody_else_that_breaks_is_an_error_of_its_own() -> None:
    program = """
import streams.cli.main as main
make_app = main.make_app
def other():
    app = make_app()
    @app.command()
    def breaks():
        raise BrokenPipeError(32, "of a child")
    return app
main.make_app = other
main.run()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "breaks"], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 1
    assert "of a child" in done.stderr
