"""Reads what the report is made of: people's decisions, and the automated ones that the log still has."""

from __future__ import annotations

import msgspec

from streams.flags.people import PeopleView
from streams.log.decisions import Decision, decode_record
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION
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


async def automated_decisions(settings: Settings) -> list[Decision]:
    """Every automated decision that the log still has. Raises as `people_s_decisions`."""
    found: list[Decision] = []
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            for record in batch:
                try:
                    said = decode_record(record.value)
                except (msgspec.MsgspecError, TypeError):  # publish counts those; no report stops for one
                    continue
                if isinstance(said, Decision):
                    found.append(said)
    return found
