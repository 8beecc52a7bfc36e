"""Texts by position from a real source topic, kept and erased in a real topic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition

from moderation.domain.texts.reader import TextReader, open_text_reader
from moderation.domain.texts.shown_text import ShownText
from moderation.log.kept_texts import KeptTexts
from moderation.log.service import ModerationService
from moderation.log.source_texts import SourceTexts
from streams.clock import now_ms
from streams.errors import TopicsError
from streams.log.decisions import SampledAt
from streams.log.reading import LogReader, connection
from streams.log.shown_texts import text_key
from streams.log.topic_specs import MODERATION, SHOWN_TEXTS, TWEETS
from streams.settings import Settings
from tests.support.in_memory_texts import native_tweet

pytestmark = pytest.mark.integration
IDS = tuple(str(number) for number in range(100, 110))
Places = dict[str, SampledAt]


@pytest.fixture
def keyed(topics: Settings) -> Settings:
    return topics.model_copy(update={"texts_key": type(topics.texts_key)("k" * 32)})


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[TextReader, None]:
    async with ModerationService(settings) as service, open_text_reader(settings, service) as reader:
        yield reader


async def tweeted(settings: Settings) -> Places:
    """Write tweets to all partitions, each between others; return the positions of ten."""
    places = {}
    async with AIOKafkaProducer(**connection(settings)) as sender:
        for number in range(80, 120):
            value = native_tweet(number, f"text {number}")
            sent = await sender.send_and_wait(settings.topic(TWEETS), value, partition=number % 4)
            places[str(number)] = SampledAt(sent.partition, sent.offset, "en")
    return {one: places[one] for one in IDS}


async def erase(settings: Settings, tweet: str) -> None:
    """Write the record that ingest writes for a deletion."""
    async with AIOKafkaProducer(**connection(settings)) as sender:
        await sender.send_and_wait(settings.topic(SHOWN_TEXTS), None, key=text_key(tweet), partition=0)


async def read(reader: TextReader, places: Places) -> list[ShownText]:
    return await reader.read("tag", list(places), list(places.values()), actor="ann", purpose="test")


def states(found: list[ShownText]) -> list[tuple[str, str]]:
    return [(one.state, one.text) for one in found]


SHOWN = [("shown", f"text {one}") for one in IDS]


async def test_ten_texts_are_read_from_all_partitions(topics: Settings) -> None:
    places = await tweeted(topics)
    async with opened(topics) as reader:
        assert states(await read(reader, places)) == SHOWN
        assert states(await read(reader, dict(reversed(places.items())))) == SHOWN[::-1]
        assert not any(one.kept for one in await read(reader, places)), "without a key nothing is kept"
        swapped = dict(zip(IDS, [*places.values()][::-1], strict=True))
        assert {one.state for one in await read(reader, swapped)} == {"other"}
        beyond = SampledAt(0, 10_000, "en"), SampledAt(9, 0, "en")
        assert states(await read(reader, dict(zip(IDS[:2], beyond, strict=True)))) == [("gone", "")] * 2
        async with SourceTexts(topics) as source:
            positions = [(at.partition, at.offset) for at in places.values()]
            assert await source.read(positions, now_ms() + 60_000) == {}, "older records are left out"
            assert len(await source.read(positions, 0)) == 10
        both = await asyncio.gather(*[read(reader, places) for _ in range(4)])
        assert [states(one) for one in both] == [SHOWN] * 4
    async with LogReader(connection(topics), topics.topic(MODERATION)) as log:
        kinds = [b'"text_reading"' in record.value async for batch in log.to_end() for record in batch]
    assert kinds == [True], "one record of the ten texts in the shift"


async def test_kept_text_outlives_the_source_and_ends_with_a_deletion(keyed: Settings) -> None:
    places = await tweeted(keyed)
    async with opened(keyed) as reader:
        assert states(await read(reader, places)) == SHOWN
        await asyncio.to_thread(_remove_source, keyed)
        assert states(await read(reader, places)) == SHOWN
    await erase(keyed, IDS[0])
    async with opened(keyed) as reader:
        again = await read(reader, places)
        assert states(again) == [("deleted", ""), *SHOWN[1:]]
        assert [one.kept for one in again] == [False] + [True] * 9
    async with opened(keyed.model_copy(update={"texts_key": type(keyed.texts_key)("l" * 32)})) as reader:
        assert {one.state for one in await read(reader, places)} == {"deleted", "gone"}, "another key reads nothing"
    async with LogReader(connection(keyed), keyed.topic(SHOWN_TEXTS)) as log:
        values = [record.value async for batch in log.to_end() for record in batch]
    assert not any(b"text 1" in value for value in values if value), "the topic holds no text in the clear"


async def test_deletion_before_the_text_is_written_again(keyed: Settings) -> None:
    """A deletion arrives between the reading and the keeping: the text may not stay in the topic."""
    from moderation.log.cipher import TextContent

    async with KeptTexts(keyed) as kept:
        await kept.refresh()
        await erase(keyed, "17")
        await kept.keep({"17": TextContent(text="gone", lang="en"), "18": TextContent(text="stays", lang="en")})
        assert (kept.is_deleted("17"), kept.find("17")) == (True, None)
    async with LogReader(connection(keyed), keyed.topic(SHOWN_TEXTS)) as log:
        records = [(record.key, record.value is None) async for batch in log.to_end() for record in batch]
    assert records == [(b"17", True), (b"17", False), (b"18", False), (b"17", True)], "compaction keeps the last"


async def test_missing_topic_is_named(settings: Settings) -> None:
    with pytest.raises(TopicsError, match=SHOWN_TEXTS):
        async with KeptTexts(settings):
            pass


def _remove_source(settings: Settings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    admin.delete_records({TopicPartition(settings.topic(TWEETS), partition): -1 for partition in range(4)})
    admin.close()
