"""What the audit log is made of: the topics that hold decisions, read on from where the log says that it is.

A source that has lost records before they were read gives a note in their place, so that the log says so itself.
Progress records of the judges, and what workers report of their policy files, are no decisions and are not kept; so
that a long quiet time does not look like a loss later, a note marks now and then how far they were read.
Records that name people by the list (the targets of an order,
the registry of speakers) are kept as their hash: what may have to be forgotten must not be where nothing can be.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from typing import Self

import msgspec
from aiokafka import ConsumerRecord

from moderation.audit.chain import Entry, Heard, Source
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION, POLICY
from streams.settings import Settings

SOURCES = (MODERATION, POLICY, DECISIONS)
_Positions = Mapping[tuple[str, int], int]
_LOST = "lost: offsets "


NAMING_PEOPLE = frozenset({"speaker", "speaker_details", "order_targets"})
"""Kinds of `moderation` records that are kept as their hash."""


class _Head(msgspec.Struct):
    kind: str = ""
    actor: str = ""
    worker: str = ""


_head = msgspec.json.Decoder(_Head)


def is_kept(topic: str, value: bytes | None) -> bool:
    """Whether a record belongs into the log: all do, but for the judges' progress and the workers' reports."""
    if topic == MODERATION or value is None:
        return True
    try:
        head = _head.decode(value)
        return head.kind != "progress" if topic == DECISIONS else not head.worker
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True  # whatever it is, somebody wrote it there


class Sources:
    """All sources, read side by side. An async context manager; errors are those of `LogReader`."""

    def __init__(self, settings: Settings) -> None:
        self._readers = {name: LogReader(connection(settings), settings.topic(name)) for name in SOURCES}
        self._stack = AsyncExitStack()
        self.read_up_to: dict[tuple[str, int], Source] = {}
        """The last record that was read and not kept, per source partition, since one was kept."""
        self.behind: dict[str, int] = dict.fromkeys(SOURCES, 0)
        """Offsets of each source that were not read yet when `news` last asked for its ends."""
        self.lost: dict[str, int] = dict.fromkeys(SOURCES, 0)
        """Offsets of each source that were gone before they were read, so far."""

    async def __aenter__(self) -> Self:
        try:
            for reader in self._readers.values():
                await self._stack.enter_async_context(reader)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def news(self, next_offsets: _Positions) -> AsyncGenerator[list[Heard], None]:
        """What has come since, in batches of one partition each, up to the ends as of now.

        Args:
            next_offsets: how far each partition is in the log.
        """
        for name, reader in self._readers.items():
            bounds = await reader.bounds()
            self.behind[name] = sum(
                max(0, bound.end - max(bound.begin, self._start(name, p, next_offsets))) for p, bound in bounds.items()
            )
        for name, reader in self._readers.items():
            starts = {p: self._start(name, p, next_offsets) for p in reader.partitions}
            bounds = await reader.bounds()
            self.lost[name] += sum(max(0, bounds[p].begin - starts[p]) for p in starts)
            lost = [lost_records(name, p, starts[p], bounds[p].begin) for p in starts if starts[p] < bounds[p].begin]
            if lost:
                yield lost
            async for batch in reader.to_end({p: max(starts[p], bounds[p].begin) for p in starts}):
                yield [heard for record in batch if (heard := self._heard(name, record)) is not None]
                self.behind[name] = max(0, self.behind[name] - len(batch))
            self.behind[name] = 0

    def checkpoints(self) -> list[Heard]:
        """A note for each partition of which something was read and not kept since its last entry."""
        notes = [
            Heard(source, note="read up to here; judges' progress and workers' reports are not kept")
            for source in self.read_up_to.values()
        ]
        self.read_up_to.clear()
        return notes

    def _start(self, name: str, partition: int, next_offsets: _Positions) -> int:
        skipped = self.read_up_to.get((name, partition))
        return max(next_offsets.get((name, partition), 0), skipped.offset + 1 if skipped else 0)

    def _heard(self, name: str, record: ConsumerRecord) -> Heard | None:
        source = Source(name, record.partition, record.offset, record.timestamp)
        if not is_kept(name, record.value):
            self.read_up_to[name, record.partition] = source
            return None
        self.read_up_to.pop((name, record.partition), None)
        return kept(source, record.key, record.value)


def kept(source: Source, key: bytes | None, value: bytes | None) -> Heard:
    """A record as the log keeps it: whole, or as its hash where it names people by the list."""
    try:
        head = _head.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Heard(source, key, value)
    if source.topic != MODERATION or head.kind not in NAMING_PEOPLE:
        return Heard(source, key, value)
    by = f" by {head.actor}" if head.actor else ""
    digest = hashlib.sha256(value or b"").hexdigest()
    return Heard(source, note=f"kept as its hash, for it names people: {head.kind}{by}, SHA-256 {digest}")


def is_loss(entry: Entry) -> bool:
    """Whether an entry stands for records that were gone before they could be read."""
    return entry.note.startswith(_LOST)


def lost_records(topic: str, partition: int, start: int, begin: int) -> Heard:
    """The note that stands for records which were gone before they could be read: offsets [start, begin)."""
    note = f"{_LOST}{start} to {begin - 1} were gone from the topic before they were read"
    return Heard(Source(topic, partition, begin - 1, -1), note=note)
