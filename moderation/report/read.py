"""Read the report's inputs: people's decisions, and automated ones from their topic and the audit log."""

from __future__ import annotations

from contextlib import aclosing

from moderation.audit.reading import read_topic
from moderation.audit.verify import Verification
from moderation.report.automated import AutomatedDecisions
from streams.errors import TopicsError
from streams.flags.overrides import OverrideHistory
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, DECISIONS, MODERATION
from streams.settings import Settings


async def read_moderation(settings: Settings) -> OverrideHistory:
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
    return view


async def read_automated(settings: Settings, from_ms: int, to_ms: int) -> tuple[AutomatedDecisions, str]:
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
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            for record in batch:
                decisions.apply_record(record.partition, record.offset, record.timestamp, record.value)
    topic = settings.topic(AUDIT)
    verification = Verification(topic)
    try:
        async with aclosing(read_topic(settings)) as records:
            async for offset, value in records:
                entry = verification.apply(offset, value)
                if entry is None:
                    return decisions, f"{topic}: {verification.result().fault}"
                decisions.apply_entry(entry)
    except TopicsError as missing:
        return decisions, str(missing)
    return decisions, ""
