"""Read the audit log: entries, pages, and the state of the log and its witnesses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from moderation.publiclog.checkpoint_topic import read_checkpoints
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.joined_records import JoinedRecord, opening_in, read_erasures, read_joined
from moderation.publiclog.keys import log_keys, witnesses_of
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of
from moderation.publiclog.seeking import first_numbered, number_of_key, seek_number
from moderation.publiclog.state import PublishedCheckpoint, SignedState, decode_state, open_checkpoints
from moderation.publiclog.tlog.checkpoint import Checkpoint, read_checkpoint
from moderation.publiclog.tlog.cosignature import cosignature_of
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.keys import PublicKey
from moderation.publiclog.tlog.notes import SignedNote, read_note
from moderation.publiclog.topic_verification import entry_of
from streams.errors import CallerMistake
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, AUDIT_CHECKPOINTS, AUDIT_OPENINGS
from streams.settings import Settings

PAGE_SCAN = 50_000
"""Entries that one page reads at most."""


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """One checkpoint, as the topic has it."""

    text: str
    """Signed note of the checkpoint."""
    size: int
    root: str
    """Root of the tree, in hex."""
    at_ms: int
    cosigned_by: tuple[str, ...] = ()
    """Witnesses of HUSHTAG_AUDIT_WITNESSES whose cosignature fits."""
    missing: tuple[str, ...] = ()
    """The others; without that setting, those that its publisher lacked."""


@dataclass(frozen=True, slots=True)
class LogState:
    """State of the log."""

    entries: int
    signed: CheckpointState | None
    """Checkpoint of the writer's last signature."""
    published: CheckpointState | None
    """Newest published checkpoint, with its cosignatures."""
    complete: CheckpointState | None = None
    """Newest published checkpoint that all witnesses cosigned."""


async def read_batches(
    settings: Settings, first: int = 0, end: int | None = None
) -> AsyncGenerator[list[AuditEntry], None]:
    """Yield the entries from a number on in batches, in order; each leaf commits to its opening. Use `aclosing`.

    Each batch is checked in a thread.

    Args:
        settings: addresses and topic names.
        first: number of the first entry.
        end: number after the last entry, up to which the log must have all; None: the present end.

    Raises:
        AuditBroken: an entry is missing, repeated or changed. The root is not verified.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    expected, topic = first, settings.topic(AUDIT)
    async with aclosing(read_joined(settings, first)) as batches:
        async for batch in batches:
            entries, broken = await asyncio.to_thread(_checked, batch, expected, end, topic)
            expected += len(entries)
            if entries:
                yield entries
            if broken is not None:
                raise broken
            if expected == end:
                return
    if end is not None and expected < end:
        raise AuditBroken(topic, AuditFault(expected, "cut off", f"a checkpoint covers {end} entries"))


def _checked(
    batch: Sequence[JoinedRecord], first: int, end: int | None, topic: str
) -> tuple[list[AuditEntry], AuditBroken | None]:
    """Return the entries of a batch up to its first fault, and the fault."""
    entries: list[AuditEntry] = []
    for record in batch:
        expected = first + len(entries)
        if expected == end:
            break
        try:
            entry = entry_of(record, topic)
        except AuditBroken as broken:
            return entries, broken
        if entry.number != expected:
            fault = AuditFault(expected, "missing", f"entry {entry.number} follows", record.offset)
            return entries, AuditBroken(topic, fault)
        entries.append(entry)
    return entries, None


async def read_entries(settings: Settings, first: int = 0) -> AsyncGenerator[AuditEntry, None]:
    """Yield the entries from a number on, one by one; see `read_batches`."""
    async with aclosing(read_batches(settings, first)) as batches:
        async for batch in batches:
            for entry in batch:
                yield entry


async def read_page(
    settings: Settings, entry_filter: AuditFilter, first: int, most: int
) -> tuple[list[AuditRow], int | None]:
    """Read the matching entries from number `first` on. A page ends after `most` rows or PAGE_SCAN entries.

    Returns:
        The rows, and the number of the next page's first entry; None at the end.
    """
    rows: list[AuditRow] = []

    def take(batch: Sequence[AuditEntry]) -> int | None:
        for entry in batch:
            row = row_of(entry)
            matches = entry_filter.selects(entry, row)
            if entry.number - first >= PAGE_SCAN or (matches and len(rows) == most):
                return entry.number
            if matches:
                rows.append(row)
        return None

    async with aclosing(read_batches(settings, first)) as batches:
        async for batch in batches:
            if (following := await asyncio.to_thread(take, batch)) is not None:
                return rows, following
    return rows, None


async def read_entry(settings: Settings, number: int) -> AuditEntry:
    """Read one entry by its number, whose leaf commits to its opening.

    Raises:
        CallerMistake: the log has no such entry.
        AuditBroken: leaf and opening do not fit.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    leaf = await _record(settings, AUDIT, number)
    if leaf is None:
        raise CallerMistake(f"the audit log has no entry {number}", fix="`hushtag audit export` lists the entries")
    opened = await _record(settings, AUDIT_OPENINGS, number)
    opening = (await read_erasures(settings)).get(number) or opening_in(opened and opened[1])
    return entry_of(JoinedRecord(leaf[0], str(number).encode(), leaf[1], opening), settings.topic(AUDIT))


