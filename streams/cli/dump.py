"""`hushtag dump`: a topic as log lines."""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import Annotated, Any

import msgspec
import typer

from streams.errors import CallerMistake
from streams.log.topic_specs import SPEC_OF
from streams.settings import Settings, load_settings

_encode = msgspec.json.Encoder().encode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dump)


def dump(
    topic: Annotated[str, typer.Argument(help="One of hushtag's topics, without the prefix.")],
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, which it always is.")] = False,
) -> None:
    """Print a topic, up to its present end, as log lines; `hushtag replay` reads those of `tweets`.

    A line is {"partition", "offset", "log_time_ms", "key", "value"}; bytes that are not UTF-8 come as "value_base64".
    """
    if topic not in SPEC_OF:
        raise CallerMistake(f"hushtag has no topic {topic!r}", fix=f"one of {', '.join(sorted(SPEC_OF))}")
    asyncio.run(_dump(load_settings(), topic, partition))


async def _dump(settings: Settings, topic: str, partition: int | None) -> None:
    from streams.log.reading import LogReader, connection

    out = sys.stdout.buffer
    async with LogReader(connection(settings), settings.topic(topic)) as reader:
        starts = None if partition is None else {partition: None}
        async for batch in reader.to_end(starts):
            for record in batch:
                out.write(_encode(as_log_line(record)) + b"\n")
    out.flush()


def as_log_line(record: Any) -> dict[str, Any]:
    """A Kafka record as a JSON object; see `streams.replay.LogLine`."""
    line: dict[str, Any] = {
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
