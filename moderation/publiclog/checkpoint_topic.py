"""Read the topic `audit-checkpoints` from its end: the writer's state, and the published checkpoint."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from moderation.publiclog.state import COMPLETE_KEY, PUBLISHED_KEY, STATE_KEY, PublishedCheckpoint, decode_published
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT_CHECKPOINTS
from streams.logs import logger
from streams.settings import Settings

_FIRST_WINDOW = 500
"""Offsets that the first read covers; each further one covers four times as many."""
_MOST_FOR_COMPLETE = 8_000
"""Offsets that are read for a complete checkpoint: an hour's, so that a lasting lack of a witness costs little."""


@dataclass(slots=True)
class CheckpointRecords:
    """Last record of each kind, not verified."""

    state: bytes | None = None
    """State of the writer at its last signature, encoded."""
    newest: PublishedCheckpoint | None = None
    """Newest published checkpoint, with any cosignatures."""
    complete: PublishedCheckpoint | None = None
    """Newest published checkpoint that all witnesses cosigned."""

    def covering(self, number: int) -> PublishedCheckpoint | None:
        """Return the checkpoint that all witnesses cosigned if it covers an entry, else the newest if that does."""
        candidates = (self.complete, self.newest)
        return next((candidate for candidate in candidates if candidate is not None and candidate.size > number), None)


async def read_checkpoints(settings: Settings) -> CheckpointRecords:
    """Read the last record of each kind; raises the errors of `LogReader`."""
    async with LogReader(connection(settings), settings.topic(AUDIT_CHECKPOINTS), committed_only=True) as reader:
        bounds, window = (await reader.bounds((0,)))[0], _FIRST_WINDOW
        while True:
            start = max(bounds.begin, bounds.end - window)
            records = CheckpointRecords()
            async with aclosing(reader.to_end({0: start}, {0: bounds.end})) as batches:
                async for batch in batches:
                    for record in batch:
                        _apply(records, record.key, record.value)
            is_enough = None not in (records.state, records.newest) and (
                records.complete or window >= _MOST_FOR_COMPLETE
            )
            if start == bounds.begin or is_enough:
                return records
            window *= 4


def _apply(records: CheckpointRecords, key: bytes | None, value: bytes | None) -> None:
    if key == STATE_KEY:
        records.state = value
    elif key == PUBLISHED_KEY:
        records.newest = _readable(value)
    elif key == COMPLETE_KEY:
        records.complete = _readable(value)


def _readable(value: bytes | None) -> PublishedCheckpoint | None:
    published = decode_published(value)
    if published is None:
        logger(__name__).error("a published checkpoint cannot be read and is passed over", value=repr(value)[:80])
    return published
