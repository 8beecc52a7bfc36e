"""`hushtag policy`: what is wrong with a policy file, what one may hold; and the commands of the modules beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from streams.errors import EXIT_CALLER, CallerMistake

TABLE_BEGINS = "<!-- keys: made by `hushtag policy schema --table --into docs/policy.md` -->"
TABLE_ENDS = "<!-- end of keys -->"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from streams.cli.impact import impact
    from streams.cli.policy_change import apply, diff, rollback
    from streams.cli.policy_shadow import shadow
    from streams.cli.policy_status import status
    from streams.cli.policy_suggest import suggest

    policy = typer.Typer(
        no_args_is_help=True, help="The policy: check a file, try it on the past, see what it may hold."
    )
    policy.command("check")(check)
    policy.command("diff")(diff)
    policy.command("impact")(impact)
    policy.command("shadow")(shadow)
    policy.command("suggest")(suggest)
    policy.command("apply")(apply)
    policy.command("rollback")(rollback)
    policy.command("status")(status)
    policy.command("schema")(schema)
    app.add_typer(policy, name="policy")


def check(
    files: Annotated[list[Path], typer.Argument(help="Policy files.", metavar="FILE...", show_default=False)],
    shards: Annotated[
        int | None,
        typer.Option(help="How many shards share a cap.", min=1, max=1024, show_default="HUSHTAG_SHARDS"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a problem, nothing for a good file.")
    ] = False,
) -> None:
    """Say everything that is wrong with policy files; exit 2 if anything is."""
    from streams.settings import load_settings

    shared_by = load_settings().shards if shards is None else shards
    failed = [path for path in files if not _check_one(path, shared_by, as_json)]
    if failed:
        raise typer.Exit(EXIT_CALLER)


def _check_one(path: Path, shards: int, as_json: bool) -> bool:
    from streams.policy import PolicyFileError, parse_policy

    try:
        policy = parse_policy(read_limited(path), str(path), shards=shards)
    except PolicyFileError as error:
        if as_json:
            for problem in error.problems:
                print(json.dumps(problem.as_json(), ensure_ascii=False))
        else:
            many = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
            print(f"{error}\n{path}: {many}")
        return False
    if not as_json:
        modes = ", ".join(f"{name} {policy.categories[name].mode}" for name in policy.category_names)
        print(f"{path}: good. revision {policy.revision}, serial {policy.serial}: {modes}")
    return True


def read_limited(path: Path) -> bytes:
    """A file's bytes, no more of them than it takes to see that there are too many; what cannot be read is a problem.

    Raises:
        PolicyFileError: no such file, a folder, no permission.
    """
    from streams.policy import PolicyFileError, Problem
    from streams.policy.text import SIZE_MAX

    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = Problem(1, 1, str(path), f"cannot be read: {reason}", "a policy file", "name one that is there")
        raise PolicyFileError([problem]) from error


def schema(
    table: Annotated[bool, typer.Option("--table", help="Every key with its meaning as Markdown instead.")] = False,
    into: Annotated[
        Path | None,
        typer.Option(help="Write it to this file; a table goes between the marks that the file has for it."),
    ] = None,
) -> None:
    """Print the JSON Schema of a policy file: for editors, and for whoever writes policies by program."""
    from streams.policy.schema import policy_schema, tables

    text = tables() if table else json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"
    if into is None:
        print(text, end="")
        return
    try:
        into.write_text(with_table(into.read_text("utf-8"), text) if table else text, "utf-8")
    except OSError as error:
        raise CallerMistake(
            f"cannot write {into}: {error.strerror}", fix="name a file in a folder that is there"
        ) from error


def with_table(document: str, table: str) -> str:
    """A document with the table between its marks made anew.

    Raises:
        CallerMistake: the document has no marks.
    """
    head, begins, rest = document.partition(TABLE_BEGINS)
    _, ends, tail = rest.partition(TABLE_ENDS)
    if not begins or not ends:
        raise CallerMistake("the file has no marks for the table", fix=f"add the lines {TABLE_BEGINS} and {TABLE_ENDS}")
    return f"{head}{begins}\n\n{table}\n{ends}{tail}"
