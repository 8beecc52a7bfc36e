"""Read leaves and openings together, in the order of the entries, with bounded memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing
from typing import NamedTuple

from aiokafka import ConsumerRecord

from moderation.publiclog.disclosure import Opening, decode_opening
from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.seeking import number_of_key, seek_number
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, AUDIT_ERASURES, AUDIT_OPENINGS
from streams.settings import Settings


class JoinedRecord(NamedTuple):
    """Record of `audit` with the opening of its entry; nothing is verified."""

    offset: int
    key: bytes | None
    leaf: bytes | None
    opening: Opening | None
    """None: there is none, or it cannot be read."""


async def read_joined(settings: Settings, first: int = 0) -> AsyncGenerator[list[JoinedRecord], None]:
    """Yield the committed records of `audit` from an entry up to the present end, in batches.

    Raises:
        AuditBroken: an opening was written again, or deleted without an erasure.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    start, opening_start = [await _start(settings, name, first) for name in (AUDIT, AUDIT_OPENINGS)]
    async with AsyncExitStack() as stack:
        leaves = await stack.enter_async_context(_reader(settings, AUDIT))
        openings = await stack.enter_async_context(_reader(settings, AUDIT_OPENINGS))
        # 1. Each leaf up to this end has its opening before the next one.
        end = (await leaves.bounds((0,)))[0].end
        opening_end = (await openings.bounds((0,)))[0].end
        # 2. Each tombstone before that end has its erasure by now.
        erased = await read_erasures(settings)
        batches = await stack.enter_async_context(aclosing(openings.to_end({0: opening_start}, {0: opening_end})))
        opened = OpeningStream(openings.topic, batches, first, erased)
        stream = await stack.enter_async_context(aclosing(leaves.to_end({0: start}, {0: end})))
        async for batch in stream:
            joined = []
            for record in batch:
                number = number_of_key(record.key)
                opening = None if number is None else await opened.take(number)
                joined.append(JoinedRecord(record.offset, record.key, record.value, opening))
            yield joined


async def _start(settings: Settings, name: str, first: int) -> int | None:
    """Return the offset from which to read an entry and those after it; None: the beginning."""
    if not first:
        return None
    async with LogReader(connection(settings), settings.topic(name), committed_only=True, single=True) as reader:
        return await seek_number(reader, first)


async def read_erasures(settings: Settings) -> dict[int, Opening]:
    """Read what erased entries still open, by number; raises the errors of `LogReader`."""
    openings: dict[int, Opening] = {}
    async with _reader(settings, AUDIT_ERASURES) as reader:
        async for batch in reader.to_end({0: None}):
            for record in batch:
                number, opening = number_of_key(record.key), opening_in(record.value)
                if number is not None and opening is not None:
                    openings[number] = opening
    return openings


def opening_in(value: bytes | None) -> Opening | None:
    """Decode an opening; None if it cannot be read."""
    try:
        return decode_opening(value or b"")
    except (ValueError, TypeError, RecursionError):
        return None


class OpeningStream:
    """Openings in the order of their entries; an erased entry's is what it still opens."""

    def __init__(
        self, topic: str, batches: AsyncIterator[list[ConsumerRecord]], first: int, erased: Mapping[int, Opening]
    ) -> None:
        self._topic, self._batches, self._erased = topic, batches, erased
        self._pending: dict[int, bytes] = {}
        self._next = first
        """Least number that may still be taken."""
        self._read_to = first
        """Number after the last one that was read."""

    async def take(self, number: int) -> Opening | None:
        """Return the opening of an entry; numbers are asked for in rising order.

        Raises:
            AuditBroken: an opening was written again, or deleted without an erasure.
        """
        self._next = max(self._next, number)
        while self._read_to <= number and await self._read():
            pass
        value = self._pending.pop(number, None)
        if number in self._erased:
            return self._erased[number]
        opening = None if value is None else opening_in(value)
        return None if opening is None or None in opening.salts else opening

    async def _read(self) -> bool:
        batch = await anext(self._batches, None)
        for record in batch or ():
            number = number_of_key(record.key)
            if number is None or number in self._erased:
                continue
            if record.value is None:
                detail = "its opening was deleted, and no erasure was logged"
                raise AuditBroken(self._topic, AuditFault(number, "missing", detail, record.offset))
            if number < self._next:
                detail = "its opening was written again"
                raise AuditBroken(self._topic, AuditFault(number, "changed", detail, record.offset))
            self._pending[number] = record.value
            self._read_to = max(self._read_to, number + 1)
        return batch is not None


def _reader(settings: Settings, name: str) -> LogReader:
    return LogReader(connection(settings), settings.topic(name), committed_only=True)
