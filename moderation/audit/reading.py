"""Read the audit log: entries, pages, proofs, and the state of the log and its witnesses."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from moderation.audit.checkpoint_topic import CheckpointRecords, read_checkpoints
from moderation.audit.disclosure import disclose
from moderation.audit.entries import AuditEntry
from moderation.audit.faults import AuditBroken, AuditFault
from moderation.audit.inputs import SourcePosition
from moderation.audit.joined import JoinedRecord, opening_in, read_erasures, read_joined
from moderation.audit.rows import AuditFilter, AuditRow, row_of
from moderation.audit.seeking import first_numbered, number_of_key, seek_number
from moderation.audit.state import PublishedCheckpoint, decode_state
from moderation.audit.tlog.checkpoint import read_checkpoint
from moderation.audit.tlog.errors import ProofError
from moderation.audit.tlog.hashing import leaf_hash
from moderation.audit.tlog.notes import read_note
from moderation.audit.tlog.proof_checks import check_inclusion
from moderation.audit.tlog.proof_text import TlogProof
from moderation.audit.tlog.proving import inclusion_proof
from moderation.audit.tlog.tiles import TileTree
from moderation.audit.topic_tree import from_topic
from moderation.audit.verifying import entry_of
from moderation.proofs.published import published_log
from streams.clock import now_ms
from streams.constants import MINUTE_MS
from streams.errors import CallerMistake
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, AUDIT_OPENINGS
from streams.settings import Settings

PAGE_SCAN = 50_000
"""Entries that one page reads at most."""
FORMAT = "hushtag-proof-1"
_PUBLISHED_WITHIN_MS = 2 * MINUTE_MS
"""Time in which a logged entry is usually under a published checkpoint."""


@dataclass(frozen=True, slots=True)
class NotYetPublished:
    """No published checkpoint covers an entry yet."""

    number: int
    size: int
    """Size of the newest published checkpoint; 0: there is none."""
    next_at_ms: int
    """Time by which the next one is due."""


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """One checkpoint, as the topic has it."""

    text: str
    """Signed note."""
    size: int
    root: str
    """Root in hex."""
    at_ms: int
    cosigned_by: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Witnesses that have not cosigned it."""


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


