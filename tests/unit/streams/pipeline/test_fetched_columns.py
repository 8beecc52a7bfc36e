"""Fetched batches as columns against aiokafka's own records: codecs, transactions, gaps, limits, damage."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting.records import RecordColumns
from streams.pipeline.fetched_columns import KeptRecords, batches_of, with_columns

TP, OTHER = TopicPartition("tweets", 0), TopicPartition("orders", 0)
Fields = tuple[int, int, bytes | None, bytes | None]
_TRANSACTIONAL, _CONTROL, _APPEND_TIME = 0x10, 0x20, 0x08
_ABORT = b"\0\0\0\0"


def batch(first: int, values: list[Any], codec: int = 0, *, producer: int = -1, attributes: int = 0) -> bytes:
    """Build a batch of (timestamp, key, value, headers) at the offsets from `first` on."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, producer, 0 if producer >= 0 else -1, -1, 10**7)
    for number, one in enumerate(values):
        assert builder.append(number, *one) is not None
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")
    raw[21:23] = (int.from_bytes(raw[21:23], "big") | attributes).to_bytes(2, "big")
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return bytes(raw)


def some(rng: random.Random, n: int) -> list[Any]:
    """Draw records with and without keys, values and headers."""
    return [
        (
            1_000_000 + rng.randrange(-1_000, 1_000_000),
            rng.choice([None, b"", b"key"]),
            rng.choice([None, b"", b"v" * rng.randrange(300)]),
            rng.choice([[], [("h", b"x"), ("é", None)]]),
        )
        for _ in range(n)
    ]


def fetched(data: bytes, at: int = 0, aborted: list[tuple[int, int]] | None = None) -> PartitionRecords:
    return PartitionRecords(TP, KeptRecords(data), aborted, at, None, None, True, READ_COMMITTED)


def fields(records: Any) -> list[Fields]:
    return [(one.offset, one.timestamp, one.key, one.value) for one in records]


def in_columns(one: PartitionRecords) -> list[Fields]:
    return [row for columns in batches_of(one) for row in fields(columns)]


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40)), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_columns_equal_aiokafka_records(seed: int, batches: list[tuple[int, int]]) -> None:
    rng, data, offset = random.Random(seed), b"", 0
    for codec, n in batches:
        data += batch(offset, some(rng, n), codec, attributes=rng.choice([0, _APPEND_TIME]))
        offset += n + rng.choice([0, 0, 3])
    begin = rng.randrange(offset)
    expected, found = fetched(data, begin), fetched(data, begin)
    assert in_columns(found) == fields(expected)
    assert found.next_fetch_offset == expected.next_fetch_offset


def test_aborted_transaction_and_control_batches_are_skipped() -> None:
    rng = random.Random(1)
    marks = _TRANSACTIONAL | _CONTROL
    data = (
        batch(0, some(rng, 3))
        + batch(3, some(rng, 4), producer=7, attributes=_TRANSACTIONAL)
        + batch(7, [(1_000, _ABORT, b"", [])], producer=7, attributes=marks)
        + batch(8, some(rng, 2), producer=7, attributes=_TRANSACTIONAL)
        + batch(10, [(1_000, b"\0\0\0\1", b"", [])], producer=7, attributes=marks)
    )
    expected, found = fetched(data, 0, [(7, 3)]), fetched(data, 0, [(7, 3)])
    rows = in_columns(found)
    assert rows == fields(expected)
    assert [row[0] for row in rows] == [0, 1, 2, 8, 9]
    assert found.next_fetch_offset == 11, "the position moves past the last marker"


def test_older_format_takes_the_way_of_objects() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 10_000)
    builder.append(0, 1_000, b"key", b"value")
    data = bytes(builder.build())
    assert in_columns(fetched(data)) == [(0, 1_000, b"key", b"value")]


@pytest.mark.parametrize("seed", range(40))
def test_broken_batch_raises_as_aiokafka_does(seed: int) -> None:
    rng = random.Random(seed)
    raw = bytearray(batch(0, some(rng, 5)))
    raw[rng.randrange(61, len(raw))] ^= 1 << rng.randrange(8)
    with pytest.raises(CorruptRecordException):
        in_columns(fetched(bytes(raw)))
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    outcomes = []
    for read in (in_columns, fields):
        try:
            outcomes.append(read(fetched(bytes(raw))))
        except (CorruptRecordException, UnicodeDecodeError) as error:
            outcomes.append(type(error))
    assert outcomes[0] == outcomes[1] or isinstance(outcomes[0], list), "headers are not decoded"


class Assigned:
    """The assignment of one partition, as aiokafka's results use it."""

    active, paused, position = True, False, 0

    def state_value(self, tp: object) -> Assigned:
        return self

    def consumed_to(self, offset: int) -> None:
        self.position = offset


async def consumer_of(data: bytes) -> tuple[dict[Any, Any], dict[Any, Assigned]]:
    """Return the same fetched result of the topic and of another one, and their assignments."""
    started = SimpleNamespace(_records={})

    async def start() -> None:
        pass

    consumer = with_columns(SimpleNamespace(_fetcher=started, start=start), "tweets".__eq__)
    await consumer.start()
    assigned = {tp: Assigned() for tp in (TP, OTHER)}
    for tp in (TP, OTHER):
        result = FetchResult(tp, assignment=assigned[tp], partition_records=fetched(data), backoff=0)
        started._records[tp] = result
    return started._records, assigned


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_result_honours_max_records_and_advances_the_position(limit: int) -> None:
    rng = random.Random(2)
    data = batch(0, some(rng, 5), 4) + batch(8, some(rng, 4)) + batch(12, [(1, _ABORT, b"", [])], attributes=_CONTROL)
    results, assigned = await consumer_of(data)
    seen: dict[Any, list[tuple[list[Fields], int]]] = {TP: [], OTHER: []}
    for tp, steps in seen.items():
        while results[tp].has_more():
            found = results[tp].getall(limit)
            assert len(found) <= limit
            steps.append((fields(found), assigned[tp].position))
    assert seen[TP] == seen[OTHER]
    assert seen[TP][-1][1] == 13


async def test_result_of_a_seek_elsewhere_is_discarded() -> None:
    results, assigned = await consumer_of(batch(0, some(random.Random(3), 5)))
    result = results[TP]
    assert len(result.getall(2)) == 2
    assigned[TP].position = 77
    assert result.getall(2) == []
    assert not result.has_more()


async def test_other_topics_keep_records() -> None:
    results, _ = await consumer_of(batch(0, some(random.Random(4), 5)))
    found = results[OTHER].getall()
    assert not isinstance(found, RecordColumns)
    assert len(found) == 5


def test_aiokafka_has_the_names_that_are_extended() -> None:
    assert {"MemoryRecords", "FetchResult", "PartitionRecords"} <= vars(fetcher).keys()
