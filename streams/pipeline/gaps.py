"""Unexpected offsets: gaps between records, and logs that have become shorter than what was read of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from enum import Enum

from faust.types.tuples import TP

from streams.errors import DependencyAway, HushtagError, TopicsError
from streams.log.leader_epochs import LeaderEpochs
from streams.log.reading import LogReader, connection
from streams.pipeline.backlog import KnownEnd
from streams.settings import Settings

_CHECK_SECONDS = 1.0
"""Interval between two checks of the logs' lengths."""


class Gap(Enum):
    """Reason why offsets are missing."""

    RETENTION = "retention"
    """The log's first offset is above the expected one: retention removed the records."""
    HOLE = "hole"
    """The offsets hold no records: transaction markers, or compaction."""
    RECREATED = "recreated"
    """The topic was created again. Its offsets begin at 0 again, and it is read from its first one."""


class LostRecords(HushtagError):
    """Records of the log were not delivered. The worker ends, and replays."""

    exit_code = 1


class SourceRecreated(HushtagError):
    """The source topic has another id: it was created again. The worker ends, and reads it from its first offset."""

    exit_code = 1


def recreated(topic: str, known_id: str, new_id: str) -> SourceRecreated:
    """Return the error for a source topic that was created again while this worker read it."""
    return SourceRecreated(
        f"{topic} was created again: its id is {new_id}, and {known_id} was read",
        fix="none needed: the worker starts again and reads the new topic from its first offset",
    )


def cut_short(topic: str, partition: int, end: int, read: int) -> TopicsError:
    """Return the error for a log that ends before an offset already read: new records would reuse old offsets."""
    return TopicsError(
        f"{topic}[{partition}] ends at {end}, before {read}: it was cut short, or created again",
        fix="hushtag topics check; new topics need a new HUSHTAG_GROUP and a Redis without the old flags: "
        "stop all workers, then redis-cli --scan --pattern '{hushtag}:v1:*' | xargs -r redis-cli DEL",
    )


async def watch_lengths(settings: Settings, required: Callable[[], Mapping[TP, int]], fetched: KnownEnd) -> None:
    """Check until cancelled that no log has become shorter than what was read of it.

    The consumer's last fetch only leads to a query. A new leader may report less for a moment, and an old one that is
    cut off for longer. So a proven log end decides (`streams.log.leader_epochs`).

    Args:
        settings: address of the broker.
        required: returns the offset up to which each assigned log was read, by this worker or the previous owner.
        fetched: returns the end reported by the consumer's last fetch.

    Raises:
        TopicsError: a log has become shorter; see `cut_short`.
    """
    while True:
        await asyncio.sleep(_CHECK_SECONDS)
        for tp, read in required().items():
            end = fetched(tp)
            if end is not None and end < read:
                proven_end = await _proven_end(settings, tp)
                if proven_end is not None and proven_end < read:
                    raise cut_short(tp.topic, tp.partition, proven_end, read)


async def _proven_end(settings: Settings, tp: TP) -> int | None:
    with closing(LeaderEpochs(connection(settings), tp.topic)) as epochs:
        try:
            view = await epochs.describe(tp.partition)
            return None if view is None else (await epochs.log_ends(view, [tp.partition])).get(tp.partition)
        except DependencyAway:
            return None  # other parts have a deadline for that


async def explain_gap(settings: Settings, topic: str, partition: int, expected: int, delivered: int) -> Gap:
    """Find the reason of a gap by reading the log with a consumer without a group.

    Raises:
        LostRecords: a record at or after `expected` was not delivered.
        DependencyAway: the broker does not answer.
    """
    async with LogReader(connection(settings), topic) as reader:
        bounds = (await reader.bounds((partition,)))[partition]
        if expected < bounds.begin:
            return Gap.RETENTION
        async for batch in reader.to_end({partition: expected}, {partition: min(delivered + 1, bounds.end)}):
            next_offset = batch[0].offset
            if next_offset == delivered:
                return Gap.HOLE
            raise LostRecords(
                f"{topic}[{partition}]: {delivered} was delivered where {expected} was due, "
                f"but the log has {next_offset}",
                fix="none needed: the worker starts again and replays from the committed offset",
            )
    return Gap.HOLE
