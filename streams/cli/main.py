"""The one command. Commands of the packages above this one come in by the entry points `hushtag.commands`."""

from __future__ import annotations

import os
import select
import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from streams.errors import HushtagError

EXIT_UNREAD = 141
"""Whoever read the output has gone, as `| head` does: what a shell reports of a program that SIGPIPE ended."""

MODULES = (
    "topics", "worker", "events", "scoring", "dump", "replay", "panes", "flags", "policy", "model",
    "explain", "settings",
)  # fmt: skip
"""Modules beside this one that have commands, in the order in which help lists them."""


class _Commands(TyperGroup):
    """Ends quietly when nobody reads the output any more; typer would with 1, which says that a dependency is away."""

    def invoke(self, ctx: Any) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except BrokenPipeError as error:
            if not _is_unread():
                raise RuntimeError(f"a pipe broke: {error}") from error  # typer would hide it
            _end_unread()


def _is_unread() -> bool:
    output = select.poll()
    output.register(sys.stdout, 0)
    return bool(output.poll(0))  # nothing but that the other end is closed


def _end_unread() -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still writes at its end
    raise SystemExit(EXIT_UNREAD)


def _on_broken_pipe(self: Console) -> None:
    _end_unread()


Console.on_broken_pipe = _on_broken_pipe  # type: ignore[method-assign] # rich, too, would exit with 1


def make_app() -> typer.Typer:
    """The command with everything that is installed."""
    app = typer.Typer(
        name="hushtag",
        help="Keeps harmful hashtags out of trends and search suggestions.",
        cls=_Commands,
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
    """Entry point: exit codes as documented (1 a dependency is away, 2 the caller's mistake, 3 the answer is no).

    141 where nobody reads the output to its end.
    """
    try:
        make_app()(standalone_mode=True)
    except HushtagError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.fix:
            print(f"fix: {error.fix}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
