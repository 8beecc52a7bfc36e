"""Verify the audit log from its topics: the whole of it, or the entries after the writer's last signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing

from moderation.publiclog.checkpoint_topic import read_checkpoints
from moderation.publiclog.comparison import SourceComparison
from moderation.publiclog.disclosure import FIELDS
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.erasures import AuditErasure, erasure_in
from moderation.publiclog.faults import AuditBroken, AuditFault, FaultKind
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.joined_records import JoinedRecord, read_joined
from moderation.publiclog.leaf_fields import fields_of
from moderation.publiclog.seeking import first_numbered, number_of_key, seek_number
from moderation.publiclog.state import open_checkpoints, state_note
from moderation.publiclog.tlog.checkpoint import Checkpoint
from moderation.publiclog.tlog.keys import PublicKey
from moderation.publiclog.verification import Verification, VerificationResult, opening_fault
from streams.errors import ContractError
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT, AUDIT_CHECKPOINTS
from streams.settings import Settings

OnEntry = Callable[[AuditEntry], AuditFault | None]
"""Receives each verified entry; may return another fault."""


async def signed_checkpoints(settings: Settings, keys: Sequence[PublicKey]) -> list[tuple[str, Checkpoint]]:
    """Read the last checkpoints that the topic has, and verify their signatures.

    Raises:
        AuditBroken: one was not signed by the log.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    records = await read_checkpoints(settings)
    published = (record for record in (records.complete, records.newest) if record is not None)
    notes = {f"the published checkpoint at {record.size}": record.checkpoint for record in published}
    if records.state is not None:
        notes["the writer's last checkpoint"] = state_note(records.state)
    return open_checkpoints(notes, keys, settings.topic(AUDIT_CHECKPOINTS))


async def verify_log(
    settings: Settings, checkpoints: Sequence[tuple[str, Checkpoint]], on_entry: OnEntry = lambda entry: None
) -> VerificationResult:
    """Verify all leaves against checkpoints, and all openings against their leaves.

    Raises:
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    verification = Verification(checkpoints)
    erased, ordered = set[int](), set[int]()

    def apply(batch: Sequence[JoinedRecord]) -> None:
        for record in batch:
            if not verification.apply(record.offset, record.key, record.leaf):
                continue
            try:
                entry = entry_of(record)
                logged = entry.input
                fault = on_entry(entry)
            except AuditBroken as broken:
                fault = broken.fault
            if fault is not None:
                verification.fail(fault)
            elif logged is None:
                erased.add(entry.number)
            elif (erasure := erasure_in(logged)) is not None:
                ordered.add(erasure.entry)

    try:
        async with aclosing(read_joined(settings)) as batches:
            async for batch in batches:
                await asyncio.to_thread(apply, batch)
        if erased - ordered:  # an erasure may have been carried out during the read: its order follows
            ordered |= await _orders_since(settings, verification.tree.size)
    except AuditBroken as broken:  # an opening was written again or deleted
        verification.fail(broken.fault)
    if unordered := erased - ordered:
        verification.fail(AuditFault(min(unordered), "missing", "it was erased, and no erasure was logged"))
    return verification.result()


async def _orders_since(settings: Settings, first: int) -> set[int]:
    """Return the entries whose erasures are logged from an entry on."""
    ordered = set[int]()
    async with aclosing(read_joined(settings, first)) as batches:
        async for batch in batches:
            for record in batch:
                logged = entry_of(record).input
                if logged is not None and (erasure := erasure_in(logged)) is not None:
                    ordered.add(erasure.entry)
    return ordered


async def read_tail(
    settings: Settings, end: LogEnd, comparison: SourceComparison, orders: Mapping[int, AuditErasure]
) -> None:
    """Move the end behind the entries that follow it in the topic, and add them to a comparison with their sources.

    Args:
        settings: addresses and topic names.
        end: end of the signed log; it is moved.
        comparison: receives the entries.
        orders: erasures that were ordered, by the number of the entry. Such an entry is erased only after it was
            signed, but the copy of a running log may lack that signature.

    Raises:
        AuditBroken: the topic lacks entries before the end, or what follows is not a log.
    """
    topic, first = settings.topic(AUDIT), end.size
    if first:
        async with LogReader(connection(settings), topic, committed_only=True) as reader:
            start = await seek_number(reader, first - 1)
            last = await first_numbered(reader, start, (await reader.bounds((0,)))[0].end)
        if last is None or last[1] != first - 1:
            what: FaultKind = "missing" if last else "cut off"
            raise AuditBroken(topic, AuditFault(first - 1, what, f"the log was signed with {first} entries"))
    async with aclosing(read_joined(settings, first)) as batches:
        async for batch in batches:
            for record in batch:
                entry = _next_entry(record, end.size, topic)
                logged = entry.input
                if logged is None:
                    if (order := orders.get(entry.number)) is None:
                        fault = AuditFault(entry.number, "missing", "it was erased before it was signed")
                        raise AuditBroken(topic, fault)
                    logged = AuditInput(SourcePosition(order.topic, order.partition, order.offset, -1))
                if end.is_logged(logged):
                    source = f"{logged.source.topic}[{logged.source.partition}] offset {logged.source.offset}"
                    fault = AuditFault(entry.number, "repeated", f"{source} is already in the log", record.offset)
                    raise AuditBroken(topic, fault)
                if entry.is_erased:
                    comparison.add_erased(entry.number, logged.source)
                else:
                    comparison.add(entry.number, logged)
                end.apply(entry.leaf, logged)


def entry_of(record: JoinedRecord, topic: str = AUDIT) -> AuditEntry:
    """Return a record's entry: its leaf commits to its opening, and its fields are those of its source record.

    Raises:
        AuditBroken: one of the two does not hold, or there is no opening.
    """
    number = number_of_key(record.key)
    if number is None or record.leaf is None:
        raise AuditBroken(topic, AuditFault(0, "not an entry", f"its key is {record.key!r}", record.offset))
    if (fault := opening_fault(number, record.leaf, record.opening, record.offset)) is not None:
        raise AuditBroken(topic, fault)
    assert record.opening is not None
    entry = AuditEntry(number, record.leaf, record.opening)
    try:
        logged = entry.input
    except ContractError as error:
        raise AuditBroken(topic, AuditFault(number, "not an entry", str(error), record.offset)) from None
    if logged is not None:
        derived = tuple(fields_of(logged).values())
        wrong = [name for name, *pair in zip(FIELDS, derived, entry.opening.values, strict=True) if pair[0] != pair[1]]
        if wrong:
            detail = f"the field {wrong[0]} does not follow from the entry's record"
            raise AuditBroken(topic, AuditFault(number, "changed", detail, record.offset))
    return entry


def _next_entry(record: JoinedRecord, expected: int, topic: str) -> AuditEntry:
    entry = entry_of(record, topic)
    if entry.number != expected:
        what: FaultKind = "missing" if entry.number > expected else "repeated"
        detail = f"entry {entry.number} follows entry {expected - 1}"
        raise AuditBroken(topic, AuditFault(min(entry.number, expected), what, detail, record.offset))
    return entry
