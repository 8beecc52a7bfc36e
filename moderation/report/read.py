"""Read the report's inputs: people's decisions, and automated ones from their topic and the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from moderation.audit.reading import read_topic
from moderation.audit.verify import Verification
from moderation.report.automated import AutomatedDecisions
from moderation.report.made import MadeReport, Period, make_report
from streams.clock import now_ms
from streams.errors import TopicsError
from streams.flags.overrides import OverrideHistory
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, DECISIONS, MODERATION
from streams.settings import Settings

OnRead = Callable[[str, int], None]
"""Receives the name of what is read, and the number of its records so far."""


def _ignore(what: str, records: int) -> None:
    pass


async def read_report(settings: Settings, period: Period, on_read: OnRead = _ignore) -> MadeReport:
    """Read the logs and make the report of a period, as of now.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic does not exist.
        LogsDisagree: the topic of decisions and the audit log hold different bytes at one offset.
    """
    people = await read_moderation(settings, on_read)
    automated, unread = await read_automated(settings, period.from_ms, period.to_ms, on_read)
    on_read("counting", 0)
    return make_report(
        people,
        automated.decisions(),
        period,
        now_ms(),
        coverage=automated.coverage(),
        gaps=automated.gaps(),
        unread=unread,
    )


def report_reader(settings: Settings) -> Callable[[Period, OnRead], Awaitable[MadeReport]]:
    """Return `read_report` on the configured topics."""
    return lambda period, on_read: read_report(settings, period, on_read)


async def read_moderation(settings: Settings, on_read: OnRead = _ignore) -> OverrideHistory:
    """Read and fold the moderation topic.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the topic does not exist.
    """
    view = OverrideHistory()
    async with LogReader(connection(settings), settings.topic(MODERATION)) as reader:
        async for batch in reader.to_end({0: None}):
            for record in batch:
                view.apply(record.offset, record.key, record.value)
            on_read("decisions of people", view.next_offset)
    return view


async def read_automated(
    settings: Settings, from_ms: int, to_ms: int, on_read: OnRead = _ignore
) -> tuple[AutomatedDecisions, str]:
    """Read the automated decisions of [from_ms, to_ms).

    The hash chain of the audit log is verified on the way. Its signed heads are not, because they need the key.

    Returns:
        The decisions, and why the audit log was not used; "" if it was.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: the decision topic does not exist.
        LogsDisagree: the two logs hold different bytes at one offset.
    """
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        bounds = await reader.bounds()
        decisions = AutomatedDecisions({p: bound.begin for p, bound in bounds.items()}, from_ms, to_ms)
        count = 0
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            for record in batch:
                decisions.apply_record(record.partition, record.offset, record.timestamp, record.value)
            count += len(batch)
            on_read("automated decisions", count)
    topic = settings.topic(AUDIT)
    verification = Verification(topic)
    try:
        async with aclosing(read_topic(settings)) as records:
            async for offset, value in records:
                entry = verification.apply(offset, value)
                if entry is None:
                    return decisions, f"{topic}: {verification.result().fault}"
                decisions.apply_entry(entry)
                if entry.seq % 1_000 == 0:
                    on_read("entries of the audit log", entry.seq)
    except TopicsError as missing:
        return decisions, str(missing)
    return decisions, ""
