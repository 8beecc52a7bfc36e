"""Source records as columns over one byte buffer: no object per record, and views of single rows for rare ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

OFFSET, LOG_MS, KEY, KEY_END, VALUE, VALUE_END = range(6)
"""Columns of `RecordColumns.rows`. Keys and values are half-open byte ranges of the buffer; -1, -1 for null."""
COLUMNS = 6


class SourceRecord(Protocol):
    """A Kafka record, as far as ingest reads it."""

    @property
    def offset(self) -> int:
        """Return the offset of the record."""

    @property
    def timestamp(self) -> int:
        """Return the log time of the record, in milliseconds."""

    @property
    def key(self) -> bytes | None:
        """Return the key of the record; None if it has none."""

    @property
    def value(self) -> bytes | None:
        """Return the bytes of the record; None for a tombstone."""


class SourceRow(NamedTuple):
    """One record of the columns, copied out of the buffer."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True, eq=False)
class RecordColumns:
    """Records of one partition, ascending by offset.

    >>> records = RecordColumns.of([SourceRow(7, 1_000, b"key", b"value"), SourceRow(9, 1_001, None, None)])
    >>> len(records), records[-1].offset, records.since(8)[0].value, records[0].key
    (2, 9, None, b'key')
    """

    data: bytes
    """Keys and values, and the rest of the record batches they came in."""
    rows: Ints
    """(n, COLUMNS) offsets, log times and byte ranges."""

    @classmethod
    def of(cls, records: Iterable[SourceRecord]) -> RecordColumns:
        """Copy records into columns; columns are returned unchanged."""
        if isinstance(records, RecordColumns):
            return records
        parts: list[bytes] = []
        rows, at = [], 0
        for record in records:
            row = [record.offset, record.timestamp]
            for part in (record.key, record.value):
                row += (-1, -1) if part is None else (at, at + len(part))
                at += len(part or b"")
                parts.append(part or b"")
            rows.append(row)
        return cls(b"".join(parts), np.array(rows, np.int64).reshape(-1, COLUMNS))

    @classmethod
    def joined(cls, parts: Sequence[RecordColumns]) -> RecordColumns:
        """Join columns of one partition in order; at least one."""
        if len(parts) == 1:
            return parts[0]
        rows = np.concatenate([part.rows for part in parts])
        shifts = np.cumsum([0, *(len(part.data) for part in parts[:-1])])
        ranges = rows[:, KEY:]
        ranges += np.where(ranges < 0, 0, np.repeat(shifts, [len(part) for part in parts])[:, None])
        return cls(b"".join([part.data for part in parts]), rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> SourceRow:
        """Return one record; negative numbers count from the end."""
        offset, log_ms, key, key_end, value, value_end = self.rows[number].tolist()
        return SourceRow(
            offset,
            log_ms,
            None if key < 0 else self.data[key:key_end],
            None if value < 0 else self.data[value:value_end],
        )

    def __iter__(self) -> Iterator[SourceRow]:
        return map(self.__getitem__, range(len(self)))

    def part(self, begin: int, end: int) -> RecordColumns:
        """Return the records [begin, end) by number, over the same buffer."""
        return RecordColumns(self.data, self.rows[begin:end])

    def since(self, offset: int) -> RecordColumns:
        """Return the records from an offset on, over the same buffer."""
        return self.part(int(np.searchsorted(self.rows[:, OFFSET], offset)), len(self))

    @property
    def value_bytes(self) -> int:
        """Total length of the values."""
        return int((self.rows[:, VALUE_END] - self.rows[:, VALUE]).sum())
