"""Read the report's inputs: people's decisions, and automated ones from their topic and the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from moderation.outward.report.automated_decisions import AutomatedDecisions
from moderation.outward.report.log_entries import CountedEntries, EntryCounter
from moderation.outward.report.openings import OpeningsFile
from moderation.outward.report.prepared_report import Period, PreparedReport, make_report
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.reading import CheckpointState, LogState, log_state, read_batches
from streams.constants import HOUR_MS
from streams.errors import TopicsError
from streams.flags.overrides import OverrideHistory
from streams.flags.publish_time import present_ms
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, DECISIONS, MODERATION
from streams.settings import Settings


@dataclass(slots=True)
class ReadLogs:
    """Automated decisions of two logs, and what the report needs of the public one."""

    automated: AutomatedDecisions
    unread: str = ""
    """Reason why the public log was not read; "" if it was."""
    log: CountedEntries | None = None
    openings: OpeningsFile | None = None
    people_end: int | None = None
    """Offset of the moderation topic after the last record below the checkpoint; None: the log was not read."""
    at_ms: int | None = None
    """Time of the checkpoint, as of which the report is; None: the log was not read."""


OnRead = Callable[[str, int], None]
"""Receives the name of what is read, and the number of its records so far."""


def _ignore(what: str, records: int) -> None:
    pass


async def read_report(
    settings: Settings,
    period: Period,
    on_read: OnRead = _ignore,
    *,
    with_openings: bool = True,
    clock: Callable[[], int] | None = None,
) -> PreparedReport:
    """Read the logs and make the report of a period.

    The report counts the records of people that the public log has below its last checkpoint, so that anyone can
    recount it; without a public log it counts all of them.

    Args:
        settings: addresses and topic names, and the folder of reports.
        period: days and country.
        on_read: receives the progress.
        with_openings: whether to write the file of openings, some 100 bytes for each entry of the log.
        clock: the log's time, Unix time in ms; None: a running publisher's.

    Raises:
        CallerMistake: the openings cannot be written.
        DependencyAway: Kafka does not answer.
        TopicsError: a topic does not exist.
        LogsDisagree: the topic of decisions and the audit log hold different bytes at one offset.
        RecountDiffers: the audit log has fewer entries than the report counts.
    """
    read = await read_logs(settings, period, on_read, with_openings=with_openings)
    people = await read_moderation(settings, on_read, read.people_end)
    on_read("counting", 0)
    if (at_ms := read.at_ms) is None:
        at_ms = await present_ms(settings.redis_url) if clock is None else clock()
    return make_report(
        people,
        read.automated.decisions(),
        period,
        at_ms,
        coverage=read.automated.coverage(),
        gaps=read.automated.gaps(),
        unread=read.unread,
        log=read.log,
        openings=read.openings,
    )


def report_reader(
    settings: Settings, clock: Callable[[], int]
) -> Callable[[Period, OnRead], Awaitable[PreparedReport]]:
    """Return `read_report` on the configured topics; without a folder of reports nothing needs the openings."""
    with_openings = settings.reports is not None
    return lambda period, on_read: read_report(settings, period, on_read, with_openings=with_openings, clock=clock)


async def read_moderation(settings: Settings, on_read: OnRead = _ignore, end: int | None = None) -> OverrideHistory:
    """Read and fold the moderation topic.

    Args:
        settings: addresses and topic names.
        on_read: receives the progress.
        end: offset at which to stop; None: the end of the topic.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the topic does not exist.
    """
    view = OverrideHistory()
    async with LogReader(connection(settings), settings.topic(MODERATION)) as reader:
        async for batch in reader.to_end({0: None}):
            for record in batch:
                if end is None or record.offset < end:
                    view.apply(record.offset, record.key, record.value, record.timestamp)
            on_read("decisions of people", view.next_offset)
    return view


async def read_logs(
    settings: Settings, period: Period, on_read: OnRead = _ignore, *, with_openings: bool = True
) -> ReadLogs:
    """Read the automated decisions of a period, and the entries of the public log up to its last checkpoint.

    Each entry's leaf is compared with its record on the way. The tree is not, which `hushtag audit verify` does.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the decision topic does not exist.
        LogsDisagree: the two logs hold different bytes at one offset.
    """
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        bounds = await reader.bounds()
        decisions = AutomatedDecisions({p: bound.begin for p, bound in bounds.items()}, period.from_ms, period.to_ms)
        count = 0
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            for record in batch:
                decisions.apply_record(record.partition, record.offset, record.timestamp, record.value)
            count += len(batch)
            on_read("automated decisions", count)
    read = ReadLogs(decisions)
    try:
        await _read_entries(settings, read, period, on_read, with_openings)
    except (TopicsError, AuditBroken) as error:
        return ReadLogs(decisions, unread=str(error))
    return read


def checkpoint_of(state: LogState) -> CheckpointState | None:
    """Choose the checkpoint that a report counts at: one that all witnesses cosigned, if it is recent; else the newest.

    A checker that asks for every cosignature could not accept another.
    """
    newest, complete = state.published, state.complete
    if newest is None or complete is None or complete.at_ms < newest.at_ms - HOUR_MS:
        return newest or state.signed
    return complete


@dataclass(slots=True)
class _EntryCounts:
    """Part of the entries so far that a report needs."""

    read: ReadLogs
    openings: OpeningsFile | None
    counter: EntryCounter
    at_ms: int
    people_end: int = 0

    def apply(self, batch: Iterable[AuditEntry]) -> None:
        """Count entries; raises LogsDisagree, or CallerMistake if their openings cannot be written."""
        for entry in batch:
            self.read.automated.apply_entry(entry)
            counted = entry.counted
            if self.openings is not None:
                self.openings.add(counted.salt_type, counted.type, counted.salt_period, counted.period)
            self.counter.add(counted.type, counted.period)
            if (logged := entry.input) is not None:
                self.people_end = logged.source.offset + 1 if logged.source.topic == MODERATION else self.people_end
                self.at_ms = max(self.at_ms, logged.source.log_time_ms)


async def _read_entries(
    settings: Settings, read: ReadLogs, period: Period, on_read: OnRead, with_openings: bool
) -> None:
    state = await log_state(settings)
    last = checkpoint_of(state)
    if last is None:
        read.unread = f"{settings.topic(AUDIT)}: it has no checkpoint yet" if state.entries else ""
        return
    counter = EntryCounter(period.from_ms, period.to_ms, period.country)
    counts = _EntryCounts(read, OpeningsFile(settings.reports) if with_openings else None, counter, last.at_ms)
    async with aclosing(read_batches(settings, 0, last.size)) as batches:
        async for batch in batches:
            await asyncio.to_thread(counts.apply, batch)
            on_read("entries of the audit log", batch[-1].number)
    read.log, read.openings = counter.at(last.text, last.size), counts.openings
    read.people_end, read.at_ms = counts.people_end, counts.at_ms
