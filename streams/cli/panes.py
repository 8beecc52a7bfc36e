"""`hushtag panes`: print settled minute panes, row by row."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from hushtag_client.normalise import normalise

from streams.cli.lists import print_list
from streams.cli.options import JsonLines
from streams.cli.output import errors, in_utc, json_line
from streams.naming import country_of
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.pane_rows import PaneRow


def register(app: typer.Typer) -> None:
    """Add `panes` to the command."""
    app.command()(panes)


def panes(
    hashtag: Annotated[
        str | None, typer.Option(metavar="TAG", help="Only this hashtag, in any spelling.", show_default="all")
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only this country; * is the world.", show_default="all")
    ] = None,
    retracted: Annotated[
        bool, typer.Option("--retracted", help="Also print how many of the tweets were deleted later.")
    ] = False,
    json: JsonLines = False,
) -> None:
    """Print the settled minute panes of each hashtag and country: tweets and distinct authors."""
    code = None if country is None else country_of(country)
    rows, deleted = asyncio.run(_rows(load_settings(), hashtag and normalise(hashtag), code))
    if json:
        for row in rows:
            more = {"retracted": deleted[row.hashtag, row.country, row.start_ms]} if retracted else {}
            sys.stdout.buffer.write(json_line({**as_json(row), **more}))
        sys.stdout.buffer.flush()
        return
    cells = []
    for row in rows:
        counts = [row.tweets, row.authors, *([deleted[row.hashtag, row.country, row.start_ms]] if retracted else [])]
        cells.append((f"#{row.hashtag}", in_utc(row.start_ms), row.country, *map(str, counts)))
    headers = ("hashtag", "minute", "country", "tweets", "authors", *(["retracted"] if retracted else []))
    print_list(headers, cells)
    if not cells:
        errors.print("no settled panes" + (" match the filters" if hashtag or country else ""))


def as_json(row: PaneRow) -> dict[str, str | int]:
    """Return a row of a minute pane as `panes` and `replay --panes` print it."""
    return {
        "hashtag": row.hashtag,
        "country": row.country,
        "minute_ms": row.start_ms,
        "tweets": row.tweets,
        "authors": row.authors,
    }


async def _rows(
    settings: Settings, hashtag: str | None, country: str | None
) -> tuple[list[PaneRow], Counter[tuple[str, str, int]]]:
    """Read the rows, and the number of deleted tweets by hashtag, country and minute."""
    from streams.constants import MINUTE_MS, PANE_MS
    from streams.counting.keys import Tags
    from streams.log.pane_assembly import PaneParts, assemble
    from streams.log.pane_rows import rows_of
    from streams.log.panes import pane_records
    from streams.log.reading import LogReader, connection
    from streams.log.retractions import are_retractions, decode_retractions

    deleted: set[tuple[str, str, int, int]] = set()
    parts = PaneParts()
    rows: list[PaneRow] = []
    async with LogReader(connection(settings), settings.topic("hashtag-panes")) as reader:
        async for batch in reader.to_end():
            for retractions in (decode_retractions(record.value) for record in batch if are_retractions(record.value)):
                deleted.update(use for use in retractions.uses() if hashtag in (None, use[0]))
            for record in pane_records(record.value for record in batch):
                whole = parts.add(record) if record.length_ms == MINUTE_MS else []
                if not whole or (hashtag is not None and not any(hashtag in part.names for part in whole)):
                    continue
                tags = Tags()
                (pane,) = assemble(whole, tags)
                rows += [
                    row
                    for row in rows_of(pane, tags)
                    if (hashtag is None or row.hashtag == hashtag) and (country is None or row.country == country)
                ]
    minutes = Counter(
        (name, scope, pane * PANE_MS // MINUTE_MS * MINUTE_MS)
        for name, where, pane, _ in deleted
        for scope in {where, "*"} - {""}
    )
    return sorted(rows, key=lambda row: (row.start_ms, row.hashtag, row.country)), minutes
