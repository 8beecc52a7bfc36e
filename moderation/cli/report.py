"""`hushtag report`: the transparency report, as a page, as JSON, as a few lines."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from moderation.cli.options import Json
from moderation.cli.terminal import errors, out
from moderation.domain.orders.dates import parse_time
from moderation.domain.orders.errors import cell_error
from moderation.domain.tables import BadCell
from streams.cli.output import cannot_write, quieten
from streams.errors import CallerMistake
from streams.naming import country_of
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `report` to the command."""
    app.command()(report)


def report(
    from_: Annotated[str, typer.Option("--from", help="First day, in ISO 8601.", metavar="DATE")],
    to: Annotated[str, typer.Option("--to", help="Last day, in ISO 8601, included.", metavar="DATE")],
    country: Annotated[str | None, typer.Option("--country", "-c", help="Only this country.")] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write the page to this file; it contains no scripts.", metavar="FILE")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write every number to this file, a row each.", metavar="FILE")
    ] = None,
    openings: Annotated[
        Path | None,
        typer.Option(
            "--openings",
            help="Write type and day of every log entry to this file, to recount the report.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the transparency report: hashtags held back, orders received, and the states of the accounts they name.

    States are those of the audit log's last checkpoint, or of now without an audit log. Small counts are rounded, and
    no account is named. Without --html, --csv and --json it prints a public update as text.
    """
    from moderation.outward.report.openings import OPENINGS
    from moderation.outward.report.prepared_report import PAGE, TABLE, UPDATE, Period
    from moderation.outward.report.report_inputs import read_report

    try:
        from_ms, to_ms = parse_time("--from", from_), parse_time("--to", to, end=True) + 1
    except BadCell as bad:
        raise cell_error(bad) from None
    if from_ms >= to_ms:
        raise CallerMistake("--from is after --to", fix="give the first day as --from and the last day as --to")
    where = country_of(country) if country not in (None, "*") else None
    settings = load_settings()
    quieten()

    finished = asyncio.run(read_report(settings, Period(from_ms, to_ms, where), with_openings=openings is not None))
    if finished.unread:
        errors.print(f"the audit log was not read for this report: {finished.unread}", style="yellow")
    files = finished.files()
    written = [(path, name) for path, name in ((page, PAGE), (table, TABLE)) if path is not None]
    for path, name in written:
        try:
            path.write_bytes(files[name])
        except OSError as error:
            raise cannot_write(path, error) from None
    if openings is not None:
        if finished.openings is None:
            raise CallerMistake("there are no openings without an audit log", fix="leave --openings out")
        try:
            finished.openings.copy_to(openings)
        except OSError as error:
            raise cannot_write(openings, error) from None
        written.append((openings, OPENINGS))
    if as_json:
        print(json.dumps(finished.published.facts, ensure_ascii=False))
    elif written:
        out.print(f"written to {', '.join(str(path) for path, _ in written)}")
    else:
        out.print(files[UPDATE].decode())
