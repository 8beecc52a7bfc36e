"""Log readers on a real broker: gaps, transactions, deletions, and silence."""

from __future__ import annotations

import socket
import time
from contextlib import aclosing

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from streams.errors import DependencyAway, TopicsError
from streams.log.reading import LogReader, connection, read_to_end
from streams.settings import Settings

pytestmark = pytest.mark.integration


async def make(settings: Settings, name: str, partitions: int = 1) -> str:
    topic = settings.topic(name)
    admin = AIOKafkaAdminClient(**connection(settings))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()
    return topic


async def fill(settings: Settings, topic: str, values: list[bytes], partition: int = 0, **producer: object) -> None:
    async with AIOKafkaProducer(**connection(settings), acks="all", **producer) as sender:
        for value in values:
            await sender.send(topic, value, partition=partition)
        await sender.flush()


async def values_of(
    settings: Settings, topic: str, partition: int = 0, start: int | None = None, **kwargs: bool
) -> list[bytes]:
    batches = read_to_end(connection(settings), topic, partition, start, **kwargs)
    return [record.value async for batch in batches for record in batch]


async def test_read_ends_at_the_present_end(settings: Settings) -> None:
    topic = await make(settings, "plain", partitions=2)
    wanted = [b"%d" % n for n in range(12_000)]
    await fill(settings, topic, wanted)
    assert await values_of(settings, topic) == wanted
    assert await values_of(settings, topic, start=11_998) == wanted[-2:]
    assert await values_of(settings, topic, start=12_000) == []
    assert await values_of(settings, topic, partition=1) == []
    async with LogReader(connection(settings), topic, max_records=100) as reader:
        seen = 0
        async with aclosing(reader.to_end()) as batches:
            async for batch in batches:
                if not seen:
                    await fill(settings, topic, [b"later"])
                seen += len(batch)
        assert seen == len(wanted), "records appended during the read are not waited for"
        assert [r.value async for b in reader.to_end({0: 12_000}) for r in b] == [b"later"], "the next read has them"


async def test_follow_continues_and_reports_each_end(settings: Settings) -> None:
    topic = await make(settings, "followed", partitions=2)
    await fill(settings, topic, [b"1", b"2", b"3"])
    async with LogReader(connection(settings), topic) as reader:
        seen: list[bytes] = []
        ends = 0
        async with aclosing(reader.follow({0: 1, 1: None}, poll_seconds=0.05)) as batches:
            async for batch in batches:
                seen += [record.value for record in batch or ()]
                ends += batch is None
                if batch is None and ends == 1:
                    assert seen == [b"2", b"3"]
                    await fill(settings, topic, [b"4"])
                    await fill(settings, topic, [b"5"], partition=1)
                if len(seen) == 4 or ends > 200:
                    break
    assert sorted(seen) == [b"2", b"3", b"4", b"5"]


async def test_partitions_are_read_together(settings: Settings) -> None:
    topic = await make(settings, "many", partitions=3)
    for partition in (0, 2):
        await fill(settings, topic, [b"%d" % partition] * 10, partition)
    async with LogReader(connection(settings), topic) as reader:
        assert reader.partitions == (0, 1, 2)
        assert [b.end for b in (await reader.bounds()).values()] == [10, 0, 10]
        found = [(record.partition, record.offset) async for batch in reader.to_end() for record in batch]
        cut = [(r.partition, r.offset) async for b in reader.to_end({0: 2, 2: None}, ends={0: 5, 2: 1}) for r in b]
    assert sorted(found) == [(p, n) for p in (0, 2) for n in range(10)]
    assert sorted(cut) == [(0, 2), (0, 3), (0, 4), (2, 0)]


async def test_transaction_markers_do_not_stall_the_read(settings: Settings) -> None:
    topic = await make(settings, "transactions")
    await fill(settings, topic, [b"plain"])
    async with AIOKafkaProducer(**connection(settings), transactional_id=settings.topic("t")) as sender:
        for value, keep in ((b"kept", True), (b"dropped", False)):
            await sender.begin_transaction()
            await sender.send_and_wait(topic, value, partition=0)
            await (sender.commit_transaction() if keep else sender.abort_transaction())
    assert await values_of(settings, topic, committed_only=True) == [b"plain", b"kept"]
    assert await values_of(settings, topic) == [b"plain", b"kept", b"dropped"]
    async with LogReader(connection(settings), topic) as reader:
        end = (await reader.bounds())[0].end
    assert end == 5, "two markers"
    assert await values_of(settings, topic, start=4) == []
    assert await values_of(settings, topic, start=3, committed_only=True) == []


async def test_records_lost_to_retention_are_skipped(settings: Settings) -> None:
    topic = await make(settings, "retained")
    await fill(settings, topic, [b"%d" % n + bytes(900_000) for n in range(10)])  # a fetch takes four of them
    admin = AIOKafkaAdminClient(**connection(settings))
    await admin.start()
    try:
        async with LogReader(connection(settings), topic, max_records=1) as reader:
            seen: list[int] = []
            async with aclosing(reader.to_end()) as batches:
                async for batch in batches:
                    if not seen:
                        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=7)})
                    seen += [record.offset for record in batch]
            assert seen == [0, 1, 2, 3, 7, 8, 9], "the fetched records, and those that remain"
            bounds = (await reader.bounds())[0]
            assert (bounds.begin, bounds.end) == (7, 10)
        assert [value[:1] for value in await values_of(settings, topic, start=3)] == [b"7", b"8", b"9"]
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=10)})
        assert await values_of(settings, topic) == []
    finally:
        await admin.close()


async def test_start_beyond_the_end_is_an_error(settings: Settings) -> None:
    topic = await make(settings, "short")
    await fill(settings, topic, [b"one"])
    with pytest.raises(TopicsError, match=r"ends at 1, before offset 7"):
        await values_of(settings, topic, start=7)
    with pytest.raises(TopicsError, match="no partition 3, only 0 to 0"):
        await values_of(settings, topic, partition=3)


async def test_missing_topic_is_an_error_and_stays_missing(settings: Settings) -> None:
    for _ in range(2):
        with pytest.raises(TopicsError, match="does not exist") as caught:
            await values_of(settings, settings.topic("nowhere"))
        assert caught.value.fix == "hushtag topics create"


async def test_silent_broker_is_an_error_within_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for address in (f"127.0.0.1:{port}", "127.0.0.1:1"):
            began = time.monotonic()
            with pytest.raises(DependencyAway, match=address):
                async with LogReader({"bootstrap_servers": address}, "t", silence_seconds=1.0):
                    pass
            assert time.monotonic() - began < 9.5, "the default deadline is ten seconds"
