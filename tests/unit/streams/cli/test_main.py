"""Exit codes of the command."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from typer.main import get_command

from streams.cli.main import EXIT_UNREAD, make_app

COMMANDS = list(entry_points(group="hushtag.commands"))


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
def other(*command):
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


@pytest.mark.parametrize("module", sorted({entry.value for entry in COMMANDS}))
def test_entry_points_name_each_command_of_a_module(module: str) -> None:
    names = {entry.name for entry in COMMANDS if entry.value == module}
    for name in names:
        assert set(get_command(make_app(name)).commands) == names  # type: ignore[attr-defined]


def test_unknown_word_has_every_command() -> None:
    commands = get_command(make_app("blok")).commands  # type: ignore[attr-defined]
    assert set(commands) == {entry.name for entry in COMMANDS}


def imported_by(*commands: str) -> set[str]:
    """Return the modules that a process has imported once it has built these commands; "" builds all of them."""
    code = "import sys; from streams.cli.main import make_app; [make_app(name) for name in sys.argv[1:]]"
    program = [sys.executable, "-c", f"{code}; print(*sys.modules)", *commands]
    return set(subprocess.run(program, capture_output=True, text=True, check=True).stdout.split())


def test_command_imports_no_other_module() -> None:
    modules = imported_by("policy")
    assert "streams.cli.policy" in modules
    assert not [name for name in modules if name.startswith("moderation.") or name == "streams.cli.events"]


def test_no_command_imports_what_takes_long_before_it_runs() -> None:
    modules = imported_by("")
    assert {"moderation.cli.cases", "streams.cli.worker"} <= modules
    assert not modules & {"numba", "scipy", "sklearn", "fastapi", "jinja2", "faust", "kafka", "models.compiled"}


def test_commands_that_read_no_topic_import_no_kafka_client() -> None:
    commands = ("settings", "policy", "acls", "hashtags", "score", "statement", "proof", "api-key", "model", "schemas")
    assert "aiokafka" not in imported_by(*commands)
