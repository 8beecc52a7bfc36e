"""`hushtag report`: the transparency report, as a page, as JSON, as a few lines."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from moderation.options import Json
from moderation.orders.intake import time_of
from moderation.shell import errors, out
from moderation.tables import BadCell
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.naming import country_of
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    from_: Annotated[str, typer.Option("--from", help="First day, ISO 8601.", metavar="DATE")],
    to: Annotated[str, typer.Option("--to", help="Last day, ISO 8601; it is part of the report.", metavar="DATE")],
    country: Annotated[str | None, typer.Option("--country", "-c", help="Only this country.")] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write the page there: one file, no script.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the transparency report: orders received, what was done and what not, hashtags held back and for how long.

    Small counts are rounded, and no account is named. Without --html and --json: a public update in plain words.
    """
    from moderation.report import page as pages
    from moderation.report.facts import gather
    from moderation.report.publish import publish
    from moderation.report.read import automated_decisions, people_s_decisions
    from moderation.review.view import quality_of

    try:
        from_ms, to_ms = time_of("--from", from_), time_of("--to", to, end=True) + 1
    except BadCell as bad:
        raise CallerMistake(f"{bad.field}: {bad.value!r} is {bad.problem}", fix=bad.fix) from None
    if from_ms >= to_ms:
        raise CallerMistake("--from is after --to", fix="the first day, then the last")
    where = country_of(country) if country else None
    settings = load_settings()
    quieten()

    async def read() -> None:
        people = await people_s_decisions(settings)
        automated, unread = await automated_decisions(settings, from_ms, to_ms)
        at_ms, holes = now_ms(), automated.holes()
        facts = gather(people, automated.decisions(), from_ms, to_ms, where, now_ms=at_ms, lacking=holes)
        if unread:
            errors.print(f"not read for this report: {unread}", style="yellow")
        published = publish(facts, quality_of(people, from_ms, to_ms) if where is None else None)
        if page is not None:
            page.write_text(pages.html(published, at_ms), "utf-8")
        if as_json:
            print(json.dumps(published.facts, ensure_ascii=False))
        elif page is not None:
            out.print(f"written to {page}")
        else:
            out.print(pages.update(published))

    asyncio.run(read())
