"""The one command. Commands of the packages above this one come in by the entry points `hushtag.commands`."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points

import typer

from streams.errors import HushtagError

MODULES = (
    "stack", "topics", "worker", "events", "scoring", "simulate", "dump", "replay", "panes", "flags", "policy", "model",
    "explain", "settings",
)  # fmt: skip
"""Modules beside this one that have commands, in the order in which help lists them."""


def make_app() -> typer.Typer:
    """The command with everything that is installed."""
    app = typer.Typer(
        name="hushtag",
        help="Keeps harmful hashtags out of trends and search suggestions.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in MODULES:
        import_module(f"streams.cli.{module}").register(app)
    for entry in sorted(entry_points(group="hushtag.commands"), key=lambda one: one.name):
        entry.load()(app)
    return app


def run() -> None:
    """Entry point: exit codes as documented (1 a dependency is away, 2 the caller's mistake, 3 the answer is no)."""
    try:
        make_app()(standalone_mode=True)
    except HushtagError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.fix:
            print(f"fix: {error.fix}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    run()
