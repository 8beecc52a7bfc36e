"""Log ends and topic ids as a real broker answers them."""

from __future__ import annotations

import asyncio
from contextlib import closing

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.log.admin import describe_source
from streams.log.leader_epochs import LeaderEpochs
from streams.log.reading import connection
from streams.settings import Settings

pytestmark = pytest.mark.integration


async def test_leader_answers_with_id_epoch_and_log_end(topics: Settings) -> None:
    name = topics.topic("tweets")
    with closing(LeaderEpochs(connection(topics), name)) as epochs:
        view = await epochs.describe()
        assert view is not None and view.topic_id == describe_source(topics).topic_id
        assert set(view.partitions) == {0, 1, 2, 3} and {one.epoch for one in view.partitions.values()} == {0}
        assert await epochs.log_ends(view, view.partitions) == dict.fromkeys(range(4), 0)
        async with AIOKafkaProducer(**connection(topics), acks="all") as producer:
            for _ in range(3):
                await producer.send_and_wait(name, b"{}", partition=2)
        assert await epochs.log_ends(view, [1, 2]) == {1: 0, 2: 3}


async def test_topic_created_again_has_another_id(topics: Settings) -> None:
    name = topics.topic("tweets")
    admin = AIOKafkaAdminClient(**connection(topics))
    await admin.start()
    try:
        with closing(LeaderEpochs(connection(topics), name)) as epochs:
            before = await epochs.describe()
            await admin.delete_topics([name])
            async with asyncio.timeout(30):
                while await epochs.describe() is not None:
                    await asyncio.sleep(0.05)
                await admin.create_topics([NewTopic(name, 1, 1)])
                while (after := await epochs.describe(0)) is None:
                    await asyncio.sleep(0.05)
            assert before is not None
            assert before.topic_id != after.topic_id == describe_source(topics).topic_id
            assert await epochs.log_ends(after, [0, 3]) == {0: 0}
    finally:
        await admin.close()
