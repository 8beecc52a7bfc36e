"""`hushtag schemas`: the schemas of registers, records and webhooks, for programs in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.output import cannot_write, errors


def register(app: typer.Typer) -> None:
    """Add the group `schemas` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Write the schemas of registers, records and webhooks.")
    group.command("docs")(docs)
    group.callback()(lambda: None)  # keep the name of the only subcommand
    app.add_typer(group, name="schemas")


def docs(
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Folder to write to; created if needed.")],
) -> None:
    """Write JSON Schemas (2020-12) and an AsyncAPI 3 document of the topics into a folder."""
    from moderation.outward.schemas.files import schema_files

    try:
        into.mkdir(parents=True, exist_ok=True)
        for name, text in schema_files().items():
            (into / name).write_text(text, "utf-8")
    except OSError as error:
        raise cannot_write(into, error) from error
    errors.print(f"wrote {len(schema_files())} files to {into}", style="green")