async def read_entries(settings: Settings, first: int = 0, end: int | None = None) -> AsyncGenerator[AuditEntry, None]:
    """Yield the entries from a number on, in order; each leaf commits to its opening. Wrap it in `aclosing`.

    Args:
        settings: addresses and topic names.
        first: number of the first entry.
        end: number after the last entry; None: the present end.

    Raises:
        AuditBroken: an entry is missing, repeated or changed. The root is not verified.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    expected, topic = first, settings.topic(AUDIT)
    async with aclosing(read_joined(settings, first)) as batches:
        async for batch in batches:
            for one in batch:
                entry = entry_of(one, topic)
                if end is not None and entry.number >= end:
                    return
                if entry.number != expected:
                    fault = AuditFault(expected, "missing", f"entry {entry.number} follows", one.offset)
                    raise AuditBroken(topic, fault)
                expected += 1
                yield entry


async def read_page(
    settings: Settings, wanted: AuditFilter, first: int, most: int
) -> tuple[list[AuditRow], int | None]:
    """Read the matching entries from number `first` on. A page ends after `most` rows or PAGE_SCAN entries.

    Returns:
        The rows, and the number of the next page's first entry; None at the end.
    """
    rows: list[AuditRow] = []
    async with aclosing(read_entries(settings, first)) as entries:
        async for entry in entries:
            row = row_of(entry)
            matches = wanted.matches(entry, row)
            if entry.number - first >= PAGE_SCAN or (matches and len(rows) == most):
                return rows, entry.number
            if matches:
                rows.append(row)
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


read_opening = read_entry
"""Read one entry with its opening."""


async def first_since(settings: Settings, at_ms: int) -> int:
    """Return the number of the first entry appended at or after a time; the number of entries if there is none."""
    async with _reader(settings, AUDIT) as reader:
        end = (await reader.bounds((0,)))[0].end
        offset = await reader.offset_at(0, at_ms) or 0
        found = await first_numbered(reader, min(offset, end), end)
    return await _entries(settings) if found is None else found[1]


async def number_of(settings: Settings, source: SourcePosition) -> int | None:
    """Return the number of the entry of a source record; None if it is not logged."""
    start = await first_since(settings, max(0, source.log_time_ms - MINUTE_MS))
    async with aclosing(read_entries(settings, start)) as entries:
        async for entry in entries:
            one = entry.input
            if one is not None and (one.source.topic, one.source.partition, one.source.offset) == (
                source.topic,
                source.partition,
                source.offset,
            ):
                return entry.number
    return None


async def proof_of(settings: Settings, number: int, names: Sequence[str]) -> dict[str, Any] | NotYetPublished:
    """Build the proof file of an entry under the newest published checkpoint, with some of its fields opened.

    Tiles are read from HUSHTAG_AUDIT_FOLDER; without it the leaves are read from their topic, which takes long if the
    log is long.

    Raises:
        CallerMistake: the log has no such entry.
        ProofError: a field was erased.
        AuditBroken: topic or folder contradict the checkpoint.
        DependencyAway, TopicsError: Kafka or the folder does not answer, or a topic is missing.
    """
    entry = await read_entry(settings, number)
    records = await read_checkpoints(settings)
    published = records.covering(number)
    if published is None:
        size = 0 if records.newest is None else records.newest.size
        return NotYetPublished(number, size, now_ms() + _PUBLISHED_WITHIN_MS)
    checkpoint = read_checkpoint(read_note(published.checkpoint).text)
    path = await _path(settings, number, checkpoint.size)
    try:
        check_inclusion(leaf_hash(entry.leaf), number, checkpoint.size, path, checkpoint.root)
    except ProofError as error:
        place = settings.audit_folder or settings.topic(AUDIT)
        raise AuditBroken(place, AuditFault(number, "changed", str(error))) from None
    return {
        "format": FORMAT,
        "leaf": base64.b64encode(entry.leaf).decode(),
        "opened": disclose(entry.opening, names),
        "proof": TlogProof(number, tuple(path), published.checkpoint).encode(),
    }


async def log_state(settings: Settings) -> LogState:
    """Read the number of entries and the last checkpoints; raises the errors of `LogReader`."""
    records = await read_checkpoints(settings)
    published, complete = (_published(one) for one in (records.newest, records.complete))
    return LogState(await _entries(settings), _signed(records), published, complete)


def _signed(records: CheckpointRecords) -> CheckpointState | None:
    state = decode_state(records.state)
    return None if state is None else _checkpoint_state(state.checkpoint, state.at_ms)


def _published(record: PublishedCheckpoint | None) -> CheckpointState | None:
    return None if record is None else _checkpoint_state(record.checkpoint, record.at_ms, record)


def _checkpoint_state(note: str, at_ms: int, published: PublishedCheckpoint | None = None) -> CheckpointState | None:
    try:
        signed = read_note(note)
        checkpoint = read_checkpoint(signed.text)
    except ProofError:
        return None
    missing = () if published is None else published.missing
    others = dict.fromkeys(one.name for one in signed.signatures if one.name != checkpoint.origin)
    return CheckpointState(note, checkpoint.size, checkpoint.root.hex(), at_ms, tuple(others), missing)


async def _path(settings: Settings, number: int, size: int) -> list[bytes]:
    if not settings.audit_folder:
        return await from_topic(settings, lambda tree: inclusion_proof(tree, number, size))
    return await asyncio.to_thread(_path_in, settings.audit_folder, number, size)


def _path_in(place: str, number: int, size: int) -> list[bytes]:
    log = published_log(place)
    present = read_checkpoint(read_note(log.checkpoint()).text).size  # partial tiles have its width
    return inclusion_proof(TileTree(max(present, size), log.tile), number, size)


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
    return LogReader(connection(settings), settings.topic(name), committed_only=True)
