"""`hushtag dump`: print a topic as log lines."""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import Annotated, Any

import typer

from streams.cli.options import AlwaysJson
from streams.cli.output import json_line
from streams.errors import CallerMistake
from streams.log.topic_specs import SPEC_BY_NAME
from streams.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add `dump` to the command."""
    app.command()(dump)


def dump(
    topic: Annotated[str, typer.Argument(help="Topic of hushtag, without the prefix.")],
    partition: Annotated[
        int | None, typer.Option(min=0, metavar="NUMBER", help="Only this partition.", show_default="all")
    ] = None,
    json: AlwaysJson = False,
) -> None:
    """Print a topic up to its present end as log lines. `hushtag replay` reads those of `tweets`.

    A line is {"partition", "offset", "log_time_ms", "key", "value"}. A value that is not UTF-8 is printed as
    "value_base64".
    """
    if topic not in SPEC_BY_NAME:
        raise CallerMistake(f"hushtag has no topic {topic!r}", fix=f"name one of {', '.join(sorted(SPEC_BY_NAME))}")
    asyncio.run(_dump(load_settings(), topic, partition))


async def _dump(settings: Settings, topic: str, partition: int | None) -> None:
    from streams.log.reading import LogReader, connection

    async with LogReader(connection(settings), settings.topic(topic)) as reader:
        starts = None if partition is None else {partition: None}
        async for batch in reader.to_end(starts):
            sys.stdout.buffer.writelines(json_line(as_log_line(record)) for record in batch)
    sys.stdout.buffer.flush()


def as_log_line(record: Any) -> dict[str, str | int | None]:
    """Return a Kafka record as plain JSON; see `streams.log.lines.LogLine`."""
    line: dict[str, str | int | None] = {
        "partition": record.partition,
        "offset": record.offset,
        "log_time_ms": record.timestamp,
        "key": None if record.key is None else record.key.decode("utf-8", "replace"),
    }
    value: bytes | None = record.value
    try:
        line["value"] = None if value is None else value.decode()
    except UnicodeDecodeError:
        assert value is not None
        line["value_base64"] = base64.b64encode(value).decode()
    return line
