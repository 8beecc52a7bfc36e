"""Reads what the three tellers say of one hashtag, from Kafka and Redis, for `explain` and whatever tells the same."""

from __future__ import annotations

import asyncio

import msgspec
from hushtag_client.registers import Register

from streams.clock import now_ms
from streams.errors import FlagStoreUnavailable
from streams.explain.hashtag_report import Account
from streams.flags.overrides import PeopleView
from streams.log.decisions import Decision, decision_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION
from streams.settings import Settings

_PAST = "as the logs tell it: what surfaces saw then is not kept, nor what people have edited since"


async def account_of(
    settings: Settings, hashtag: str, country: str | None = None, at_ms: int | None = None
) -> tuple[Account, str]:
    """All that is known of a hashtag; and, where surfaces were not asked, what that means, else "".

    Args:
        at_ms: as the logs tell it of a moment in the past; None: now.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
    """
    if at_ms is not None:
        decisions, people = await asyncio.gather(decisions_on(settings, hashtag), people_view(settings, at_ms))
        said = [one for one in decisions if one.decided_at_ms <= at_ms]
        return Account(hashtag, said, people, None, at_ms, country), _PAST
    decisions, people, (registers, unseen) = await asyncio.gather(
        decisions_on(settings, hashtag), people_view(settings), _registers(settings, hashtag)
    )
    return Account(hashtag, decisions, people, registers, now_ms(), country), unseen


async def decisions_on(settings: Settings, hashtag: str | None = None) -> list[Decision]:
    """The automated decisions on a hashtag, or on all, that the topic still keeps."""
    needle = b'"hashtag":' + msgspec.json.encode(hashtag) if hashtag is not None else b'"kind":"decision"'
    found: list[Decision] = []
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                if (
                    record.value is not None
                    and needle in record.value
                    and (said := decision_in(record.value)) is not None
                ):
                    found.append(said)
    return found


async def people_view(settings: Settings, at_ms: int | None = None) -> PeopleView:
    """What people decided, up to a moment or to now."""
    view = PeopleView()
    async with LogReader(connection(settings), settings.topic(MODERATION)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                if at_ms is not None and record.timestamp > at_ms:
                    continue
                view.hear(record.offset, record.key, record.value)
    return view


async def _registers(settings: Settings, hashtag: str) -> tuple[list[Register] | None, str]:
    from streams.flags.lookup import FlagLookup  # here, so that no other command waits for its imports

    try:
        async with FlagLookup(settings.redis_url) as lookup:
            return await lookup.of_hashtag(hashtag), ""
    except FlagStoreUnavailable as error:
        return None, f"{error}: this is what the logs say, not what surfaces see"
