"""Readers of `hashtag-evidence`: a record that cannot be read is logged and passed over, since none decides."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Protocol

from streams.errors import ContractError
from streams.log.evidence import EvidenceRecord, decode_evidence_record
from streams.log.evidence_sense import check_evidence
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import EVIDENCE
from streams.log.unreadable import Stamped, check_place, read_value
from streams.settings import Settings

_log = logging.getLogger(__name__)


class PlacedRecord(Stamped, Protocol):
    """A record of a topic with its position."""

    @property
    def partition(self) -> int:
        """Partition of the topic."""

    @property
    def offset(self) -> int:
        """Offset in the partition."""


def read_evidence_record(record: PlacedRecord) -> EvidenceRecord:
    """Decode a record of the topic, and check its columns, its shard and its time.

    Raises:
        ContractError: it cannot be read.
    """

    def decode(value: bytes) -> EvidenceRecord:
        decoded = decode_evidence_record(value)
        check_evidence(decoded)
        return decoded

    decoded = read_value(decode, record.value)
    check_place(decoded, record.partition, record.timestamp)
    return decoded


def evidence_in(record: PlacedRecord) -> EvidenceRecord | None:
    """Decode a record of the topic; None for one that cannot be read, which is logged."""
    try:
        return read_evidence_record(record)
    except ContractError as error:
        place = {"topic": EVIDENCE, "partition": record.partition, "offset": record.offset, "why": str(error)}
        message = "record %d of %s[%d] cannot be read and is passed over: %s"
        _log.error(message, record.offset, EVIDENCE, record.partition, error, extra=place)
        return None


async def read_evidence(settings: Settings, since_ms: int) -> AsyncGenerator[tuple[EvidenceRecord, int, int], None]:
    """Yield the records since a time, up to the present end, each with the number read and the total.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the topic does not exist.
    """
    async with LogReader(connection(settings), settings.topic(EVIDENCE)) as reader:
        bounds = await reader.bounds()
        starts = {partition: await reader.offset_at(partition, since_ms) for partition in reader.partitions}
        total = sum(bounds[partition].end - (start or bounds[partition].begin) for partition, start in starts.items())
        done = 0
        async for batch in reader.to_end(starts):
            for record in batch:
                done += 1
                if (evidence := evidence_in(record)) is not None:
                    yield evidence, done, total
