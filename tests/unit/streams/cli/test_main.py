"""Exit codes of the command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from streams.cli.main import EXIT_UNREAD


@pytest.mark.parametrize("arguments", [["settings", "--json"], ["settings"], ["--help"]])
def test_closed_output_exits_with_141(arguments: list[str]) -> None:
    """Covers output by print, by rich and by the help."""
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


def test_broken_pipe_of_child_is_an_error() -> None:
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
