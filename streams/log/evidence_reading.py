"""Reader of the past of `hashtag-evidence`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from streams.log.evidence import EvidenceRecord, decode_evidence_record
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import EVIDENCE
from streams.settings import Settings


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
                yield decode_evidence_record(record.value), done, total
