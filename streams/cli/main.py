"""The `hushtag` command. The entry points `hushtag.commands` name the module of each subcommand."""

from __future__ import annotations

import os
import select
import sys
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from streams.cli.help import polish_help
from streams.cli.questions import ask_for_missing
from streams.errors import HushtagError

EXIT_UNREAD = 141
"""Exit code when the reader of the output has gone, as with `| head`; a shell reports the same for SIGPIPE."""


class _Commands(TyperGroup):
    """Command group that exits with 141 on a closed output. typer would exit with 1, the code for a dependency."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        polish_help(self)
        ask_for_missing(self)

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
    return bool(output.poll(0))  # any event means that the other end is closed


def _end_unread() -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python still flushes to it at exit
    raise SystemExit(EXIT_UNREAD)


def _on_broken_pipe(self: Console) -> None:
    _end_unread()


Console.on_broken_pipe = _on_broken_pipe  # type: ignore[method-assign] # rich would exit with 1


def make_app(command: str = "") -> typer.Typer:
    """Build the command with the subcommands of every installed package.

    Args:
        command: a subcommand. If a package has it, the others are left out, because each imports much.
    """
    app = typer.Typer(
        name="hushtag",
        help="Keep harmful hashtags out of trends and search suggestions.",
        cls=_Commands,
        callback=_no_options,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    installed = [entry for entry in entry_points(group="hushtag.commands") if _is_installed(entry)]
    chosen = [entry for entry in installed if entry.name == command] or installed
    for register in dict.fromkeys(entry.load() for entry in chosen):
        register(app)
    return app


def _no_options() -> None:
    """Keep subcommands where only one is registered: typer would take it for the command itself."""


def _is_installed(entry: EntryPoint) -> bool:
    return find_spec(entry.module.partition(".")[0]) is not None  # a production image has no devkit


def run() -> None:
    """Run the command and exit.

    Exit codes: 0 done, 1 a dependency is away, 2 the caller's mistake, 3 the answer is no, 141 the output was closed.
    """
    try:
        make_app(*sys.argv[1:2])(standalone_mode=True)
    except HushtagError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.fix:
            print(f"fix: {error.fix}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
