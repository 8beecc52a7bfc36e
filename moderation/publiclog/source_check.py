"""Read the source topics for a comparison with the audit log."""

from __future__ import annotations

from contextlib import aclosing

from moderation.publiclog.comparison import SourceComparison
from moderation.publiclog.inputs import SourcePosition, begins_incarnation
from moderation.publiclog.sources import SOURCES, audit_input, is_kept
from streams.log.fillers import is_filler
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import POLICY
from streams.settings import Settings


async def compare_with_sources(settings: Settings, comparison: SourceComparison, *, whole: bool = False) -> None:
    """Give the records of all source topics to a comparison; raises the errors of `LogReader`.

    Args:
        settings: addresses and topic names.
        comparison: has all entries already.
        whole: read every topic to its end, to count the records that wait for the log; otherwise only as far as the
            entries go.
    """
    for name in SOURCES:
        if not whole and name != POLICY and all(part.end == part.start for _, part in comparison.partitions(name)):
            continue
        again = False
        async with LogReader(connection(settings), settings.topic(name)) as reader:
            bounds = await reader.bounds()
            starts, ends = {}, {}
            for partition, bound in bounds.items():
                part = comparison.of(name, partition)
                part.set_bounds(bound.begin, bound.end)
                starts[partition] = min(max(bound.begin, part.start), bound.end)
                # Beyond the entries, `policy` may state that the decisions' topic was created again.
                is_whole = whole or name == POLICY
                ends[partition] = bound.end if is_whole else min(bound.end, max(part.end, starts[partition]))
            async with aclosing(reader.to_end(starts, ends)) as batches:
                async for batch in batches:
                    for record in batch:
                        if is_filler(record.key, record.value):
                            continue  # it stands where compaction had left a hole
                        logged = None
                        if is_kept(name, record.value):
                            source = SourcePosition(name, record.partition, record.offset, record.timestamp)
                            logged = audit_input(source, record.key, record.value)
                        part = comparison.of(name, record.partition)
                        again |= record.offset >= part.end and begins_incarnation(name, record.key)
                        part.apply(record.offset, logged)
        if again:
            comparison.begin_decisions_again()
        for _, part in comparison.partitions(name):
            part.finish()