async def first_since(settings: Settings, at_ms: int) -> int:
    """Return the number of the first entry appended at or after a time; the number of entries if there is none."""
    async with _reader(settings, AUDIT) as reader:
        end = (await reader.bounds((0,)))[0].end
        offset = await reader.offset_at(0, at_ms) or 0
        following = await first_numbered(reader, min(offset, end), end)
    return await _entries(settings) if following is None else following[1]


async def log_state(settings: Settings) -> LogState:
    """Read the number of entries and the last checkpoints, with the cosignatures that fit.

    Raises:
        AuditBroken: the log did not sign a checkpoint.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    records = await read_checkpoints(settings)
    signed = (decode_state(records.state), records.newest, records.complete)
    return LogState(await _entries(settings), *(_state_of(settings, record) for record in signed))


def opened_checkpoint(settings: Settings, text: str) -> tuple[Checkpoint, SignedNote]:
    """Read a checkpoint of the topic; the log must have signed it, if its key is known.

    Raises:
        AuditBroken: it did not.
        SettingsError: a key is unusable.
    """
    topic = settings.topic(AUDIT_CHECKPOINTS)
    try:
        note = read_note(text)
        if not (keys := log_keys(settings)):
            return read_checkpoint(note.text), note
    except ProofError as error:
        raise AuditBroken(topic, AuditFault(0, "forged checkpoint", str(error))) from None
    [(_, checkpoint)] = open_checkpoints({"a checkpoint": text}, keys, topic)
    return checkpoint, note


def _state_of(settings: Settings, record: SignedState | PublishedCheckpoint | None) -> CheckpointState | None:
    if record is None:
        return None
    checkpoint, note = opened_checkpoint(settings, record.checkpoint)
    state = CheckpointState(record.checkpoint, checkpoint.size, checkpoint.root.hex(), record.at_ms)
    if isinstance(record, SignedState):
        return state
    witnesses = [witness.key for witness in witnesses_of(settings)]
    cosigned = tuple(key.name for key in witnesses if _has_cosigned(note, key))
    missing = tuple(key.name for key in witnesses if key.name not in cosigned) if witnesses else record.missing
    return replace(state, cosigned_by=cosigned, missing=missing)


def _has_cosigned(note: SignedNote, witness: PublicKey) -> bool:
    try:
        return cosignature_of(note, witness) is not None
    except ProofError:
        return False


async def _entries(settings: Settings) -> int:
    """Return the number of entries of the topic."""
    async with _reader(settings, AUDIT) as reader:
        bounds, window = (await reader.bounds((0,)))[0], 100
        while True:
            start = max(bounds.begin, bounds.end - window)
            last = -1
            async with aclosing(reader.to_end({0: start}, {0: bounds.end})) as batches:
                async for batch in batches:
                    last = max(last, *(number_of_key(record.key) or 0 for record in batch))
            if last >= 0 or start == bounds.begin:
                return last + 1
            window *= 10


async def _record(settings: Settings, name: str, number: int) -> tuple[int, bytes] | None:
    """Return offset and value of the record of an entry; None without one."""
    async with _reader(settings, name) as reader:
        end = (await reader.bounds((0,)))[0].end
        async with aclosing(reader.to_end({0: await seek_number(reader, number)}, {0: end})) as batches:
            async for batch in batches:
                for record in batch:
                    if record.value is not None:
                        return (record.offset, record.value) if number_of_key(record.key) == number else None
    return None


def _reader(settings: Settings, name: str) -> LogReader:
    return LogReader(connection(settings), settings.topic(name), committed_only=True, single=True)
