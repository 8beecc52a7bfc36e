"""Fetched record batches as columns, for partitions of chosen topics; aiokafka makes an object of each record.

aiokafka still fetches, checks the assignment, and knows which transactions were aborted. Two of its classes are
extended: `MemoryRecords` keeps its bytes, and a result of such a topic returns columns. Batches of an older format, and
broken ones, take aiokafka's way, so its errors stay.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.consumer import fetcher as aiokafka_fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

from streams.counting.records import COLUMNS, OFFSET, RecordColumns
from streams.log.kernels.record_split import split_records

_LENGTH = struct.Struct(">8xi")
_RECORDS = struct.Struct(">57xi")
_HEADER_BYTES = 61
_MAGIC_AT = 16
_CODECS: dict[int, Callable[[bytes], bytes]] = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}


class KeptRecords(MemoryRecords):  # type: ignore[misc]
    """Fetched batches, together with their bytes, which aiokafka's class hides."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


def with_columns(consumer: Any, wants_columns: Callable[[str], bool]) -> Any:
    """Make a consumer return `RecordColumns` for partitions of the wanted topics; return the same consumer."""
    aiokafka_fetcher.MemoryRecords = KeptRecords
    start = consumer.start

    async def start_with_columns() -> None:
        await start()
        consumer._fetcher._records = _Results(wants_columns)

    consumer.start = start_with_columns
    return consumer


class _Results(dict[Any, Any]):
    """Fetched results by partition; those of wanted topics get `ColumnReader.read` in place of `getall`."""

    def __init__(self, wants_columns: Callable[[str], bool]) -> None:
        super().__init__()
        self._wanted = wants_columns

    def __setitem__(self, tp: Any, result: Any) -> None:
        if type(result) is FetchResult and self._wanted(tp.topic):
            result.getall = ColumnReader(result).read
        super().__setitem__(tp, result)


class ColumnReader:
    """Reader of one fetched result, batch by batch."""

    def __init__(self, result: Any) -> None:
        self._result = result
        self._batches = batches_of(result._partition_records)
        self._rest: RecordColumns | None = None

    def read(self, max_records: int | None = None) -> RecordColumns | list[Any]:
        """Return the next records, at most `max_records`, and advance the position behind them, gaps included."""
        result = self._result
        if not result.check_assignment(result._topic_partition) or not result.has_more():
            return []
        parts: list[RecordColumns] = []
        room = max_records
        while room is None or room > 0:
            batch = next(self._batches, None) if self._rest is None else self._rest
            if batch is None:
                break
            taken = batch if room is None else batch.part(0, room)
            self._rest = batch.part(len(taken), len(batch)) if len(taken) < len(batch) else None
            room = None if room is None else room - len(taken)
            parts.append(taken)
        else:
            result._partition_records.next_fetch_offset = int(parts[-1].rows[-1, OFFSET]) + 1
            result._update_position()
            return RecordColumns.joined(parts)
        result._update_position()
        result._partition_records = None
        return RecordColumns.joined(parts) if parts else []


def batches_of(fetched: Any) -> Iterator[RecordColumns]:
    """Yield the records of each batch that counts, without control batches and aborted transactions.

    Args:
        fetched: aiokafka's `PartitionRecords` over `KeptRecords`; its `next_fetch_offset` moves behind each batch.

    Raises:
        CorruptRecordException: a batch is broken.
    """
    at, data = 0, fetched._records.data
    while fetched._records.has_next():
        batch = fetched._records.next_batch()
        size = _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
        raw = memoryview(data)[at : at + size]
        at += size
        if fetched._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")
        if fetched._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            fetched._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and fetched._contains_abort_marker(batch):
                fetched._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in fetched._aborted_producers:
                fetched.next_fetch_offset = batch.next_offset
                continue
        if batch.is_control_batch:
            fetched.next_fetch_offset = batch.next_offset
            continue
        columns = _columns_of(batch, raw).since(fetched.next_fetch_offset)
        if len(columns):
            fetched.next_fetch_offset = int(columns.rows[-1, OFFSET]) + 1
            yield columns
        fetched.next_fetch_offset = batch.next_offset


def _columns_of(batch: Any, raw: memoryview) -> RecordColumns:
    if raw[_MAGIC_AT] != 2:
        return RecordColumns.of(batch)
    decode = _CODECS.get(batch.compression_type)
    if batch.compression_type and decode is None:
        return RecordColumns.of(batch)
    body = raw[_HEADER_BYTES:].tobytes()
    data = body if decode is None else decode(body)
    rows = np.empty((min(_RECORDS.unpack_from(raw)[0], len(data)), COLUMNS), np.int64)
    append_ms = batch.max_timestamp if batch.timestamp_type == 1 else -1
    whole = split_records(np.frombuffer(data, np.uint8), 0, batch.base_offset, batch.first_timestamp, append_ms, rows)
    return RecordColumns(data, rows) if whole else RecordColumns.of(batch)
