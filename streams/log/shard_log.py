"""Reader of a shard's log that passes over what its judge passes over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.errors import ContractError
from streams.log.corrections import are_corrections
from streams.log.lines import LogRecord
from streams.log.partials import Partial
from streams.log.positions import RecordPosition
from streams.log.skips import SkipIndex
from streams.log.topic_specs import PARTIALS
from streams.log.unreadable import UnreadableRecord, read_record


def read_shard_log(records: Iterable[LogRecord], shard: int, skips: SkipIndex) -> Iterator[Partial | None]:
    """Decode the records of a shard's log as its judge reads them: without malformed corrections, None for a skip.

    Raises:
        UnreadableRecord: another record cannot be read, and no person has skipped it.
    """
    for record in records:
        try:
            yield read_record(PARTIALS, shard, record)
        except ContractError as error:
            if are_corrections(record.value or b""):
                continue
            unreadable = UnreadableRecord(RecordPosition(PARTIALS, shard, record.offset), record.value, error)
            if skips.find(unreadable) is None:
                raise unreadable from None
            yield None
