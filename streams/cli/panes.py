"""`hushtag panes`: settled panes, row by row."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from hushtag_client.normalise import normalise
from rich.console import Console
from rich.table import Table

from streams.naming import country_of
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.panes import PaneRow

_encode = msgspec.json.Encoder().encode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(panes)


def panes(
    hashtag: Annotated[str | None, typer.Option(help="Only this hashtag, in any spelling.")] = None,
    country: Annotated[str | None, typer.Option(help="Only this country; * is the world.")] = None,
    retracted: Annotated[
        bool, typer.Option("--retracted", help="Beside them how many of the tweets were deleted since.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the settled minute panes of every hashtag and country: tweets and distinct authors, as they settled."""
    where = None if country is None else country_of(country)
    rows, gone = asyncio.run(_rows(load_settings(), hashtag and normalise(hashtag), where))
    if json or not sys.stdout.isatty():
        for row in rows:
            more = {"retracted": gone[row.hashtag, row.country, row.start_ms]} if retracted else {}
            sys.stdout.buffer.write(_encode({**as_json(row), **more}) + b"\n")
        sys.stdout.buffer.flush()
        return
    table = Table("minute", "hashtag", "country", "tweets", "authors", *(["retracted"] if retracted else []))
    for row in rows:
        minute = f"{datetime.fromtimestamp(row.start_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        beside = [str(gone[row.hashtag, row.country, row.start_ms])] if retracted else []
        table.add_row(minute, row.hashtag, row.country, str(row.tweets), str(row.authors), *beside)
    Console().print(table)


def as_json(row: PaneRow) -> dict[str, str | int]:
    """A row of a minute pane as `panes` and `replay --panes` write it."""
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
    """The rows, and by hashtag, country and minute how many of the tweets were deleted since."""
    from streams.counting.block_counts import MINUTE_MS, PANE_MS
    from streams.counting.keys import Tags
    from streams.log.panes import Parts, assemble, pane_records, rows_of
    from streams.log.reading import LogReader, connection
    from streams.log.retractions import are_retractions, decode_retractions

    gone: set[tuple[str, str, int, int]] = set()
    parts = Parts()
    rows: list[PaneRow] = []
    async with LogReader(connection(settings), settings.topic("hashtag-panes")) as reader:
        async for batch in reader.to_end():
            for deleted in (decode_retractions(one.value) for one in batch if are_retractions(one.value)):
                gone.update(one for one in deleted.uses() if hashtag in (None, one[0]))
            for record in pane_records(one.value for one in batch):
                whole = parts.add(record) if record.length_ms == MINUTE_MS else []
                if not whole or (hashtag is not None and not any(hashtag in part.hashtags for part in whole)):
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
        for name, where, pane, _ in gone
        for scope in {where, "*"} - {""}
    )
    return sorted(rows, key=lambda row: (row.start_ms, row.hashtag, row.country)), minutes
