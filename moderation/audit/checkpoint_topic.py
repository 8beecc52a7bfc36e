"""Read the topic `audit-checkpoints` from its end: the writer's state, and the last published checkpoints."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from moderation.audit.seeking import number_of_key
from moderation.audit.state import STATE_KEY, PublishedCheckpoint, decode_published
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT_CHECKPOINTS
from streams.settings import Settings

_FIRST_WINDOW = 500
"""Offsets that the first read covers; each further one covers four times as many."""


@dataclass(slots=True)
class CheckpointRecords:
    """Records of the topic, not verified."""

    state: bytes | None = None
    """The writer's last state."""
    published: dict[int, PublishedCheckpoint] = field(default_factory=dict)
    """Published checkpoints by size, the oldest first."""

    @property
    def newest(self) -> PublishedCheckpoint | None:
        """The last published checkpoint."""
        return self.published[max(self.published)] if self.published else None

    def covering(self, number: int) -> PublishedCheckpoint | None:
        """Return the newest checkpoint over an entry that lacks no cosignature, else the newest over it."""
        covering = [self.published[size] for size in sorted(self.published, reverse=True) if size > number]
        return next((one for one in covering if not one.missing), covering[0] if covering else None)


async def read_checkpoints(settings: Settings, *, whole: bool = False) -> CheckpointRecords:
    """Read the last records, or all of them; raises the errors of `LogReader`."""
    async with LogReader(connection(settings), settings.topic(AUDIT_CHECKPOINTS), committed_only=True) as reader:
        bounds = (await reader.bounds((0,)))[0]
        window = bounds.end - bounds.begin if whole else _FIRST_WINDOW
        while True:
            start = max(bounds.begin, bounds.end - window)
            found = CheckpointRecords()
            async with aclosing(reader.to_end({0: start}, {0: bounds.end})) as batches:
                async for batch in batches:
                    for record in batch:
                        _apply(found, record.key, record.value)
            if start == bounds.begin or (found.state is not None and found.published):
                return found
            window *= 4


def _apply(found: CheckpointRecords, key: bytes | None, value: bytes | None) -> None:
    if key == STATE_KEY:
        found.state = value
    elif (size := number_of_key(key)) is not None and (published := decode_published(value)) is not None:
        found.published.pop(size, None)
        found.published[size] = published
