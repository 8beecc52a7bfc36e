"""Make proof files of entries: each opens some fields and has the path from the entry to a published checkpoint.

Several are made together: checkpoints are read once, and tiles or leaves in one pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from moderation.publiclog.checkpoint_topic import CheckpointRecords, read_checkpoints
from moderation.publiclog.disclosure import disclose
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.proofs.proof_file import ProofFile, proof_file
from moderation.publiclog.proofs.published_log import published_log
from moderation.publiclog.reading import opened_checkpoint
from moderation.publiclog.tlog.checkpoint import Checkpoint, read_checkpoint
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.notes import read_note
from moderation.publiclog.tlog.proof_checks import check_inclusion
from moderation.publiclog.tlog.proving import Subtrees, inclusion_proof
from moderation.publiclog.tlog.tiles import TileTree
from moderation.publiclog.topic_tree import from_topic
from streams.clock import now_ms
from streams.constants import MINUTE_MS
from streams.errors import CallerMistake, DependencyAway
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

Opened = tuple[AuditEntry, Sequence[str]]
"""Entry, and names of the fields to open."""
_Paths = dict[tuple[int, int], list[bytes]]
"""Inclusion proofs by number of the entry and size of the tree."""
_PUBLISHED_WITHIN_MS = 2 * MINUTE_MS
"""Time in which a logged entry is usually under a published checkpoint."""


@dataclass(frozen=True, slots=True)
class NotYetPublished:
    """Entry that no published checkpoint covers yet."""

    number: int
    size: int
    """Size of the newest published checkpoint; 0: there is none."""
    next_at_ms: int
    """Time by which the next one is due."""


Proof = ProofFile | NotYetPublished


async def proofs_of(settings: Settings, opened: Sequence[Opened]) -> list[Proof]:
    """Build the proof files of entries under published checkpoints, in the order of the entries.

    Tiles are read from HUSHTAG_AUDIT_FOLDER; without it all leaves are read from their topic, once for all proofs.

    Raises:
        ProofError: a field was erased.
        AuditBroken: topic or folder contradict the checkpoint, or the log did not sign it.
        DependencyAway, TopicsError: Kafka or the folder does not answer, or a topic is missing.
    """
    records = await read_checkpoints(settings)
    texts = [_covering(records, entry.number) for entry, _ in opened]
    checkpoints = {text: opened_checkpoint(settings, text)[0] for text in set(texts) if text is not None}
    pairs = zip(opened, texts, strict=True)
    asked = {(entry.number, checkpoints[text].size) for (entry, _), text in pairs if text is not None}
    paths = await _paths(settings, sorted(asked)) if asked else {}
    newest = 0 if records.newest is None else records.newest.size
    proofs: list[Proof] = []
    for (entry, names), text in zip(opened, texts, strict=True):
        if text is None:
            proofs.append(NotYetPublished(entry.number, newest, now_ms() + _PUBLISHED_WITHIN_MS))
            continue
        path = paths[entry.number, checkpoints[text].size]
        _check_path(settings, entry, path, checkpoints[text])
        proofs.append(proof_file(entry.leaf, disclose(entry.opening, names), entry.number, path, text))
    return proofs


def _covering(records: CheckpointRecords, number: int) -> str | None:
    published = records.covering(number)
    return None if published is None else published.checkpoint


def _check_path(settings: Settings, entry: AuditEntry, path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    try:
        check_inclusion(leaf_hash(entry.leaf), entry.number, checkpoint.size, path, checkpoint.root)
    except ProofError as error:
        place = settings.audit_folder or settings.topic(AUDIT)
        raise AuditBroken(place, AuditFault(entry.number, "changed", str(error))) from None


async def _paths(settings: Settings, asked: Sequence[tuple[int, int]]) -> _Paths:
    if settings.audit_folder:
        return await asyncio.to_thread(paths_from_folder, settings.audit_folder, asked)

    def make(tree: Subtrees) -> _Paths:
        return {place: inclusion_proof(tree, *place) for place in asked}

    return await from_topic(settings, make)


def paths_from_folder(place: str, asked: Sequence[tuple[int, int]]) -> _Paths:
    """Make inclusion proofs from the published folder, or from its URL.

    Args:
        place: folder or URL.
        asked: numbers of entries with the size of the tree of each.

    Raises:
        AuditBroken: a file is missing or malformed.
        DependencyAway: the folder does not exist, or the server does not answer.
    """
    try:
        log = published_log(place)
        present = read_checkpoint(read_note(log.checkpoint()).text).size  # partial tiles have its width
        return {(n, size): inclusion_proof(TileTree(max(present, size), log.tile), n, size) for n, size in asked}
    except CallerMistake as error:
        raise DependencyAway(f"HUSHTAG_AUDIT_FOLDER: {error}", fix=error.fix) from None
    except ProofError as error:
        raise AuditBroken(place, AuditFault(min(asked)[0], "missing", str(error)), fix=error.fix) from None
