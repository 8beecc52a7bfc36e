"""`hushtag policy`: check a policy file, print its schema; the other subcommands are in the modules `policy_*`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import JsonLines
from streams.cli.output import cannot_write, print_json, write_text
from streams.errors import EXIT_CALLER, CallerMistake

TABLE_BEGINS = "<!-- keys: made by `hushtag policy schema --table --into docs/policy.md` -->"
TABLE_ENDS = "<!-- end of keys -->"


def register(app: typer.Typer) -> None:
    """Add the group `policy` to the command."""
    from streams.cli.policy_change import apply, diff, rollback
    from streams.cli.policy_impact import impact
    from streams.cli.policy_shadow import shadow
    from streams.cli.policy_status import status
    from streams.cli.policy_suggest import suggest

    policy = typer.Typer(no_args_is_help=True, help="Check, try, apply and look at the policy.")
    for command in (check, diff, impact, shadow, suggest, apply, rollback, status, schema):
        policy.command()(command)
    app.add_typer(policy, name="policy")


def check(
    files: Annotated[list[Path], typer.Argument(help="Policy files.", metavar="FILE...", show_default=False)],
    shards: Annotated[
        int | None,
        typer.Option(
            help="Number of shards that share the caps.", min=1, max=1024, metavar="NUMBER",
            show_default="HUSHTAG_SHARDS"
        )
    ] = None,
    as_json: JsonLines = False,
) -> None:  # fmt: skip
    """Report every problem of policy files, and keys that never take effect; exit with 2 if there is a problem.

    With --json each problem or warning is one object, and a good file prints nothing.
    """
    from streams.settings import load_settings

    shared_by = load_settings().shards if shards is None else shards
    failed = [path for path in files if not _check_one(path, shared_by, as_json)]
    if failed:
        raise typer.Exit(EXIT_CALLER)


def _check_one(path: Path, shards: int, as_json: bool) -> bool:
    from streams.policy import PolicyFileError, parse_policy, policy_warnings

    try:
        text = _read_limited(path)
        policy = parse_policy(text, str(path), shards=shards)
    except PolicyFileError as error:
        if as_json:
            print_json(*(problem.as_json() for problem in error.problems))
        else:
            many = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
            print(f"{error}\n{path}: {many}")
        return False
    warnings = policy_warnings(policy, text, str(path))
    if as_json:
        print_json(*(warning.as_json() for warning in warnings))
    else:
        for warning in warnings:
            print(warning.render())
        modes = ", ".join(f"{name} {policy.categories[name].mode}" for name in policy.category_names)
        print(f"{path}: good. revision {policy.revision}, serial {policy.serial}: {modes}")
    return True


def _read_limited(path: Path) -> bytes:
    """Read a file, at most one byte more than a policy may have.

    Raises:
        PolicyFileError: the file does not exist, is a folder, or is not readable.
    """
    from streams.policy import PolicyFileError, Problem
    from streams.policy.source import SIZE_MAX

    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = Problem(1, 1, str(path), f"cannot be read: {reason}", "a policy file", "name an existing file")
        raise PolicyFileError([problem]) from error


def schema(
    table: Annotated[bool, typer.Option("--table", help="Print Markdown tables of the keys instead.")] = False,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write to FILE; with --table, replace the part of FILE between its two marks.",
            show_default="standard output",
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of a policy file, for editors and for programs that write policies."""
    from streams.policy.schema import policy_schema, tables

    text = tables() if table else json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"
    if into is None:
        print(text, end="")
        return
    if table:
        try:
            text = with_table(into.read_text("utf-8"), text)
        except OSError as error:
            raise cannot_write(into, error) from error
    write_text(into, text)


def with_table(document: str, table: str) -> str:
    """Replace the table between a document's marks.

    Raises:
        CallerMistake: the document has no marks.
    """
    head, begins, rest = document.partition(TABLE_BEGINS)
    _, ends, tail = rest.partition(TABLE_ENDS)
    if not begins or not ends:
        raise CallerMistake("the file has no marks for the table", fix=f"add the lines {TABLE_BEGINS} and {TABLE_ENDS}")
    return f"{head}{begins}\n\n{table}\n{ends}{tail}"
