"""A gap is never passed over, nor a log that has become shorter: what to do when offsets are not those expected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum

from faust.types.tuples import TP

from streams.errors import DependencyAway, HushtagError, TopicsError
from streams.log.reading import LogReader, connection
from streams.pipeline.backlog import End
from streams.settings import Settings

_LOOK_SECONDS = 1.0
"""Between two looks at the lengths of logs."""


class Gap(Enum):
    """Why offsets are missing."""

    RETENTION = "retention"
    """The log's first offset is above the expected one: records are gone for good."""
    HOLE = "hole"
    """Nothing is there: transaction markers, or compaction."""


class LostRecords(HushtagError):
    """Records that are in the log were not delivered. The worker ends, and replays."""

    exit_code = 1


def cut_short(topic: str, partition: int, end: int, read: int) -> TopicsError:
    """A log ends before what was read of it: whatever is written now lies where something else was read already."""
    return TopicsError(
        f"{topic}[{partition}] ends at {end}, before {read}: it was cut short, or made anew",
        fix="hushtag topics check; new topics ask for a new HUSHTAG_GROUP, and for a Redis that does not know the old: "
        "stop all workers, then redis-cli --scan --pattern '{hushtag}:v1:*' | xargs -r redis-cli DEL",
    )


async def watch_lengths(settings: Settings, reached: Callable[[], Mapping[TP, int]], told: End) -> None:
    """For ever: whether a log has become shorter than it was.

    What the consumer was told last gives rise to a question only, for a new leader may know of less for a moment. The
    broker's answer counts.

    Args:
        reached: up to where the logs that are ours were read, by us or a predecessor.
        told: the end that the consumer was last told.
    Raises:
        TopicsError: it has; see `cut_short`.
    """
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        for tp, read in reached().items():
            end = told(tp)
            if end is not None and end < read:
                try:
                    async with LogReader(connection(settings), tp.topic) as reader:
                        end = (await reader.bounds((tp.partition,)))[tp.partition].end
                except DependencyAway:
                    continue  # others have a deadline for that
                if end < read:
                    raise cut_short(tp.topic, tp.partition, end, read)


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
