"""A gap is never passed over: what to do when a batch begins above the offset that was expected."""

from __future__ import annotations

from enum import Enum

from streams.errors import HushtagError
from streams.log.reading import LogReader, connection
from streams.settings import Settings


class Gap(Enum):
    """Why offsets are missing."""

    RETENTION = "retention"
    """The log's first offset is above the expected one: records are gone for good."""
    HOLE = "hole"
    """Nothing is there: transaction markers, or compaction."""


class LostRecords(HushtagError):
    """Records that are in the log were not delivered. The worker ends, and replays."""

    exit_code = 1


async def explain_gap(settings: Settings, topic: str, partition: int, expected: int, delivered: int) -> Gap:
    """Ask the log itself, by a consumer without a group.

    Raises:
        LostRecords: there is a record at or after `expected` that was not delivered.
        DependencyAway: the broker does not answer.
    """
    async with LogReader(connection(settings), topic) as reader:
        bounds = (await reader.bounds((partition,)))[partition]
        if expected < bounds.begin:
            return Gap.RETENTION
        async for batch in reader.to_end({partition: expected}, {partition: min(delivered + 1, bounds.end)}):
            found = batch[0].offset
            if found == delivered:
                return Gap.HOLE
            raise LostRecords(
                f"{topic}[{partition}]: {delivered} was delivered where {expected} was due, but the log has {found}",
                fix="none needed: the worker starts again and replays from the committed offset",
            )
    return Gap.HOLE
