"""Reads what the report is made of: people's decisions, and the automated ones from their topic and the audit log."""

from __future__ import annotations

from contextlib import aclosing

from moderation.audit.log import read_topic
from moderation.audit.verify import Verification
from moderation.report.automated import Gathered
from streams.errors import TopicsError
from streams.flags.overrides import PeopleView
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, DECISIONS, MODERATION
from streams.settings import Settings


async def people_s_decisions(settings: Settings) -> PeopleView:
    """The moderation topic, folded.

    Raises:
        DependencyAway: Kafka is silent.
        TopicsError: there is no such topic.
    """
    view = PeopleView()
    async with LogReader(connection(settings), settings.topic(MODERATION)) as reader:
        async for batch in reader.to_end({0: None}):
            for record in batch:
                view.hear(record.offset, record.key, record.value)
    return view


async def automated_decisions(settings: Settings, from_ms: int, to_ms: int) -> tuple[Gathered, str]:
    """The automated decisions of [from_ms, to_ms), and why the audit log was not read for them, "" if it was.

    The log's chain is verified on the way; its heads are not, for they need the key. Raises as `people_s_decisions`,
    and LogsDisagree.
    """
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        bounds = await reader.bounds()
        gathered = Gathered({p: bound.begin for p, bound in bounds.items()}, from_ms, to_ms)
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            for record in batch:
                gathered.hear_record(record.partition, record.offset, record.timestamp, record.value)
    topic = settings.topic(AUDIT)
    verification = Verification(topic)
    try:
        async with aclosing(read_topic(settings)) as records:
            async for offset, value in records:
                entry = verification.hear(offset, value)
                if entry is None:
                    bad = verification.verdict().bad
                    assert bad is not None
                    return gathered, f"{topic}: entry {bad.seq}: {bad.what}: {bad.detail}"
                gathered.hear_entry(entry)
    except TopicsError as missing:
        return gathered, str(missing)
    return gathered, ""
