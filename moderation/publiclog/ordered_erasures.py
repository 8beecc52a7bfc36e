"""Erasures that were ordered before the log reached their records.

The topic `moderation` keeps orders for ever, and a new log copies it from the beginning, before the decisions. So do
a log that was restored from an older backup, and one that lost its end. An order's record then must not enter the log
again. It enters as a note.
"""

from __future__ import annotations

from contextlib import aclosing

from moderation.publiclog.erasures import ERASED_NOTE, AuditErasure, erasure_in
from moderation.publiclog.inputs import AuditInput, SourcePosition
from streams.clock import now_ms
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODERATION
from streams.settings import Settings


class OrderedErasures:
    """Erasures of the topic `moderation`, by their record and by their entry.

    Args:
        at_ms: time of the read. No order keeps later records out of the log, even one that a program forged.
    """

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms
        self.by_entry: dict[int, AuditErasure] = {}
        """Last order for each number of an entry, which may be a number of an earlier log."""
        self._by_source: dict[tuple[str, int, int], AuditErasure] = {}

    def add(self, erasure: AuditErasure) -> None:
        """Add an order to erase."""
        self.by_entry[erasure.entry] = erasure
        self._by_source[erasure.topic, erasure.partition, erasure.offset] = erasure

    def left_out(self, source_record: AuditInput) -> AuditInput:
        """Return the note in place of a record whose erasure was ordered; other records as they are."""
        source = source_record.source
        erasure = self._by_source.get((source.topic, source.partition, source.offset))
        # A later record is another one: its topic was created again, and its offsets began at 0.
        if erasure is None or source.log_time_ms > min(erasure.at_ms, self._at_ms):
            return source_record
        return AuditInput(source, note=ERASED_NOTE)

    def sources(self) -> list[tuple[str, int, int]]:
        """List topic, partition and offset of each record."""
        return list(self._by_source)


async def read_ordered_erasures(settings: Settings) -> OrderedErasures:
    """Read the orders of the topic `moderation`; raises the errors of `LogReader`."""
    orders = OrderedErasures(now_ms())
    async with (
        LogReader(connection(settings), settings.topic(MODERATION)) as reader,
        aclosing(reader.to_end()) as batches,
    ):
        async for batch in batches:
            for record in batch:
                source = SourcePosition(MODERATION, record.partition, record.offset, record.timestamp)
                if (erasure := erasure_in(AuditInput(source, record.key, record.value))) is not None:
                    orders.add(erasure)
    return orders
