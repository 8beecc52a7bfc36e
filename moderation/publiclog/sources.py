"""Source topics of the audit log, read from the position that the log itself holds.

- Records that were lost before they were read are replaced by a note.
- Judges' progress and workers' reports on their policy files are not decisions and are left out. A note records from
  time to time how far they were read, so that a long quiet period does not look like a loss later.
- Decisions are kept without the positions of their sampled tweets, and without the highest-scoring ones: the log is
  never erased, and must not lead to texts.
- Records that list people (targets of an order, the registry of speakers), and records above 65,535 bytes, are kept as
  their hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from typing import Self

import msgspec
from aiokafka import ConsumerRecord

from moderation.publiclog.inputs import MAX_RECORD_BYTES, AuditInput, SourcePosition, too_large_note
from streams.log.decisions import POSITION_FIELDS
from streams.log.fillers import is_filler
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION, POLICY
from streams.settings import Settings

SOURCES = (MODERATION, POLICY, DECISIONS)
PERSONAL_KINDS = frozenset({"speaker", "speaker_details", "order_targets"})
"""Kinds of `moderation` records that are kept as their hash."""
JUDGES_OWN = frozenset({"progress", "stopped"})
"""Kinds of `suppression-decisions` records that are no decisions."""
_POSITIONS = [f'"{name}"'.encode() for name in POSITION_FIELDS]
_Positions = Mapping[tuple[str, int], int]
_LOST = "lost: offsets "
_LOSS = re.compile(rf"{_LOST}([0-9]+) to ([0-9]+) were gone from the topic before they were read")
CHECKPOINT_NOTE = "read up to here; judges' progress and workers' reports are not kept"


class _RecordHead(msgspec.Struct):
    kind: str = ""
    actor: str = ""
    worker: str = ""


_decoder = msgspec.json.Decoder(_RecordHead)


def is_kept(topic: str, value: bytes | None) -> bool:
    """Return whether a record belongs in the log: all but judges' progress and workers' reports do."""
    if topic == MODERATION or value is None:
        return True
    try:
        head = _decoder.decode(value)
        return head.kind not in JUDGES_OWN if topic == DECISIONS else not head.worker
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True  # the log also shows malformed records


def audit_input(source: SourcePosition, key: bytes | None, value: bytes | None) -> AuditInput:
    """Convert a source record: its hash if it lists people or is too large; positions of tweets are left out."""
    if source.topic == DECISIONS:
        value = kept_decision(value)
    elif source.topic == MODERATION and (note := _personal_note(value or b"")):
        return AuditInput(source, note=note)
    if max(len(key or b""), len(value or b"")) > MAX_RECORD_BYTES:
        return AuditInput(source, note=too_large_note(value, key))
    return AuditInput(source, key, value)


def _personal_note(value: bytes) -> str:
    """Return the note in place of a record that lists people; "" for another record."""
    try:
        head = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if head.kind not in PERSONAL_KINDS:
        return ""
    by = f" by {head.actor}" if head.actor else ""
    return f"kept as its hash, for it names people: {head.kind}{by}, SHA-256 {hashlib.sha256(value).hexdigest()}"


def kept_decision(value: bytes | None) -> bytes | None:
    """Leave out of a decision what leads to texts: the log is kept for ever. Other values stay unchanged."""
    if value is None or not any(name in value for name in _POSITIONS):
        return value
    try:
        record = msgspec.json.decode(value)
        for ruling in record["rulings"]:
            evidence = ruling.get("evidence") or {}
            for name in POSITION_FIELDS:
                evidence.pop(name, None)
        return msgspec.json.encode(record)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, TypeError, AttributeError):
        return value  # the log also shows malformed records


def lost_records(topic: str, partition: int, start: int, begin: int) -> AuditInput:
    """Build the note for records lost before they were read: offsets [start, begin)."""
    note = f"{_LOST}{start} to {begin - 1} were gone from the topic before they were read"
    return AuditInput(SourcePosition(topic, partition, begin - 1, -1), note=note)


class SourceTopics:
    """Readers of all source topics: an async context manager that raises the errors of `LogReader`."""

    def __init__(self, settings: Settings) -> None:
        self._readers = {name: LogReader(connection(settings), settings.topic(name)) for name in SOURCES}
        self._stack = AsyncExitStack()
        self._skipped: dict[tuple[str, int], SourcePosition] = {}
        """Last record read and left out, by source partition, since a record was kept."""
        self.behind: dict[str, int] = dict.fromkeys(SOURCES, 0)
        """Offsets of each source that remain up to its end at the last `new_records`."""
        self.lost: dict[str, int] = dict.fromkeys(SOURCES, 0)
        """Offsets of each source that were lost before they were read, so far."""

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

    async def new_records(self, next_offsets: _Positions) -> AsyncGenerator[list[AuditInput], None]:
        """Yield the new records up to the present ends, in batches of one partition each.

        Args:
            next_offsets: position of each source partition in the log.
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
                yield [source_record for record in batch if (source_record := self._input(name, record)) is not None]
                self.behind[name] = max(0, self.behind[name] - len(batch))
            self.behind[name] = 0

    def checkpoints(self) -> list[AuditInput]:
        """Build a note for each partition whose last records were left out."""
        notes = [AuditInput(source, note=CHECKPOINT_NOTE) for source in self._skipped.values()]
        self._skipped.clear()
        return notes

    def _start(self, name: str, partition: int, next_offsets: _Positions) -> int:
        skipped = self._skipped.get((name, partition))
        return max(next_offsets.get((name, partition), 0), skipped.offset + 1 if skipped else 0)

    def _input(self, name: str, record: ConsumerRecord) -> AuditInput | None:
        source = SourcePosition(name, record.partition, record.offset, record.timestamp)
        if is_filler(record.key, record.value) or not is_kept(name, record.value):
            self._skipped[name, record.partition] = source
            return None
        self._skipped.pop((name, record.partition), None)
        return audit_input(source, record.key, record.value)


def loss_of(note: str) -> tuple[int, int] | None:
    """Return the first and the last offset that a note reports as lost; None for another note."""
    match = _LOSS.fullmatch(note)
    return (int(match[1]), int(match[2])) if match else None
