"""Proofs for documents: find the log entry of a decision, open some of its fields, and prove it under a checkpoint.

A document names a decision by an `EntryKey` that its record has too. The log is read from the time of the decision
on, because an entry is never older than its record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import NotRequired, Protocol, TypedDict

from moderation.publiclog.disclosure import Value
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.entry_proofs import NotYetPublished, Opened, Proof, proofs_of
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput
from moderation.publiclog.leaf_fields import publication_id
from moderation.publiclog.proofs.proof_file import ProofFile
from moderation.publiclog.reading import LogState, first_since, log_state, read_batches, read_entry
from moderation.publiclog.rows import input_in
from moderation.wording import time_words
from streams.answers import JsonObject
from streams.constants import MINUTE_MS
from streams.errors import ContractError, DependencyAway, TopicsError
from streams.log.decisions import Decision, record_in
from streams.log.moderation import OtherRecord, Override, decode_moderation
from streams.log.topic_specs import DECISIONS, MODERATION
from streams.orders.records import OrderReceived, OrderRuling, OrderStep, decode_legal
from streams.settings import Settings

EntryKey = tuple[str, ...]
"""Kind of a record, and the fields that identify it."""
_CLOCKS_MS = MINUTE_MS
"""Greatest difference between the clock of a writer and that of the broker."""
MISSING = "the public log does not have this decision yet; ask again in a minute"
NO_LOG = "this platform keeps no public log"


@dataclass(frozen=True, slots=True)
class NeededEntry:
    """Entry that a document needs, and the fields that it opens."""

    key: EntryKey
    since_ms: int
    """Time before which no entry is looked at."""
    names: Sequence[str]


class ProofMembers(TypedDict):
    """Members that an answer with a proof has."""

    entry: JsonObject | None
    proof: JsonObject | None
    proof_note: NotRequired[str]


@dataclass(frozen=True, slots=True)
class DocumentProof:
    """Proof that goes with a document; without one, the reason."""

    entry: Mapping[str, Value] | None = None
    """Opened fields as the log has them; None while there is no entry."""
    proof: ProofFile | None = None
    """Proof file; None while no published checkpoint covers the entry."""
    note: str = ""

    def members(self) -> ProofMembers:
        """Return the members of an answer; `proof_note` gives the reason where there is no proof."""
        entry = None if self.entry is None else dict(self.entry)
        if self.proof is not None:
            return {"entry": entry, "proof": dict(self.proof)}
        return {"entry": entry, "proof": None, "proof_note": self.note}


class PublicLog(Protocol):
    """Log from which documents are proved."""

    async def state(self) -> LogState:
        """Return the size of the log, its last checkpoints, and the witnesses that cosigned."""

    async def entry(self, number: int) -> AuditEntry:
        """Return an entry by its number; raises CallerMistake if there is none yet."""

    def batches(self, since_ms: int) -> AsyncGenerator[list[AuditEntry], None]:
        """Yield the entries that were appended since a time, in batches."""

    async def proofs_of(self, opened: Sequence[Opened]) -> list[Proof]:
        """Build the proof file of each entry, or name the time of the checkpoint that will cover it."""


@dataclass(frozen=True, slots=True)
class KafkaLog:
    """The audit log of the configured topics."""

    settings: Settings

    async def state(self) -> LogState:
        """Return the size of the log, its last checkpoints, and the witnesses that cosigned."""
        return await log_state(self.settings)

    async def entry(self, number: int) -> AuditEntry:
        """Return an entry by its number; raises CallerMistake if there is none yet."""
        return await read_entry(self.settings, number)

    async def batches(self, since_ms: int) -> AsyncGenerator[list[AuditEntry], None]:
        """Yield the entries that were appended since a time, in batches."""
        async with aclosing(read_batches(self.settings, await first_since(self.settings, since_ms))) as batches:
            async for batch in batches:
                yield batch

    async def proofs_of(self, opened: Sequence[Opened]) -> list[Proof]:
        """Build the proof file of each entry, or name the time of the checkpoint that will cover it."""
        return await proofs_of(self.settings, opened)


@dataclass(slots=True)
class _Search:
    remaining: dict[EntryKey, list[str]] = field(default_factory=dict)
    entries: dict[str, AuditEntry] = field(default_factory=dict)


async def prove(log: PublicLog, needed: Mapping[str, NeededEntry]) -> dict[str, DocumentProof]:
    """Prove the entries that documents need, with one reading of the log.

    Args:
        log: the public log.
        needed: entries by the name of their document.

    Returns:
        A proof or a note for each document: a broken log, or one that does not answer, holds no document back.
    """
    search = _Search()
    for name, entry in needed.items():
        search.remaining.setdefault(entry.key, []).append(name)
    try:
        if needed:
            await _find(log, search, min(entry.since_ms for entry in needed.values()))
        opened = [(entry, needed[name].names) for name, entry in search.entries.items()]
        proofs = dict(zip(search.entries, await _prove_all(log, opened), strict=True))
        is_empty = bool(search.remaining) and not (await log.state()).entries
    except TopicsError:
        return dict.fromkeys(needed, DocumentProof(note=NO_LOG))
    except (AuditBroken, DependencyAway) as error:
        return dict.fromkeys(needed, DocumentProof(note=str(error)))
    missing = DocumentProof(note=NO_LOG if is_empty else MISSING)
    return {name: proofs.get(name, missing) for name in needed}


def key_of(logged: AuditInput | None) -> EntryKey | None:
    """Identify the record of an entry; None for one that no document names, and after an erasure."""
    if logged is None or logged.value is None:
        return None
    if logged.source.topic == DECISIONS:
        decided = record_in(logged.value)
        return decision_key(decided) if isinstance(decided, Decision) else None
    if logged.source.topic != MODERATION:
        return None
    try:
        record = decode_moderation(logged.value, logged.key, logged.source.log_time_ms)
        if isinstance(record, OtherRecord) and (report := publication_id(record)) is not None:
            return "report", report
        of_order = decode_legal(record) if isinstance(record, OtherRecord) else None
    except ContractError:
        return None
    match record if of_order is None else of_order:
        case Override(id=ident):
            return "override", ident
        case OrderRuling() as ruling:
            return ruling_key(ruling.order, ruling.outcome, ruling.at_ms)
        case OrderStep() as step:
            return "step", step.order, step.id
        case OrderReceived(edits="") as received:
            return "received", received.order
    return None


def decision_key(decision: Decision) -> EntryKey:
    """Identify an automated decision."""
    return "decision", decision.hashtag, decision.country, decision.version


def ruling_key(order: str, outcome: str, at_ms: int) -> EntryKey:
    """Identify a ruling of an order."""
    return "ruling", order, outcome, str(at_ms)


async def _find(log: PublicLog, search: _Search, since_ms: int) -> None:
    async with aclosing(log.batches(max(0, since_ms - _CLOCKS_MS))) as batches:
        async for batch in batches:
            await asyncio.to_thread(_take, search, batch)
            if not search.remaining:
                return


def _take(search: _Search, batch: Iterable[AuditEntry]) -> None:
    for entry in batch:
        key = key_of(input_in(entry))
        if key is not None and key in search.remaining:
            search.entries |= dict.fromkeys(search.remaining.pop(key), entry)
        if not search.remaining:
            return


async def prove_entry(log: PublicLog, entry: AuditEntry, names: Sequence[str]) -> DocumentProof:
    """Prove an entry with some of its fields open; without a proof while no published checkpoint covers it."""
    return (await _prove_all(log, [(entry, names)]))[0]


async def _prove_all(log: PublicLog, opened: Sequence[Opened]) -> list[DocumentProof]:
    proofs = await log.proofs_of(opened) if opened else []
    return [_document_proof(entry, names, proof) for (entry, names), proof in zip(opened, proofs, strict=True)]


def _document_proof(entry: AuditEntry, names: Sequence[str], proof: Proof) -> DocumentProof:
    opened = {name: entry.opening.value(name) for name in names}
    if isinstance(proof, NotYetPublished):
        due = f"the next one is due at {time_words(proof.next_at_ms)}"
        return DocumentProof(opened, None, f"no published checkpoint covers entry {entry.number} yet; {due}")
    return DocumentProof(opened, proof)
