"""`hushtag report`: the transparency report, as a page, as JSON, as a few lines."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from moderation.options import Json
from moderation.orders.dates import parse_time
from moderation.orders.errors import cell_error
from moderation.tables import BadCell
from moderation.terminal import errors, out
from streams.cli.output import quieten
from streams.clock import now_ms
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
    as_json: Json = False,
) -> None:
    """Write the transparency report: hashtags held back, orders received, and the states of the accounts they name.

    States are those of the moment at which the command runs. Small counts are rounded, and no account is named. Without
    --html, --csv and --json it prints a public update as text.
    """
    from moderation.cases.agreement import quality_of
    from moderation.report import page as pages
    from moderation.report.export import as_csv
    from moderation.report.facts import count_facts
    from moderation.report.publish import publish
    from moderation.report.read import read_automated, read_moderation
    from moderation.report.update import update

    try:
        from_ms, to_ms = parse_time("--from", from_), parse_time("--to", to, end=True) + 1
    except BadCell as bad:
        raise cell_error(bad) from None
    if from_ms >= to_ms:
        raise CallerMistake("--from is after --to", fix="give the first day as --from and the last day as --to")
    where = country_of(country) if country not in (None, "*") else None
    settings = load_settings()
    quieten()

    async def read() -> None:
        people = await read_moderation(settings)
        automated, unread = await read_automated(settings, from_ms, to_ms)
        at_ms, gaps = now_ms(), automated.gaps()
        facts = count_facts(people, automated.decisions(), from_ms, to_ms, where, now_ms=at_ms, gaps=gaps)
        if unread:
            errors.print(f"the audit log was not read for this report: {unread}", style="yellow")
        published = publish(facts, quality_of(people, from_ms, to_ms) if where is None else None)
        if page is not None:
            page.write_text(pages.html(published, at_ms), "utf-8")
        if table is not None:
            table.write_text(as_csv(published), "utf-8")
        written = [str(path) for path in (page, table) if path is not None]
        if as_json:
            print(json.dumps(published.facts, ensure_ascii=False))
        elif written:
            out.print(f"written to {', '.join(written)}")
        else:
            out.print(update(published))

    asyncio.run(read())
