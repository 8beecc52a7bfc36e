"""Reads the audit topic, or a copy of it in a file, from its beginning: what verify and export go through."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from streams.errors import CallerMistake
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

Raw = tuple[int, bytes | None]
"""Offset (or line, from 0) and value of one record."""


async def read_topic(settings: Settings) -> AsyncGenerator[Raw, None]:
    """Every committed record of the audit topic, to its present end. Errors: those of `LogReader`."""
    async with LogReader(connection(settings), settings.topic(AUDIT), committed_only=True) as reader:
        async for batch in reader.to_end():
            for record in batch:
                yield record.offset, record.value


def read_file(path: Path) -> Iterator[Raw]:
    """Every line of an export in the `raw` format.

    Raises:
        CallerMistake: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                yield number, line.rstrip(b"\n")
    except OSError as error:
        raise CallerMistake(f"{path}: {error.strerror}", fix="name a file of `audit export --format raw`") from None
