"""Read the audit topic, or an export of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

from moderation.audit.chain import decode_entry
from moderation.audit.rows import AuditFilter, AuditRow, row_of
from streams.errors import CallerMistake, ContractError
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

RawRecord = tuple[int, bytes | None]
"""Offset (in a file the line number, from 0) and value of one record."""
PAGE_SCAN = 50_000
"""Entries that one page reads at most."""


async def read_topic(settings: Settings) -> AsyncGenerator[RawRecord, None]:
    """Yield every committed record up to the present end; raises the errors of `LogReader`."""
    async with LogReader(connection(settings), settings.topic(AUDIT), committed_only=True) as reader:
        async for batch in reader.to_end():
            for record in batch:
                yield record.offset, record.value


def read_file(path: Path) -> Iterator[RawRecord]:
    """Yield every line of an export in the `raw` format.

    Raises:
        CallerMistake: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                yield number, line.rstrip(b"\n")
    except OSError as error:
        raise CallerMistake(f"{path}: {error.strerror}", fix="name a file of `audit export --format raw`") from None


async def read_page(
    settings: Settings, wanted: AuditFilter, first: int, most: int
) -> tuple[list[AuditRow], int | None]:
    """Read the matching entries from number `first` on.

    A page ends after `most` rows or PAGE_SCAN entries. An entry's offset is never below its number, because
    transactions only leave gaps.

    Returns:
        The rows, and the number of the next page's first entry; None at the end.
    """
    rows: list[AuditRow] = []
    async with LogReader(connection(settings), settings.topic(AUDIT), committed_only=True) as reader:
        end = (await reader.bounds((0,)))[0].end
        if first >= end:
            return [], None
        async with aclosing(reader.to_end({0: first})) as batches:
            async for batch in batches:
                for record in batch:
                    try:
                        entry = decode_entry(record.value)
                    except ContractError:
                        continue  # `audit verify` reports it
                    if entry.seq < first:
                        continue
                    row = row_of(entry)
                    matches = wanted.matches(entry, row)
                    if entry.seq - first >= PAGE_SCAN or (matches and len(rows) == most):
                        return rows, entry.seq
                    if matches:
                        rows.append(row)
    return rows, None
